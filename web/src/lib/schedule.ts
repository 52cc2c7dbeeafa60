// A schedule of threads, put into rows: what every lane looks like at each event, what is held, what memory holds, where
// each thread stands. What is said of it in words is made here too: the picture is drawn beside these words.

import type { Evidence } from "../api/types";
import { plural } from "./format";

export type Schedule = Extract<Evidence, { kind: "schedule" }>;
export type ScheduleEvent = Schedule["events"][number];
export type Place = NonNullable<ScheduleEvent["place"]>;
type Act = ScheduleEvent["act"];

/** What a thread is about: `ready` could go on and does not. */
export type Life = "absent" | "ready" | "runs" | "waits";

export interface Lane {
  /** Above the event's dot, and below it. */
  before: Life;
  after: Life;
  held: Held[];
}

/** A lock that a thread holds in a row. */
export interface Held {
  lock: string;
  /** It is taken in this row, or given back in it. */
  begins: boolean;
  ends: boolean;
}

/** Memory that threads share. */
export interface Value {
  object: string;
  value: string;
  /** This event read it or wrote it. */
  touched: boolean;
  /** Threads that know another value, because it was changed after they had read it. */
  stale: { thread: number; value: string }[];
}

const VERBS: Record<Act, string> = {
  starts: "starts",
  ends: "ends",
  dies: "dies of",
  reads: "reads",
  writes: "writes",
  calls: "calls",
  takes: "takes",
  releases: "releases",
  notifies: "notifies",
  sets: "sets",
  looks: "looks at",
  waits: "waits for",
  wakes: "has waited for",
  "times-out": "gives up on",
  sleeps: "sleeps",
  joins: "joins",
  invokes: "begins",
  returns: "returns from",
  notes: "notes",
};

export function name(schedule: Schedule, thread: number): string {
  return schedule.threads[thread] ?? "?";
}

/** `writes Account#1.balance = 3`, without who does. */
export function deed(event: ScheduleEvent): string {
  const object = event.object ? ` ${event.object}` : "";
  const value = event.value ?? null;
  if (value === null) return VERBS[event.act] + object;
  const between = event.act === "reads" || event.act === "writes" ? " = " : object ? ": " : " ";
  return VERBS[event.act] + object + between + value;
}

/** Whether the schedule chose here: where it interrupts, or lets another than usual go first. */
export function isChoice(event: ScheduleEvent): boolean {
  return event.switch != null && (event.switch.why === "preempted" || event.switch.choice != null);
}

/** How the event's thread came to run; empty where it went on or had nobody to wait for. */
export function switched(schedule: Schedule, event: ScheduleEvent): string {
  if (!event.switch) return "";
  const from = name(schedule, event.switch.from);
  if (event.switch.why === "preempted") return `interrupts ${from}, which could have gone on`;
  const goes = event.switch.choice != null ? "goes before others that could" : "goes on";
  return event.switch.why === "blocked" ? `${goes}: ${from} cannot go on` : `${goes}: ${from} lets others go`;
}

/** A step as one sentence. */
export function sentence(schedule: Schedule, event: ScheduleEvent): string {
  const line = event.place ? `, at line ${event.place.line} of ${event.place.file}` : "";
  return `${name(schedule, event.thread)} ${deed(event)}${line}.`;
}

/** `98 times more the same`, before the event of this index or at the end. */
export function gap(schedule: Schedule, before: number): string {
  const told = schedule.left_out.filter((gap) => gap.before === before);
  return told.map((gap) => (gap.again > 0 ? `the same ${plural(gap.again, "time")} more` : `${plural(gap.events, "event")} left out`)).join(", ");
}

/** `7th of 300 schedules that were tried`. */
export function rank(schedule: Schedule): string {
  if (schedule.schedules <= 1 && schedule.found_after <= 1) return "only schedule tried";
  const rules = new Intl.PluralRules("en", { type: "ordinal" });
  const suffix = { one: "st", two: "nd", few: "rd", other: "th", zero: "th", many: "th" }[rules.select(schedule.found_after)];
  return `${schedule.found_after}${suffix} of ${Math.max(schedule.schedules, schedule.found_after)} schedules tried`;
}

