// Numbers and times as people read them. Times are shown in the reader's zone, with the exact instant in a tooltip.

import type { Usage } from "../api/types";

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 * 1024) return `${trim(count / 1024)} KiB`;
  return `${trim(count / 1024 / 1024)} MiB`;
}

export function milliseconds(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${trim(ms / 1000)} s`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** What a case used, without what it did not. */
export function usage(used: Usage): string {
  const parts = [`${milliseconds(used.cpu_ms)} of CPU`, `${milliseconds(used.wall_ms)} by the clock`];
  if (used.peak_bytes > 0) parts.push(`${bytes(used.peak_bytes)} of memory at most`);
  if (used.processes_peak > 1) parts.push(`${used.processes_peak} processes and threads at most`);
  if (used.output_bytes > 0) parts.push(`${bytes(used.output_bytes)} of output`);
  return parts.join(" · ");
}

export function points(got: number | null, max: number): string {
  return `${got ?? "–"} / ${max}`;
}

/** `in 3 days`, `2 hours ago`: the nearest unit that is not misleading. */
export function relative(iso: string, now: number, locale = "en"): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const size = Math.abs(seconds);
  if (size < MINUTE_S) return seconds <= 0 ? "just now" : "in a moment";
  if (size < HOUR_S) return format.format(Math.round(seconds / MINUTE_S), "minute");
  if (size < DAY_S) return format.format(Math.round(seconds / HOUR_S), "hour");
  if (size < 30 * DAY_S) return format.format(Math.round(seconds / DAY_S), "day");
  return format.format(Math.round(seconds / DAY_S / 30), "month");
}

/** `Fri 13 Mar, 23:59`; the year only when it is not this one. */
export function moment(iso: string, now: number, timeZone?: string): string {
  const date = new Date(iso);
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    ...(sameYear ? {} : { year: "numeric" }),
    ...(timeZone ? { timeZone } : {}),
  }).format(date);
}

/** The middle value; half-way between the two middle ones when their number is even. `null` of nothing. */
export function median(values: number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** One decimal below ten, none above; never `1.0`. */
function trim(value: number): string {
  return value < 10 ? String(Math.round(value * 10) / 10) : String(Math.round(value));
}
