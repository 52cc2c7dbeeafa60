// A simulated run as a space-time diagram: time goes down, each message from its sending to its arrival. Rows are in order of
// time, not to scale: where much time passes, a row says so. The words of a row are made here too, and the picture is drawn
// beside them, never instead of them.

import { gapBefore, type Wire, type WireEvent } from "./wire";

export type Run = NonNullable<Wire["run"]>;

/** More events than these are folded. */
const EVENTS_UNFOLDED = 40;
const FIRST = 8;
/** A silence that is this part of all the time that is shown is told. */
const SILENCE = 1 / 8;

/** Heights in pixels, and how far below a row's top its instant is. Rows may be higher: what is below the instant stretches. */
export const HEIGHT = 30;
export const THIN = 14;
export const INSTANT = 15;

/** A part of a message's way, in a row. Lanes are whole numbers of `x`; `y` is in pixels, or the row's bottom. */
export interface Piece {
  event: number;
  x1: number;
  y1: number;
  x2: number;
  y2: number | "bottom";
  end: "arrow" | "cross" | "refused" | "open" | null;
}

/** How a lane is drawn above and below a row's instant. */
export type Presence = "here" | "paused" | "away";

export type Row = {
  at: number;
  /** By lane: its presence before and after, and its group where the network is split. */
  lanes: { before: Presence; after: Presence; group: number | null }[];
  pieces: Piece[];
} & (
  | { kind: "event"; index: number; event: WireEvent }
  /** Where a message arrives; its words stand where it is sent. */
  | { kind: "arrival" }
  /** The network changes, or the run ends. */
  | { kind: "turn"; words: string; last: boolean }
  | { kind: "silence"; words: string }
  /** What nobody kept. */
  | { kind: "gap"; words: string }
  /** What is there and not shown yet. */
  | { kind: "fold"; count: number }
);

type Bare = Row extends infer Each ? (Each extends Row ? Omit<Each, "lanes" | "pieces"> : never) : never;

export function rows(wire: Wire, all: boolean): Row[] {
  const run = wire.run;
  if (!run) return [];
  const { bare, sent, arrived } = ordered(wire, run, all);
  const complete: Row[] = bare.map((row) => ({ ...row, lanes: lanesAt(wire, run, row.at), pieces: [] }));
  const tops = complete.map(height).reduce<number[]>((sums, own) => [...sums, (sums.at(-1) ?? 0) + own], [0]);
  for (const [index, from] of sent) draw(wire.events[index]!, index, complete, tops, from, arrived.get(index) ?? null);
  return complete;
}

function height(row: { kind: Row["kind"] }): number {
  return row.kind === "arrival" ? THIN : HEIGHT;
}

export function instant(row: { kind: Row["kind"] }): number {
  return row.kind === "arrival" ? THIN / 2 : INSTANT;
}

/** All rows in order of time, and those in which each message that is shown begins and ends. */
function ordered(wire: Wire, run: Run, all: boolean): { bare: Bare[]; sent: Map<number, number>; arrived: Map<number, number> } {
  const count = wire.events.length;
  const last = count - (EVENTS_UNFOLDED - FIRST);
  const shows = (index: number) => all || count <= EVENTS_UNFOLDED || index < FIRST || index >= last;

  type Timed = { at: number; of: number | null; row: Bare };
  const timed: Timed[] = [];
  wire.events.forEach((event, index) => {
    const gap = gapBefore(wire, index);
    if (gap && shows(index)) timed.push({ at: event.at_us, of: null, row: { kind: "gap", at: event.at_us, words: gap } });
    const before = timed.at(-1)?.row;
    if (shows(index)) timed.push({ at: event.at_us, of: index, row: { kind: "event", at: event.at_us, index, event } });
    else if (before?.kind === "fold") before.count += 1;
    else timed.push({ at: event.at_us, of: null, row: { kind: "fold", at: event.at_us, count: 1 } });
  });
  wire.events.forEach((event, index) => {
    const at = arrival(event);
    if (at !== null && shows(index) && event.from !== event.to) timed.push({ at, of: index, row: { kind: "arrival", at } });
  });
  timed.push(...turns(run).map((row) => ({ at: row.at, of: null, row })));
  const gap = gapBefore(wire, count);
  if (gap) timed.push({ at: run.ended_us, of: null, row: { kind: "gap", at: run.ended_us, words: gap } });

  // Of what happens at one time, the network's turns stand first: what they did to messages follows.
  const order = ({ row }: Timed) => (row.kind === "turn" ? 0 : 1);
  timed.sort((one, other) => one.at - other.at || order(one) - order(other));
  timed.push({ at: run.ended_us, of: null, row: { kind: "turn", at: run.ended_us, words: run.end, last: true } });

  const bare: Bare[] = [];
  const sent = new Map<number, number>();
  const arrived = new Map<number, number>();
  const began = timed[0]?.at ?? 0;
  for (const { at, of, row } of timed) {
    const passed = at - (bare.at(-1)?.at ?? at);
    if (passed > (run.ended_us - began) * SILENCE) bare.push({ kind: "silence", at, words: `${since(passed)} later` });
    if (of !== null) (row.kind === "arrival" ? arrived : sent).set(of, bare.length);
    bare.push(row);
  }
  return { bare, sent, arrived };
}

