// Follows a grading while it happens. Server-sent events first; where a proxy swallows them, long polls instead. Either
// way `ended` is called once, after the last event, and never after `close`.

import { api, url } from "./client";
import type { ProgressEvent, StateEvent, Submission } from "./types";

export interface Listener {
  progress(event: ProgressEvent): void;
  state(event: StateEvent): void;
  /** The whole submission, where only that is known (long polls). */
  whole(submission: Submission): void;
  /** Graded or dead: read the submission again for its report. */
  ended(): void;
  /** Whether news arrive at present. */
  connected(yes: boolean): void;
}

/** Failed connections in a row before events are given up for long polls. */
const EVENT_FAILURES_MAX = 3;
const POLL_PAUSE_MS = 3000;
/** Silence after which the submission is read whole once, in case something on the way holds events back. */
const SILENCE_MS = 20_000;

export const final = (state: string) => state === "graded" || state === "dead";

/** Starts following; the answer stops it. */
export function follow(id: string, listener: Listener): () => void {
  let stop = () => {};
  const events = byEvents(id, listener, () => {
    stop = byPolls(id, listener);
  });
  stop = events;
  return () => stop();
}

function byEvents(id: string, listener: Listener, giveUp: () => void): () => void {
  const source = new EventSource(url.events(id));
  let failures = 0;
  let ended = false;
  const close = () => {
    clearInterval(watchdog);
    source.close();
  };
  const end = () => {
    if (ended) return;
    ended = true;
    close();
    listener.ended();
  };
  let heardAt = Date.now();
  const watchdog = setInterval(() => {
    if (Date.now() - heardAt < SILENCE_MS) return;
    heardAt = Date.now();
    void readWhole(id, listener, end);
  }, SILENCE_MS / 4);
  source.addEventListener("open", () => {
    failures = 0;
    listener.connected(true);
  });
  source.addEventListener("progress", (event) => {
    heardAt = Date.now();
    listener.progress(JSON.parse(event.data) as ProgressEvent);
  });
  source.addEventListener("state", (event) => {
    heardAt = Date.now();
    const news = JSON.parse(event.data) as StateEvent;
    listener.state(news);
    if (final(news.state)) end();
  });
  source.addEventListener("error", () => {
    failures += 1;
    listener.connected(false);
    if (source.readyState !== EventSource.CLOSED && failures < EVENT_FAILURES_MAX) return;
    close();
    if (!ended) giveUp();
  });
  return close;
}

async function readWhole(id: string, listener: Listener, end: () => void) {
  try {
    const submission = await api.submission(id);
    listener.whole(submission);
    if (final(submission.state)) end();
  } catch {
    listener.connected(false);
  }
}

function byPolls(id: string, listener: Listener): () => void {
  const control = new AbortController();
  void poll(id, listener, control.signal);
  return () => control.abort();
}

async function poll(id: string, listener: Listener, signal: AbortSignal) {
  while (!signal.aborted) {
    try {
      const submission = await api.waitForSubmission(id, signal);
      if (signal.aborted) return;
      listener.connected(true);
      listener.whole(submission);
      if (final(submission.state)) return listener.ended();
      // A server that does not wait must not be asked without a pause.
      await pause(POLL_PAUSE_MS / 3);
    } catch {
      if (signal.aborted) return;
      listener.connected(false);
      await pause(POLL_PAUSE_MS);
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
