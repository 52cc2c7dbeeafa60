// A schedule of a case that is run again: asked for, waited for, and what it came to. The report stays as it is.

import { api } from "../api/client";
import { final } from "../api/live";
import { asProblem } from "../api/problem";
import type { CaseReport, Replay } from "../api/types";

/** Seconds that an answer is waited for. Short in the line, because the answer is also how the start is seen. */
const WAIT_S = { queued: 2, running: 50 };
/** Between two questions: a server that does not wait must not be asked without a pause. */
const PAUSE_MS = 500;
/** A replay goes on where the way to the server is down for a moment. */
const FAILURES_MAX = 5;
const FAILURE_PAUSE_MS = 3000;

export class ScheduleReplay {
  /** How far it has got; null while none is under way. */
  stage: "queued" | "running" | null = $state(null);
  /** What the last one came to, graded or dead. */
  ended: Replay | null = $state.raw(null);
  readonly #submission: string;
  readonly #case: string;
  readonly #control = new AbortController();

  constructor(submission: string, caseId: string) {
    this.#submission = submission;
    this.#case = caseId;
  }

  /** Runs the schedule of that token again. Throws where the server refuses; answers when it has ended. */
  async run(token: string) {
    this.ended = null;
    this.stage = "queued";
    try {
      const { replay } = await api.replaySchedule(this.#submission, { case: this.#case, token });
      this.ended = await this.#wait(replay);
    } finally {
      this.stage = null;
    }
  }

  /** Stops waiting: nobody looks any more. */
  close() {
    this.#control.abort();
  }

  /** The end of a replay, or null when nobody looks any more. */
  async #wait(replay: number): Promise<Replay | null> {
    const { signal } = this.#control;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const now = await api.waitForReplay(this.#submission, replay, WAIT_S[this.stage ?? "queued"], signal);
        if (final(now.state)) return now;
        failures = 0;
        this.stage = now.state === "running" ? "running" : "queued";
        await pause(PAUSE_MS);
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        if (failures >= FAILURES_MAX || !asProblem(error).retryable) throw error;
        await pause(FAILURE_PAUSE_MS);
      }
    }
    return null;
  }
}

/** What is known when a case has run again: whether it passes, or how alike the two failures are. */
export type Comparison = "passes" | "same" | "alike" | "other";

export function compare(before: CaseReport, after: CaseReport): Comparison {
  if (after.verdict === "passed") return "passes";
  if (after.verdict !== before.verdict) return "other";
  return after.message === before.message ? "same" : "alike";
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