/** Where a key moves to; null for a key that does not. */
export function moved(key: string, at: number, count: number): number | null {
  const last = count - 1;
  switch (key) {
    case "ArrowDown":
    case "ArrowRight":
      return Math.min(at + 1, last);
    case "ArrowUp":
    case "ArrowLeft":
      return Math.max(at - 1, 0);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}

/** Where to begin reading: where the schedule first chooses, else at the end. */
export function beginning(schedule: Schedule): number {
  const choice = schedule.events.findIndex(isChoice);
  return choice >= 0 ? choice : Math.max(schedule.events.length - 1, 0);
}

/** The next event after `at` where the schedule chooses; the first one after the last. Null where there is none. */
export function nextChoice(schedule: Schedule, at: number): number | null {
  const next = schedule.events.findIndex((event, index) => index > at && isChoice(event));
  if (next >= 0) return next;
  const first = schedule.events.findIndex(isChoice);
  return first >= 0 ? first : null;
}

/** All lanes at each event. */
export function lanes(schedule: Schedule): Lane[][] {
  const lives: Life[] = schedule.threads.map(() => "absent");
  const held: string[][] = schedule.threads.map(() => []);
  /** What a thread held when it began to wait on it, as on a condition. */
  const lent: string[][] = schedule.threads.map(() => []);
  return schedule.events.map((event, index) => {
    if (index > 0 && lives[schedule.events[index - 1]!.thread] === "runs") lives[schedule.events[index - 1]!.thread] = "ready";
    lives[event.thread] = "runs";
    const before = [...lives];
    const heldBefore = held.map((locks) => [...locks]);
    hold(event, held, lent);
    if (event.act === "starts") started(schedule, event).forEach((thread) => lives[thread] === "absent" && (lives[thread] = "ready"));
    if (event.act === "ends" || event.act === "dies") lives[event.thread] = "absent";
    if (event.act === "waits" || event.act === "sleeps") lives[event.thread] = "waits";
    return before.map((life, lane) => ({ before: life, after: lives[lane]!, held: bars(heldBefore[lane]!, held[lane]!) }));
  });
}

function started(schedule: Schedule, event: ScheduleEvent): number[] {
  const is = (name: string) => name === event.object || name.startsWith(`${event.object} (`);
  return schedule.threads.flatMap((name, thread) => (is(name) ? [thread] : []));
}

/** Of what is taken only locks are given back by those who took them. */
const LOCK = /^(R?Lock|Condition)#/;

function hold(event: ScheduleEvent, held: string[][], lent: string[][]) {
  const mine = held[event.thread]!;
  const lock = event.object ?? "";
  const drop = (locks: string[]) => locks.includes(lock) && locks.splice(locks.lastIndexOf(lock), 1);
  if (event.act === "ends" || event.act === "dies") mine.length = 0;
  if (!LOCK.test(lock)) return;
  switch (event.act) {
    case "takes":
      // The event by which another thread gave it back may have been left out.
      held.forEach((others, thread) => thread !== event.thread && others.includes(lock) && (held[thread] = others.filter((it) => it !== lock)));
      mine.push(lock);
      break;
    case "releases":
      drop(mine);
      break;
    case "waits":
      while (drop(mine)) lent[event.thread]!.push(lock);
      break;
    case "wakes":
    case "times-out":
      while (drop(lent[event.thread]!)) mine.push(lock);
      break;
  }
}

function bars(before: string[], after: string[]): Held[] {
  const locks = [...new Set([...before, ...after])];
  return locks.map((lock) => ({ lock, begins: !before.includes(lock), ends: !after.includes(lock) }));
}

/** What each thread holds after an event. */
export function holds(row: Lane[]): { thread: number; locks: string[] }[] {
  const all = row.map((lane, thread) => ({ thread, locks: lane.held.filter((held) => !held.ends).map((held) => held.lock) }));
  return all.filter((it) => it.locks.length > 0);
}

/** What is known of shared memory after the event of this index. */
export function values(schedule: Schedule, at: number): Value[] {
  const found = new Map<string, { value: string; known: Map<number, string> }>();
  schedule.events.slice(0, at + 1).forEach((event) => {
    if ((event.act !== "reads" && event.act !== "writes") || event.object == null || event.value == null) return;
    const cell = found.get(event.object) ?? { value: event.value, known: new Map<number, string>() };
    cell.value = event.value;
    cell.known.set(event.thread, event.value);
    found.set(event.object, cell);
  });
  const now = schedule.events[at];
  return [...found].map(([object, { value, known }]) => ({
    object,
    value,
    touched: now?.object === object,
    stale: [...known].filter(([thread, it]) => it !== value && reads(schedule, at, thread, object)).map(([thread, it]) => ({ thread, value: it })),
  }));
}

/** Whether what a thread last did with an object is to read it: what it wrote itself it need not remember. */
function reads(schedule: Schedule, at: number, thread: number, object: string): boolean {
  const last = schedule.events.slice(0, at + 1).findLast((event) => event.thread === thread && event.object === object);
  return last?.act === "reads";
}

/** Where each thread stands after the event of this index, by `file:line`. */
export function standing(schedule: Schedule, at: number): Map<string, number[]> {
  const places = new Map<number, Place>();
  schedule.events.slice(0, at + 1).forEach((event) => {
    // Without a place it is not in the submission's code.
    if (event.place && event.act !== "ends") places.set(event.thread, event.place);
    else places.delete(event.thread);
  });
  const found = new Map<string, number[]>();
  for (const [thread, place] of places) found.set(key(place), [...(found.get(key(place)) ?? []), thread].sort((a, b) => a - b));
  return found;
}

export function key(place: { file: string; line: number }): string {
  return `${place.file}:${place.line}`;
}

export type SourceLine = Schedule["source"][number];

/** The source by files, without the indentation that all lines have, and with a mark where lines are missing. */
export function files(schedule: Schedule): { file: string; lines: (SourceLine | null)[] }[] {
  const found = new Map<string, (SourceLine | null)[]>();
  for (const line of schedule.source) {
    const lines = found.get(line.file) ?? [];
    const last = lines.at(-1);
    if (last && last.number + 1 < line.number) lines.push(null);
    lines.push(line);
    found.set(line.file, lines);
  }
  return [...found].map(([file, lines]) => ({ file, lines: dedented(lines) }));
}

function dedented(lines: (SourceLine | null)[]): (SourceLine | null)[] {
  const indents = lines.flatMap((line) => (line?.text.trim() ? [line.text.length - line.text.trimStart().length] : []));
  const common = indents.length > 0 ? Math.min(...indents) : 0;
  return lines.map((line) => line && { ...line, text: line.text.slice(common) });
}
