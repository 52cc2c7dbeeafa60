import { describe, expect, test } from "vitest";
import { placeInOrder, refusal, spans, type History } from "./history";

const operation = (begun: number, returned: number | null) => ({ who: "thread 1", call: "get()", result: returned === null ? null : "7", begun, returned });

const history: History = {
  kind: "history",
  title: "",
  operations: [operation(3, 9), operation(5, null), operation(12, 40)],
  order: [2, 0],
  refusals: [{ operation: 1, expected: null }],
};

describe("history", () => {
  test("moments stand side by side, however far apart they are", () => {
    expect(spans(history)).toEqual({
      moments: 6,
      spans: [
        { from: 1, to: 3, open: false },
        { from: 2, to: 6, open: true },
        { from: 4, to: 5, open: false },
      ],
    });
  });

  test("an operation tells its place in the order, or why it has none", () => {
    expect([0, 1, 2].map((index) => placeInOrder(history, index))).toEqual([2, null, 1]);
    expect([0, 1].map((index) => refusal(history, index))).toEqual(["", "had to wait"]);
    expect(refusal({ ...history, refusals: [{ operation: 1, expected: "3" }] }, 1)).toBe("had to give 3");
  });
});
