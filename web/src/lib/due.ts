// What an assignment's dates mean now, in a few words and a tone.

import type { AssignmentSummary } from "../api/types";
import { relative } from "./format";
import type { Tone } from "./verdicts";

/** A due date this near is worth a warning. */
const SOON_MS = 48 * 60 * 60 * 1000;

type Dates = Pick<AssignmentSummary, "opens_at" | "due_at" | "closes_at">;

export interface Due {
  text: string;
  tone: Tone;
  /** The instant that the text speaks of. */
  at: string | null;
}

export function due({ opens_at, due_at, closes_at }: Dates, now: number): Due {
  const past = (at: string) => Date.parse(at) <= now;
  if (opens_at && !past(opens_at)) return { text: `opens ${relative(opens_at, now)}`, tone: "plain", at: opens_at };
  if (closes_at && past(closes_at)) return { text: `closed ${relative(closes_at, now)}`, tone: "plain", at: closes_at };
  if (due_at && past(due_at)) return { text: `was due ${relative(due_at, now)}`, tone: "warn", at: due_at };
  if (due_at) {
    const soon = Date.parse(due_at) - now < SOON_MS;
    return { text: `due ${relative(due_at, now)}`, tone: soon ? "warn" : "plain", at: due_at };
  }
  if (closes_at) return { text: `closes ${relative(closes_at, now)}`, tone: "plain", at: closes_at };
  return { text: "no due date", tone: "plain", at: null };
}

export function isOpen({ opens_at, closes_at }: Dates, now: number): boolean {
  return (!opens_at || Date.parse(opens_at) <= now) && (!closes_at || Date.parse(closes_at) > now);
}
