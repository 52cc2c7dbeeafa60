// One submission as its page shows it: read whole, then kept up to date by events until it is graded.

import { api } from "../api/client";
import { final, follow } from "../api/live";
import { asProblem, type Problem } from "../api/problem";
import type { ProgressEvent, Submission } from "../api/types";

export class LiveSubmission {
  value: Submission | undefined = $state.raw(undefined);
  problem: Problem | null = $state.raw(null);
  /** False while the way to the server is down; the page says so, and goes on by itself. */
  connected = $state(true);
  readonly #id: string;
  #unfollow = () => {};
  #closed = false;

  constructor(id: string) {
    this.#id = id;
  }

  /** Reads the submission and follows it as long as there is something to see. */
  async open() {
    this.#unfollow();
    await this.#read();
    if (!this.#closed && this.value && !final(this.value.state)) this.#follow();
  }

  close() {
    this.#closed = true;
    this.#unfollow();
  }

  async #read() {
    try {
      this.value = await api.submission(this.#id);
      this.problem = null;
    } catch (error) {
      this.problem = asProblem(error);
    }
  }

  #follow() {
    this.#unfollow = follow(this.#id, {
      progress: (event) => this.#progress(event),
      state: (event) => this.#change(event),
      whole: (submission) => (this.value = submission),
      ended: () => void this.#read(),
      connected: (yes) => (this.connected = yes),
    });
  }

  #change(part: Partial<Submission>) {
    // The verdict comes with the report; until it is read the page goes on to show the last case finishing.
    if (this.value && !final(part.state ?? "")) this.value = { ...this.value, ...part };
  }

  #progress(event: ProgressEvent) {
    if (!this.value) return;
    this.value = { ...this.value, state: "running", queue_position: null, progress: withEvent(this.value.progress, event) };
  }
}

export function withEvent(progress: Submission["progress"], event: ProgressEvent): Submission["progress"] {
  const { state, verdict, points } = event;
  return progress.map((one) => (one.case === event.case ? { ...one, state, verdict, points } : one));
}
