import { describe, expect, test } from "vitest";
import { bytes, median, milliseconds, moment, plural, relative, usage } from "./format";

const NOW = Date.parse("2026-03-10T12:00:00Z");

test("bytes in the unit that fits", () => {
  expect([0, 1023, 1024, 1536, 20480, 14_000_000].map(bytes)).toEqual(["0 B", "1023 B", "1 KiB", "1.5 KiB", "20 KiB", "13 MiB"]);
});

test("milliseconds become seconds from a second on", () => {
  expect([0, 12.4, 999, 1000, 2340, 61_000].map(milliseconds)).toEqual(["0 ms", "12 ms", "999 ms", "1 s", "2.3 s", "61 s"]);
});

test("one is not many", () => {
  expect([plural(1, "byte"), plural(0, "byte"), plural(2, "entry", "entries")]).toEqual(["1 byte", "0 bytes", "2 entries"]);
});

test("what a case used is told without what it did not", () => {
  const used = { cpu_ms: 15, wall_ms: 2000, peak_bytes: 0, processes_peak: 1, output_bytes: 0, disk_bytes: 4096 };
  expect(usage(used)).toBe("15 ms of CPU · 2 s by the clock");
  expect(usage({ ...used, peak_bytes: 3 << 20, processes_peak: 4, output_bytes: 12 })).toBe(
    "15 ms of CPU · 2 s by the clock · 3 MiB of memory at most · 4 processes and threads at most · 12 B of output",
  );
});

describe("relative", () => {
  test.each([
    ["2026-03-10T11:59:30Z", "just now"],
    ["2026-03-10T12:00:30Z", "in a moment"],
    ["2026-03-10T11:50:00Z", "10 minutes ago"],
    ["2026-03-10T17:00:00Z", "in 5 hours"],
    ["2026-03-11T12:00:00Z", "tomorrow"],
    ["2026-03-07T12:00:00Z", "3 days ago"],
    ["2026-06-10T12:00:00Z", "in 3 months"],
  ])("%s", (at, words) => {
    expect(relative(at, NOW)).toBe(words);
  });
});

test("a moment names the year only when it is another", () => {
  expect(moment("2026-03-13T23:59:00Z", NOW, "UTC")).toBe("Fri 13 Mar, 23:59");
  expect(moment("2027-03-13T23:59:00Z", NOW, "UTC")).toBe("Sat, 13 Mar 2027, 23:59");
});

test("the median of an even number is half-way", () => {
  expect([median([]), median([3]), median([9, 1]), median([100, 2, 10])]).toEqual([null, 3, 5, 10]);
});
