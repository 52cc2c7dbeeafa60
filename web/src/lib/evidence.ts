// What the evidence of a case is called, how much of it there is, and what is folded so that a case stays readable.

import type { Evidence } from "../api/types";
import { plural } from "./format";

/** Lines, rows or events that are shown at once below other evidence. */
const SHORT = 10;

export function titleOf(it: Evidence): string {
  switch (it.kind) {
    case "bytes":
    case "diff":
    case "history":
    case "wire":
    case "schedule":
      return it.title;
    case "traceback":
      return "Traceback";
    case "output":
      return `${it.stream === "stderr" ? "Errors" : "Output"} of ${it.program}`;
  }
}

/** Such as `24 lines`. */
export function extent(it: Evidence): string {
  return plural(size(it), unit(it));
}

/** Whether evidence begins folded at its place in a case: what comes first never does. */
export function folded(it: Evidence, place: number): boolean {
  return place > 0 && size(it) > SHORT;
}

function size(it: Evidence): number {
  switch (it.kind) {
    case "bytes":
      return Math.max(it.got_length, it.want_length);
    case "diff":
      return Math.max(lines(it.got), lines(it.want));
    case "history":
      return it.operations.length;
    case "wire":
    case "schedule":
      return it.events.length;
    case "traceback":
    case "output":
      return lines(it.text);
  }
}

function unit(it: Evidence): string {
  switch (it.kind) {
    case "bytes":
      return "byte";
    case "diff":
    case "traceback":
    case "output":
      return "line";
    case "history":
      return "operation";
    case "wire":
    case "schedule":
      return "event";
  }
}

function lines(text: string): number {
  return text.trimEnd().split("\n").length;
}
