import { describe, expect, test } from "vitest";
import { dump, label, place, preview, rows, since, verdict, type Deed, type Wire, type WireEvent } from "./wire";

const data = (text: string, more: Partial<Extract<Deed, { deed: "data" }>> = {}): Deed => ({
  deed: "data",
  offset: 0,
  length: text.length,
  segments: 1,
  shown_from: 0,
  shown: btoa(text),
  ...more,
});

const event = (at_us: number, from: number, to: number, what: Deed): WireEvent => ({ at_us, from, to, connection: 0, what, fate: { fate: "seen" } });

function wire(count: number, more: Partial<Wire> = {}): Wire {
  const events = Array.from({ length: count }, (_, index) => event(index, 0, 1, data("a")));
  const lanes = [
    { name: "client 1", address: "127.0.0.1:40001" },
    { name: "server", address: "127.0.0.1:7000" },
  ];
  return { kind: "wire", title: "", lanes, events, left_out: [], connections_left_out: 0, divergence: null, capture: null, run: null, ...more };
}

/** `e0 e1 fold:3 gap`. */
const told = (it: Wire, all = false) =>
  rows(it, all)
    .map((row) => (row.kind === "event" ? `e${row.index}${row.marked ? "!" : ""}` : row.kind === "fold" ? `fold:${row.count}` : "gap"))
    .join(" ");

describe("rows", () => {
  test("few events are all shown, the one that differs is marked", () => {
    expect(told(wire(3, { divergence: { event: 1, byte: 0 } }))).toBe("e0 e1! e2");
  });

  test("what was left out stands where it would be", () => {
    expect(told(wire(2, { left_out: [{ before: 1, events: 2, packets: 0 }, { before: 2, events: 0, packets: 1 }] }))).toBe("e0 gap e1 gap");
    expect(rows(wire(0, { left_out: [{ before: 0, events: 2, packets: 1 }] }), false)).toEqual([{ kind: "gap", text: "2 events and 1 packet" }]);
  });

  test("of many events the first are shown, and those before the difference", () => {
    expect(told(wire(60, { divergence: { event: 40, byte: null } }))).toMatch(/^e0 e1 e2 e3 e4 e5 fold:22 e28 .* e40! e41 e42 e43 e44 fold:15$/);
    expect(told(wire(60))).toMatch(/^e0 .* e5 fold:41 e47 .* e59$/);
    expect(told(wire(60), true)).not.toContain("fold");
  });
});

test("events are told in few words", () => {
  expect(label({ deed: "connect", answer: "refused" })).toBe("SYN, refused");
  expect(label(data("a"))).toBe("1 byte");
  expect(label({ deed: "datagram", length: 5, shown_from: 0, shown: "" })).toBe("datagram, 5 bytes");
  expect(label({ deed: "reset" })).toBe("RST");
});

test("a preview escapes what is no text and says when there is more", () => {
  expect(preview(data("hi\r\n\0\xff"))).toBe("“hi\\r\\n\\x00\\xff”");
  expect(preview(data("hi", { length: 9 }))).toBe("“hi…”");
  expect(preview(data("hi", { length: 9, shown_from: 7 }))).toBe("“…hi”");
  expect(preview({ deed: "fin" })).toBe("");
});

test("bytes are placed in what was sent", () => {
  expect(place(data("hello", { offset: 20 }))).toBe("bytes 20 to 24 of what it sent");
  expect(place(data("h", { offset: 3, segments: 2 }))).toBe("byte 3 of what it sent, in 2 segments");
});

test("the mark is explained by what it stands on", () => {
  const on = (what: Deed, byte: number | null) => verdict({ ...wire(0), events: [event(0, 1, 0, what)], divergence: { event: 0, byte } });
  expect(on(data("abc"), 1)).toBe("The first difference: byte 1 of these is 0x62 “b”.");
  expect(on(data("abc", { length: 900, shown_from: 500 }), 502)).toContain("byte 502 of these is 0x63");
  expect(on({ deed: "fin" }, null)).toBe("This came instead of what was awaited.");
  expect(on(data("abc"), null)).toBe("After this, what was awaited did not come.");
  expect(verdict(wire(1))).toBe("");
});

test("times have a unit that fits", () => {
  expect([0, 120, 34_400, 1_240_000].map(since)).toEqual(["0", "0.12 ms", "34 ms", "1.2 s"]);
});

test("a dump points at one byte", () => {
  const [row] = dump(Uint8Array.of(0x61, 0x0a), 9, 10);
  expect(row?.offset).toBe(8);
  expect(row?.got.map((cell) => cell.hex).slice(0, 4)).toEqual(["  ", "61", "0a", "  "]);
  expect(row?.got.map((cell) => cell.first).indexOf(true)).toBe(2);
});
