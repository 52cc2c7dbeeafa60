// A history that no order explains: where each operation lies in time, where an order has it take effect, and why none
// could come next. What is said of it in words is made here too: the picture is drawn beside these words.
import type { Evidence } from "../api/types";

export type History = Extract<Evidence, { kind: "history" }>;
export type Operation = History["operations"][number];

/** Where an operation lies in time, in shares of the whole, 0 to 1. */
export interface Span {
  from: number;
  to: number;
  /** It had not returned. */
  open: boolean;
  /** Where the order has it take effect; null for one that is not in the order. */
  point: number | null;
}

/** Operations that are shown of a long history: those that tell why it ends. */
const SHORT = 12;
const LAST = 6;
const LAST_OF_ORDER = 3;

/** Indexes of the operations that are shown at first. */
export function kept(history: History): number[] {
  const all = history.operations.map((_, index) => index);
  if (all.length <= SHORT) return all;
  const named = new Set([...history.order.slice(-LAST_OF_ORDER), ...history.refusals.map((it) => it.operation)]);
  return all.filter((index) => index >= all.length - LAST || named.has(index));
}

/** The spans of some operations, and how many steps they have: moments at which one is begun or returns, side by side. */
export function layout(history: History, shown: number[]): { steps: number; spans: Span[] } {
  const operations = shown.flatMap((index) => history.operations[index] ?? []);
  const all = operations.flatMap((it) => (it.returned === null ? [it.begun] : [it.begun, it.returned]));
  const moments = [...new Set(all)].sort((one, other) => one - other);
  const endless = operations.some((it) => it.returned === null);
  // What has not returned goes on past the last moment.
  const steps = Math.max(endless ? moments.length : moments.length - 1, 1);
  const rank = new Map(moments.map((moment, index) => [moment, index]));
  const at = (moment: number | null) => (moment === null ? steps : (rank.get(moment) ?? 0));
  const order = history.order.filter((index) => shown.includes(index));
  const points = pointsOf(order, (index) => at(history.operations[index]!.begun));
  const spans = shown.map((index) => {
    const { begun, returned } = history.operations[index]!;
    const point = points.get(index);
    return { from: at(begun) / steps, to: at(returned) / steps, open: returned === null, point: point === undefined ? null : point / steps };
  });
  return { steps, spans };
}

/** Where operations take effect, in steps: in this order, each as soon as it is begun and the ones before it allow. */
function pointsOf(order: number[], begun: (index: number) => number): Map<number, number> {
  const steps: number[][] = [];
  let step = 0;
  for (const index of order) {
    step = Math.max(step, begun(index));
    (steps[step] ??= []).push(index);
  }
  return new Map(steps.flatMap((inside, from) => inside.map((index, place): [number, number] => [index, from + (place + 1) / (inside.length + 1)])));
}

/** The place in the longest order that explains them, from 1; null for one that is not in it. */
export function placeInOrder(history: History, index: number): number | null {
  const place = history.order.indexOf(index);
  return place < 0 ? null : place + 1;
}

/** A verb, and a value that is the program's own words; either may be empty. */
export type Said = { verb: string; value: string };

const RAISED = "raised ";

/** `gave 7`, `raised Empty`. */
export function came(operation: Operation): Said {
  if (operation.result === null) return { verb: "has not returned", value: "" };
  if (operation.result.startsWith(RAISED)) return { verb: "raised", value: operation.result.slice(RAISED.length) };
  return { verb: "gave", value: operation.result };
}

/** What had to come of an operation after that order; null for one that was not refused. */
export function refusal(history: History, index: number): Said | null {
  const found = history.refusals.find((it) => it.operation === index);
  if (!found) return null;
  if (found.expected === null) return { verb: "had to wait", value: "" };
  if (found.expected.startsWith(RAISED)) return { verb: "had to raise", value: found.expected.slice(RAISED.length) };
  return { verb: "had to give", value: found.expected };
}

/** What the numbers and marks of this history mean. */
export function legend(history: History): string {
  const some = history.order.length > 0;
  const order = some
    ? "The numbers are the longest order that explains what came back, with a dot where each takes effect."
    : "No order explains even one of them.";
  const one = history.refusals.length === 1;
  if (history.refusals.length === 0) return order;
  const which = one ? "Only the one marked ✗ could come" : "One of those marked ✗ would have to come";
  return `${order} ${which} ${some ? "next" : "first"}, and ${one ? "it" : "each"} did something else than it had to.`;
}
