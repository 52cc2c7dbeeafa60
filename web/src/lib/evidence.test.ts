import { expect, test } from "vitest";
import type { Evidence } from "../api/types";
import { extent, folded, titleOf } from "./evidence";

const traceback = (lines: number): Evidence => ({ kind: "traceback", text: "line\n".repeat(lines) });

test("what is long is folded below other evidence, and never comes folded first", () => {
  expect([0, 1, 2].map((place) => folded(traceback(40), place))).toEqual([false, true, true]);
  expect(folded(traceback(3), 1)).toBe(false);
});

test("evidence tells its name and how much of it there is", () => {
  const output: Evidence = { kind: "output", program: "server.py", stream: "stderr", text: "one", truncated: false };
  expect([titleOf(output), extent(output)]).toEqual(["Errors of server.py", "1 line"]);
  expect(extent(traceback(40))).toBe("40 lines");
  expect(extent({ kind: "diff", title: "", got: "a", want: "a\nb\n" })).toBe("2 lines");
  expect(extent({ kind: "history", title: "", operations: [], order: [], refusals: [] })).toBe("0 operations");
});
