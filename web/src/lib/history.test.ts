import { describe, expect, test } from "vitest";
import { render } from "svelte/server";
import HistoryEvidence from "../components/HistoryEvidence.svelte";
import { came, kept, layout, legend, placeInOrder, refusal, type History, type Operation } from "./history";

const operation = (begun: number, returned: number | null, result = "7"): Operation => ({
  who: "thread 1",
  call: "get()",
  result: returned === null ? null : result,
  begun,
  returned,
});

const history: History = {
  kind: "history",
  title: "What came back",
  operations: [operation(3, 9), operation(5, null), operation(12, 40)],
  order: [0, 2],
  refusals: [{ operation: 1, expected: null }],
};
const all = [0, 1, 2];

/** One after the other, each overlapping the next. */
const long = (count: number): History => ({
  ...history,
  operations: Array.from({ length: count }, (_, index) => operation(3 * index, 3 * index + 4)),
  order: [1, 2, 3, 4, 0],
  refusals: [{ operation: 5, expected: "3" }],
});

describe("history", () => {
  test("moments stand side by side, however far apart they are, and what has not returned outlasts them", () => {
    const { steps, spans } = layout(history, all);
    expect(steps).toBe(5);
    expect(spans.map(({ from, to, open }) => [from * steps, to * steps, open])).toEqual([
      [0, 2, false],
      [1, 5, true],
      [3, 4, false],
    ]);
    expect(layout({ ...history, operations: [operation(3, 9)], order: [] }, [0]).steps).toBe(1);
  });

  test("each operation takes effect while it is under way, and in the order", () => {
    const crossed = { ...history, operations: [operation(1, 9), operation(2, 8), operation(3, 4)], order: [2, 0, 1] };
    const { spans } = layout(crossed, all);
    const points = crossed.order.map((index) => spans[index]!.point!);
    expect(points).toEqual([...points].sort((one, other) => one - other));
    expect(new Set(points).size).toBe(3);
    for (const { from, to, point } of spans) expect(from < point! && point! < to).toBe(true);
    expect(layout({ ...crossed, order: [] }, all).spans.map((span) => span.point)).toEqual([null, null, null]);
  });

  test("a long one begins with what tells why it ends", () => {
    expect(kept(long(12))).toHaveLength(12);
    expect(kept(long(20))).toEqual([0, 3, 4, 5, 14, 15, 16, 17, 18, 19]);
    expect(layout(long(20), kept(long(20))).spans).toHaveLength(10);
  });

  test("an operation tells its place in the order, or why it has none", () => {
    expect(all.map((index) => placeInOrder(history, index))).toEqual([1, null, 2]);
    expect(all.map((index) => refusal(history, index))).toEqual([null, { verb: "had to wait", value: "" }, null]);
    const had = (expected: string) => refusal({ ...history, refusals: [{ operation: 1, expected }] }, 1);
    expect(had("3")).toEqual({ verb: "had to give", value: "3" });
    expect(had("raised Empty")).toEqual({ verb: "had to raise", value: "Empty" });
  });

  test("what came of an operation is said in words", () => {
    expect(came(operation(1, 2))).toEqual({ verb: "gave", value: "7" });
    expect(came(operation(1, 2, "raised Empty"))).toEqual({ verb: "raised", value: "Empty" });
    expect(came(operation(1, null))).toEqual({ verb: "has not returned", value: "" });
  });

  test("the legend speaks of the marks that there are", () => {
    const told = (order: number[], refused: number[]) => legend({ ...history, order, refusals: refused.map((it) => ({ operation: it, expected: "3" })) });
    expect(told([0], [1])).toMatch(/Only the one marked ✗ could come next, and it did/);
    expect(told([0], [1, 2])).toMatch(/One of those marked ✗ would have to come next, and each did/);
    expect(told([], [1])).toMatch(/^No order explains even one of them\. Only the one marked ✗ could come first/);
    expect(told([0], [])).not.toContain("✗");
  });
});

test("the list tells of a history without its picture, and what a program says is shown and never obeyed", () => {
  const hostile = "<script>alert(1)</script>";
  const words = (evidence: History) => render(HistoryEvidence, { props: { evidence } }).body.replaceAll(/<!--.*?-->/g, "");
  const plain = words(history).replaceAll(/<[^>]*>/g, "").replaceAll(/(\s|&nbsp;|\u00a0)+/g, " ");
  expect(plain).toContain("Number 1 of the order: thread 1 get() gave 7");
  expect(plain).toContain("Cannot come next: thread 1 get() has not returned but had to wait");
  const body = words({ ...history, title: hostile, operations: history.operations.map((it) => ({ ...it, who: hostile, call: hostile, result: hostile })) });
  expect(body).not.toContain("<script");
  expect(body).toContain("&lt;script>");
});
