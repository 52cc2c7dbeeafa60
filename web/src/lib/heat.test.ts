import { describe, expect, test } from "vitest";
import type { Gradebook, GradebookCell } from "../api/types";
import { columns, heatCell, summary, total } from "./heat";

const cell = (part: Partial<GradebookCell>): GradebookCell => ({ points: 0, attempts: 1, state: "graded", verdict: "wrong-answer", latest: "s", ...part });

describe("heatCell", () => {
  test("says in words what it shows in colour", () => {
    expect(heatCell(cell({ points: 65, attempts: 3 }), 100)).toEqual({
      text: "65",
      glyph: "◧",
      share: 0.65,
      label: "65 of 100 points, wrong answer, attempt 3",
    });
  });

  test.each([
    [null, "·"],
    [cell({ points: 100, verdict: "passed" }), "✓"],
    [cell({ points: 0 }), "✗"],
    [cell({ points: 40, verdict: "unstable" }), "≈"],
    [cell({ points: null, state: "queued", verdict: null }), "○"],
    [cell({ points: null, state: "dead", verdict: null }), "†"],
  ])("has a glyph of its own for %o", (given, glyph) => {
    expect(heatCell(given, 100).glyph).toBe(glyph);
  });

  test("colours nothing that has no points yet", () => {
    expect(heatCell(cell({ points: null, state: "running", verdict: null }), 100).share).toBeNull();
  });
});

const BOOK: Gradebook = {
  course: "c",
  assignments: [
    { slug: "a", title: "A", section: 1, points: 100 },
    { slug: "b", title: "B", section: 1, points: 50 },
  ],
  students: [
    { login: "x", name: "X", cells: [cell({ points: 100, verdict: "passed" }), cell({ points: null, state: "queued", verdict: null })] },
    { login: "y", name: "Y", cells: [cell({ points: 20 }), null] },
    { login: "z", name: "Z", cells: [null, null] },
  ],
};

test("a column counts who handed in, and the median of who has points", () => {
  expect(columns(BOOK)).toEqual([
    { handedIn: 2, median: 60 },
    { handedIn: 1, median: null },
  ]);
});

test("the summary leaves who has not started out of the median", () => {
  expect(summary(BOOK)).toMatchObject({ students: 3, started: 2, median: 60, waiting: 1, running: 0, dead: 0, unstable: 0 });
  expect(total(BOOK.students[0]?.cells ?? [])).toBe(100);
});
