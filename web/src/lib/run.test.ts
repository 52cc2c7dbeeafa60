import { describe, expect, test } from "vitest";
import { render } from "svelte/server";
import RunEvidence from "../components/RunEvidence.svelte";
import kept from "../../../grader/tests/simulated/split_register/evidence.json";
import { clock, fate, layout, since, type Layout } from "./run";
import type { Wire, WireEvent } from "./wire";

/** What the grader makes of the run that its own tests begin with. */
const example = kept as Wire;

const message = (at_us: number, from: number, to: number, end: WireEvent["fate"]): WireEvent => ({
  at_us,
  from,
  to,
  connection: 0,
  what: { deed: "datagram", length: 2, shown_from: 0, shown: btoa("hi") },
  fate: end,
});

function wire(events: WireEvent[], run: Partial<NonNullable<Wire["run"]>> = {}): Wire {
  const lanes = ["a", "b", "c"].map((name) => ({ name, address: "" }));
  const whole = { ended_us: 1000, end: "the time was up", spans: [], away: [], token: null, ...run };
  return { kind: "wire", title: "", lanes, events, left_out: [], connections_left_out: 0, divergence: null, capture: null, run: whole };
}

const SIGNS = { here: "|", paused: ":", away: " " };

/** The lanes above and below each row, where messages begin (`+`) and end (`-`), then its words. */
function told({ rows, ways }: Layout, it: Wire): string {
  const name = (lane: number) => it.lanes[lane]?.name;
  const lines = rows.map((row, place) => {
    const lanes = row.lanes.map((lane) => SIGNS[lane.before] + SIGNS[lane.after] + (lane.group ?? "")).join(" ");
    const ends = ways.flatMap((way) => [...(way.from === place ? [`+${way.index}`] : []), ...(way.to === place ? [`-${way.index}`] : [])]);
    const words = {
      event: () => (row.kind !== "event" ? "" : row.event.what.deed === "mark" ? `${name(row.event.from)} ${row.event.what.words}` : `${name(row.event.from)} > ${name(row.event.to)} ${fate(row.event)}`),
      arrival: () => "",
      fold: () => (row.kind === "fold" ? `(${row.count} more)` : ""),
      turn: () => ("words" in row ? `-- ${row.words}` : ""),
      silence: () => ("words" in row ? `(${row.words})` : ""),
      gap: () => ("words" in row ? `(${row.words} left out)` : ""),
    }[row.kind]();
    return [clock(row.at).padStart(9), lanes, ...ends, words].join(" ").trimEnd();
  });
  return `\n${lines.join("\n")}\n`;
}

test("a run is drawn row by row", () => {
  expect(told(layout(example, true), example)).toMatchSnapshot();
});

test("the diagram says in words what it draws", () => {
  const body = render(RunEvidence, { props: { evidence: example } }).body;
  const words = body.replaceAll(/<svg.*?<\/svg>(?!\s*<\/svg>)/gs, "").replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
  expect(words).toContain("the network splits: a, writer | b, c, reader");
  expect(words).toContain("is lost");
});

describe("a message", () => {
  test("goes from its sending to its arrival, if it arrives", () => {
    const { rows, ways } = layout(wire([message(0, 0, 2, { fate: "arrived", at_us: 100 }), message(10, 1, 0, { fate: "refused", at_us: 90 }), message(20, 1, 0, { fate: "lost" })]), true);
    expect(rows.filter((row) => row.kind !== "silence").map((row) => row.kind)).toEqual(["event", "event", "event", "arrival", "arrival", "turn"]);
    expect(ways.map(({ index, from, to }) => [index, from, to])).toEqual([[0, 0, 4], [1, 1, 3], [2, 2, null]]);
  });

  test("says what became of it", () => {
    const ends: WireEvent["fate"][] = [{ fate: "arrived", at_us: 3200 }, { fate: "refused", at_us: 3200 }, { fate: "lost" }, { fate: "under-way" }, { fate: "seen" }];
    expect(ends.map((end) => fate(message(0, 0, 1, end)))).toEqual(["takes 3.2 ms", "is refused after 3.2 ms", "is lost", "has not arrived in the end", ""]);
  });
});

describe("rows", () => {
  test("stand in order of time, the network's turns first", () => {
    const spans = [{ from_us: 100, to_us: 200, words: "split", groups: [[0], [1, 2]] }];
    const all = layout(wire([message(100, 1, 2, { fate: "lost" }), message(200, 1, 2, { fate: "lost" })], { spans, ended_us: 200 }), true).rows;
    expect(all.filter((row) => row.kind !== "silence").map((row) => ("words" in row ? row.words : row.kind))).toEqual(["split", "event", "the network heals", "event", "the time was up"]);
    expect(all[0]?.lanes.map((lane) => lane.group)).toEqual([0, 1, 1]);
    expect(all.at(-1)?.lanes.map((lane) => lane.group)).toEqual([null, null, null]);
  });

  test("of many events the first are shown and the last", () => {
    const many = wire(Array.from({ length: 60 }, (_, index) => message(index, 0, 1, { fate: "lost" })), { ended_us: 60 });
    expect(layout(many, false).rows.flatMap((row) => (row.kind === "fold" ? [row.count] : []))).toEqual([20]);
    expect(layout(many, true).rows.some((row) => row.kind === "fold")).toBe(false);
  });

  test("tell of a long silence", () => {
    const all = layout(wire([message(0, 0, 1, { fate: "lost" }), message(900, 0, 1, { fate: "lost" })]), true).rows;
    expect(all.flatMap((row) => (row.kind === "silence" ? [row.words] : []))).toEqual(["900 µs later"]);
  });

  test("a lane is broken off while nobody is there", () => {
    const away = [{ lane: 1, from_us: 100, to_us: 200, paused: false }, { lane: 2, from_us: 100, to_us: 300, paused: true }];
    const all = layout(wire([100, 150, 200].map((at) => message(at, 0, 0, { fate: "lost" })), { away, ended_us: 300 }), true).rows;
    expect(all.filter((row) => row.kind === "event").map((row) => row.lanes.slice(1).map((lane) => `${lane.before} ${lane.after}`))).toEqual([
      ["here away", "here paused"],
      ["away away", "paused paused"],
      ["away here", "paused paused"],
    ]);
  });
});

test("times have a unit that fits", () => {
  expect([20, 3200, 131_400, 1_250_000].map(since)).toEqual(["20 µs", "3.2 ms", "131 ms", "1.25 s"]);
});
