// A history that no order explains: where each operation lies in time, and why none could come next.
import type { Evidence } from "../api/types";

export type History = Extract<Evidence, { kind: "history" }>;
export type Operation = History["operations"][number];

/** Columns of a bar, from 1: the moments at which something is begun or returns, in order. */
export type Span = { from: number; to: number; open: boolean };

/** The number of moments, and each operation's place among them. */
export function spans(history: History): { moments: number; spans: Span[] } {
  const all = history.operations.flatMap((it) => (it.returned === null ? [it.begun] : [it.begun, it.returned]));
  const moments = [...new Set(all)].sort((one, other) => one - other);
  const rank = new Map(moments.map((moment, index) => [moment, index + 1]));
  const end = moments.length + 1;
  const span = (it: Operation): Span => {
    const from = rank.get(it.begun) ?? 1;
    return it.returned === null ? { from, to: end, open: true } : { from, to: rank.get(it.returned) ?? end, open: false };
  };
  return { moments: end, spans: history.operations.map(span) };
}

/** The place in the longest order that explains them, from 1; null for one that is not in it. */
export function placeInOrder(history: History, index: number): number | null {
  const place = history.order.indexOf(index);
  return place < 0 ? null : place + 1;
}

/** What had to come of an operation after that order; "" for one that was not refused. */
export function refusal(history: History, index: number): string {
  const found = history.refusals.find((it) => it.operation === index);
  if (!found) return "";
  return found.expected === null ? "had to wait" : `had to give ${found.expected}`;
}
