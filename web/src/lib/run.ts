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

/** How a lane is drawn above and below a row's instant. */
export type Presence = "here" | "paused" | "away";

export interface Lane {
  before: Presence;
  after: Presence;
  /** Where the network is split, which part it belongs to. */
  group: number | null;
}

type Bare =
  | { kind: "event"; at: number; index: number; event: WireEvent }
  /** Where a message arrives; its words stand where it is sent. */
  | { kind: "arrival"; at: number }
  /** The network changes, or the run ends. */
  | { kind: "turn"; at: number; words: string; last: boolean }
  | { kind: "silence"; at: number; words: string }
  /** What nobody kept. */
  | { kind: "gap"; at: number; words: string }
  /** What is there and not shown yet; `at` is when the last of it was. */
  | { kind: "fold"; at: number; count: number };

export type Row = Bare & { lanes: Lane[] };

/** The way of a message, between rows. */
export interface Way {
  event: WireEvent;
  index: number;
  from: number;
  /** `null` where it did not arrive. */
  to: number | null;
}

export interface Layout {
  rows: Row[];
  ways: Way[];
}

export function layout(wire: Wire, all: boolean): Layout {
  const run = wire.run;
  if (!run) return { rows: [], ways: [] };
  const { rows, ways } = told(timed(wire, run, all), run);
  return { rows: rows.map((row, place) => ({ ...row, lanes: lanesAt(wire, run, rows, place) })), ways };
}

/** A row, and the event that is sent or arrives there. */
interface Timed {
  at: number;
  of: { event: WireEvent; index: number } | null;
  row: Bare;
}

function timed(wire: Wire, run: Run, all: boolean): Timed[] {
  const count = wire.events.length;
  const last = count - (EVENTS_UNFOLDED - FIRST);
  const shows = (index: number) => all || count <= EVENTS_UNFOLDED || index < FIRST || index >= last;
  const found: Timed[] = [];
  wire.events.forEach((event, index) => {
    const at = event.at_us;
    const gap = gapBefore(wire, index);
    if (gap && shows(index)) found.push({ at, of: null, row: { kind: "gap", at, words: gap } });
    const before = found.at(-1)?.row;
    if (shows(index)) found.push({ at, of: { event, index }, row: { kind: "event", at, index, event } });
    else if (before?.kind === "fold") Object.assign(before, { at, count: before.count + 1 });
    else found.push({ at, of: null, row: { kind: "fold", at, count: 1 } });
  });
  wire.events.forEach((event, index) => {
    const at = arrival(event);
    if (at !== null && shows(index) && event.from !== event.to) found.push({ at, of: { event, index }, row: { kind: "arrival", at } });
  });
  found.push(...turns(run));
  const gap = gapBefore(wire, count);
  if (gap) found.push({ at: run.ended_us, of: null, row: { kind: "gap", at: run.ended_us, words: gap } });

  // Of what happens at one time, the network's turns stand first, for what they did to messages follows; then what arrives,
  // for what is done about it follows.
  const order = ({ row, of }: Timed) => (row.kind === "turn" ? 0 : row.kind === "arrival" && of && of.event.at_us < row.at ? 1 : 2);
  found.sort((one, other) => one.at - other.at || order(one) - order(other));
  return [...found, { at: run.ended_us, of: null, row: { kind: "turn", at: run.ended_us, words: run.end, last: true } }];
}

/** When the network changed, and how. What takes the place of something else says so itself. */
function turns(run: Run): Timed[] {
  const turn = (at: number, words: string): Timed => ({ at, of: null, row: { kind: "turn", at, words, last: false } });
  const ended = new Set(run.spans.flatMap((span) => (typeof span.to_us === "number" ? [span.to_us] : [])));
  const healed = [...ended].filter((at) => !run.spans.some((span) => span.from_us === at));
  return [...run.spans.map((span) => turn(span.from_us, span.words)), ...healed.map((at) => turn(at, "the network heals"))];
}

/** Rows with silences between them, and the messages' ways between rows. */
function told(all: Timed[], run: Run): { rows: Bare[]; ways: Way[] } {
  const rows: Bare[] = [];
  const ways = new Map<number, Way>();
  const long = (run.ended_us - (all[0]?.at ?? 0)) * SILENCE;
  for (const { at, of, row } of all) {
    const before = rows.at(-1)?.at ?? at;
    if (at - before > long) rows.push({ kind: "silence", at: before, words: `${since(at - before)} later` });
    const way = of && ways.get(of.index);
    if (way) way.to = rows.length;
    else if (of && of.event.what.deed !== "mark" && of.event.from !== of.event.to) ways.set(of.index, { ...of, from: rows.length, to: null });
    rows.push(row);
  }
  return { rows, ways: [...ways.values()] };
}

/** When a message arrived; null where it did not, or is none. */
function arrival({ fate }: WireEvent): number | null {
  return fate.fate === "arrived" || fate.fate === "refused" ? fate.at_us : null;
}

function lanesAt(wire: Wire, run: Run, rows: Bare[], place: number): Lane[] {
  const at = rows[place]!.at;
  const split = run.spans.find((span) => span.groups.length > 0 && span.from_us <= at && at < (span.to_us ?? Infinity));
  return wire.lanes.map((_, lane) => {
    const turn = turnOf(rows, place, lane);
    return {
      before: presence(run, lane, at, place <= turn),
      after: presence(run, lane, at, place < turn),
      group: split ? split.groups.findIndex((group) => group.includes(lane)) : null,
    };
  });
}

/** Of the rows at one time, that in which the lane changes if it does: where its mark is, or the first. */
function turnOf(rows: Bare[], place: number, lane: number): number {
  const at = rows[place]!.at;
  let first = place;
  while (rows[first - 1]?.at === at) first -= 1;
  for (let other = first; rows[other]?.at === at; other += 1) {
    const row = rows[other];
    if (row?.kind === "event" && row.event.what.deed === "mark" && row.event.from === lane && CHANGES.has(row.event.what.mark)) return other;
  }
  return first;
}

const CHANGES = new Set(["started", "ended", "failed", "killed", "paused", "resumed"]);

/** Just before an instant, or just after it. Nobody is there before the run. */
function presence(run: Run, lane: number, at: number, before: boolean): Presence {
  if (before && at === 0) return "away";
  const holds = ({ from_us: from, to_us: to }: Run["away"][number]) => (before ? from < at && at <= to : from <= at && (at < to || to === run.ended_us));
  const during = run.away.filter((away) => away.lane === lane && holds(away));
  if (during.some((away) => !away.paused)) return "away";
  return during.length > 0 ? "paused" : "here";
}

/** What became of a message: `takes 3.2 ms`. */
export function fate(event: WireEvent): string {
  switch (event.fate.fate) {
    case "seen":
      return "";
    case "arrived":
      return `takes ${since(event.fate.at_us - event.at_us)}`;
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
