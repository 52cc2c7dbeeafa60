import { expect, test } from "vitest";
import { lineDiff } from "./linediff";

const shown = (got: string, want: string) => lineDiff(got, want).map(({ side, text }) => ({ both: " ", got: "-", want: "+" })[side] + text);

test("equal texts have no marked line", () => {
  expect(shown("a\nb", "a\nb")).toEqual([" a", " b"]);
});

test("a missing line is marked as expected", () => {
  expect(shown("a\nc", "a\nb\nc")).toEqual([" a", "+b", " c"]);
});

test("a changed line is both expected and got", () => {
  expect(shown("a\nX\nc", "a\nb\nc")).toEqual([" a", "+b", "-X", " c"]);
});

test("lines after the last common one are kept", () => {
  expect(shown("a\nb\nc", "a")).toEqual([" a", "-b", "-c"]);
});

test("texts too large to compare are shown whole", () => {
  const long = Array.from({ length: 2500 }, (_, index) => `line ${index}`).join("\n");
  const lines = lineDiff(long, long);
  expect(lines).toHaveLength(5000);
  expect(lines.some((line) => line.side === "both")).toBe(false);
});