/** When the network changed, and how. What takes the place of something else says so itself. */
function turns(run: Run): (Bare & { kind: "turn" })[] {
  const begun = run.spans.map((span) => ({ kind: "turn" as const, at: span.from_us, words: span.words, last: false }));
  const ended = new Set(run.spans.flatMap((span) => (typeof span.to_us === "number" ? [span.to_us] : [])));
  const healed = [...ended].filter((at) => !run.spans.some((span) => span.from_us === at));
  return [...begun, ...healed.map((at) => ({ kind: "turn" as const, at, words: "the network heals", last: false }))];
}

/** When a message arrived; null where it did not, or is none. */
export function arrival({ fate }: WireEvent): number | null {
  return fate.fate === "arrived" || fate.fate === "refused" ? fate.at_us : null;
}

function lanesAt(wire: Wire, run: Run, at: number): Row["lanes"] {
  const split = run.spans.find((span) => span.groups.length > 0 && span.from_us <= at && at < (span.to_us ?? Infinity));
  return wire.lanes.map((_, lane) => ({
    before: presence(run, lane, at, true),
    after: presence(run, lane, at, false),
    group: split ? split.groups.findIndex((group) => group.includes(lane)) : null,
  }));
}

function presence(run: Run, lane: number, at: number, before: boolean): Presence {
  const during = run.away.filter((away) => away.lane === lane && (before ? away.from_us < at && at <= away.to_us : away.from_us <= at && at < away.to_us));
  if (during.some((away) => !away.paused)) return "away";
  return during.length > 0 ? "paused" : "here";
}

/** How far towards its target a message is drawn that does not arrive. */
const STUB = 0.55;

function draw(event: WireEvent, index: number, all: Row[], tops: number[], from: number, to: number | null) {
  if (event.what.deed === "mark" || event.from === event.to) return;
  if (to === null) {
    const x2 = event.from + (event.to - event.from) * STUB;
    const end = event.fate.fate === "lost" ? "cross" : "open";
    all[from]?.pieces.push({ event: index, x1: event.from, y1: INSTANT, x2, y2: HEIGHT - 3, end });
    return;
  }
  const y = (row: number) => tops[row]! + instant(all[row]!);
  const x = (at: number) => event.from + ((event.to - event.from) * (at - y(from))) / (y(to) - y(from));
  for (let row = from; row <= to; row += 1) {
    const top = row === from ? y(from) : tops[row]!;
    const bottom = row === to ? y(to) : tops[row + 1]!;
    all[row]?.pieces.push({
      event: index,
      x1: x(top),
      y1: top - tops[row]!,
      x2: x(bottom),
      y2: row === to ? instant(all[row]!) : "bottom",
      end: row < to ? null : event.fate.fate === "refused" ? "refused" : "arrow",
    });
  }
}

/** What became of a message: `arrives after 3.2 ms`. */
export function fate(event: WireEvent): string {
  switch (event.fate.fate) {
    case "seen":
      return "";
    case "arrived":
      return `arrives after ${since(event.fate.at_us - event.at_us)}`;
    case "refused":
      return `is refused after ${since(event.fate.at_us - event.at_us)}`;
    case "lost":
      return "is lost";
    case "under-way":
      return "has not arrived in the end";
  }
}

/** A while: `20 µs`, `3.2 ms`, `131 ms`, `1.25 s`. */
export function since(us: number): string {
  if (us < 1000) return `${us} µs`;
  if (us < 100_000) return `${(us / 1000).toFixed(1)} ms`;
  return us < 1_000_000 ? `${Math.round(us / 1000)} ms` : `${(us / 1_000_000).toFixed(2)} s`;
}

/** An instant, in milliseconds of virtual time. */
export function clock(us: number): string {
  return `${(us / 1000).toFixed(1)} ms`;
}
