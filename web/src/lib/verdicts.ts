// How each verdict and state is written, marked and coloured. Never colour alone: each has words and a glyph.

import type { State, Verdict } from "../api/types";

export type Tone = "pass" | "fail" | "warn" | "busy" | "plain";

export interface Look {
  label: string;
  glyph: string;
  tone: Tone;
}

export const VERDICTS: Record<Verdict, Look & { meaning: string }> = {
  passed: { label: "Passed", glyph: "✓", tone: "pass", meaning: "The program did what this case asks." },
  "wrong-answer": { label: "Wrong answer", glyph: "✗", tone: "fail", meaning: "The program answered something else than the case expects." },
  deadlock: { label: "Deadlock", glyph: "⊘", tone: "fail", meaning: "Every thread waits for something that can no longer happen." },
  "time-limit": { label: "Time limit", glyph: "◔", tone: "fail", meaning: "The program used more time than the exercise allows." },
  "memory-limit": { label: "Memory limit", glyph: "▣", tone: "fail", meaning: "The program used more memory than the exercise allows." },
  "output-limit": { label: "Output limit", glyph: "≡", tone: "fail", meaning: "The program wrote more than the exercise allows." },
  "runtime-error": { label: "Runtime error", glyph: "!", tone: "fail", meaning: "The program crashed or never became ready." },
  "rule-broken": { label: "Rule broken", glyph: "§", tone: "fail", meaning: "A rule of the exercise was broken, such as a banned import." },
  "build-error": { label: "Build error", glyph: "⌧", tone: "fail", meaning: "The files do not compile, so no case could run." },
  unstable: { label: "Unstable", glyph: "≈", tone: "warn", meaning: "Two runs on the same seed disagreed. Staff decide; no points until then." },
};

export const STATES: Record<State, Look> = {
  queued: { label: "Queued", glyph: "○", tone: "busy" },
  running: { label: "Running", glyph: "◐", tone: "busy" },
  graded: { label: "Graded", glyph: "●", tone: "plain" },
  dead: { label: "Not graded", glyph: "†", tone: "warn" },
};

/** What a submission shows: its verdict once it has one, its state until then. */
export function look(state: State, verdict: Verdict | null | undefined): Look {
  return state === "graded" && verdict ? VERDICTS[verdict] : STATES[state];
}
