// What passed on a case's network, put into the rows of a sequence diagram. What is said of a row in words is made here
// too: the picture is drawn beside these words, never instead of them.

import type { Evidence } from "../api/types";
import { plural } from "./format";
import { byteName, fromBase64, ROW_BYTES, type HexRow } from "./hexdiff";

export type Wire = Extract<Evidence, { kind: "wire" }>;
export type WireEvent = Wire["events"][number];
export type Deed = WireEvent["what"];

/** More events than these are folded. */
const EVENTS_UNFOLDED = 28;
const FIRST = 6;
const BEFORE_MARK = 12;
const AFTER_MARK = 4;
const PREVIEW_CHARS = 72;

export type Row =
  | { kind: "event"; index: number; event: WireEvent; marked: boolean }
  /** What nobody kept. */
  | { kind: "gap"; text: string }
  /** What is there and not shown yet. */
  | { kind: "fold"; count: number };

export function rows(wire: Wire, all: boolean): Row[] {
  const shown = all || wire.events.length <= EVENTS_UNFOLDED ? () => true : unfolded(wire);
  const found: Row[] = [];
  wire.events.forEach((event, index) => {
    const gap = gapBefore(wire, index);
    if (gap && shown(index)) found.push({ kind: "gap", text: gap });
    const last = found.at(-1);
    if (shown(index)) found.push({ kind: "event", index, event, marked: wire.divergence?.event === index });
    else if (last?.kind === "fold") last.count += 1;
    else found.push({ kind: "fold", count: 1 });
  });
  const gap = gapBefore(wire, wire.events.length);
  if (gap) found.push({ kind: "gap", text: gap });
  return found;
}

/** The first events, and those around the first difference or at the end. */
function unfolded(wire: Wire): (index: number) => boolean {
  const last = wire.events.length - 1;
  const mark = wire.divergence?.event ?? last;
  const end = Math.min(last, Math.max(mark + AFTER_MARK, FIRST + BEFORE_MARK));
  const start = Math.min(mark, end) - BEFORE_MARK;
  return (index) => index < FIRST || (index >= start && index <= end);
}

export function gapBefore(wire: Wire, index: number): string {
  const gaps = wire.left_out.filter((gap) => gap.before === index);
  const sum = (of: "events" | "packets") => gaps.reduce((total, gap) => total + gap[of], 0);
  const parts = [sum("events") && plural(sum("events"), "event"), sum("packets") && plural(sum("packets"), "packet")];
  return parts.filter(Boolean).join(" and ");
}

/** What happened, in few words: `SYN`, `14 bytes`. */
export function label(deed: Deed): string {
  switch (deed.deed) {
    case "connect":
      return { accepted: "SYN", refused: "SYN, refused", nothing: "SYN, not answered" }[deed.answer];
    case "data":
      return plural(deed.length, "byte");
    case "datagram":
      return `datagram, ${plural(deed.length, "byte")}`;
    case "fin":
      return "FIN";
    case "reset":
      return "RST";
    case "nobody":
      return "nobody receives there";
    case "mark":
      return deed.words;
  }
}

/** The bytes that are shown of an event; null where it carries none. */
export function shownBytes(deed: Deed): Uint8Array | null {
  return deed.deed === "data" || deed.deed === "datagram" ? fromBase64(deed.shown) : null;
}

/** `“hello\r\n…”`: the beginning of what an event carries. */
export function preview(deed: Deed): string {
  if (deed.deed !== "data" && deed.deed !== "datagram") return "";
  const bytes = fromBase64(deed.shown);
  let text = deed.shown_from > 0 ? "…" : "";
  let count = 0;
  for (const byte of bytes) {
    const next = escaped(byte);
    if (text.length + next.length > PREVIEW_CHARS) break;
    text += next;
    count += 1;
  }
  return `“${text}${deed.shown_from + count < deed.length ? "…" : ""}”`;
}

const ESCAPES: Record<number, string> = { 0x09: "\\t", 0x0a: "\\n", 0x0d: "\\r", 0x5c: "\\\\" };

function escaped(byte: number): string {
  if (ESCAPES[byte]) return ESCAPES[byte];
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
}

/** Where these bytes stand: `bytes 20 to 39 of what it sent, in 2 segments`. */
export function place(deed: Deed): string {
  if (deed.deed !== "data") return "";
  const last = deed.offset + deed.length - 1;
  const bytes = deed.length === 1 ? `byte ${deed.offset}` : `bytes ${deed.offset} to ${last}`;
  return `${bytes} of what it sent${deed.segments > 1 ? `, in ${deed.segments} segments` : ""}`;
}

/** What is wrong with the event that is marked. */
export function verdict(wire: Wire): string {
  const what = wire.divergence ? wire.events[wire.divergence.event]?.what : undefined;
  if (!wire.divergence || !what) return "";
  const byte = wire.divergence.byte ?? null;
  if (byte !== null) {
    const from = what.deed === "data" || what.deed === "datagram" ? what.shown_from : 0;
    const value = shownBytes(what)?.[byte - from];
    return `The first difference: byte ${byte} of these${value === undefined ? "." : ` is ${byteName(value)}.`}`;
  }
  switch (what.deed) {
    case "fin":
    case "reset":
      return "This came instead of what was awaited.";
    case "connect":
      return what.answer === "accepted" ? "After this, nothing came." : "Nobody took this connection.";
    default:
      return "After this, what was awaited did not come.";
  }
}

/** Since the first event: `0.12 ms`, `34 ms`, `1.2 s`. */
export function since(us: number): string {
  if (us === 0) return "0";
  if (us < 10_000) return `${(us / 1000).toFixed(2)} ms`;
  return us < 1_000_000 ? `${Math.round(us / 1000)} ms` : `${(us / 1_000_000).toFixed(1)} s`;
}

/** Rows of a hex dump, `mark` being the index of a byte to point at. */
export function dump(bytes: Uint8Array, offset: number, mark: number | null): HexRow[] {
  const found: HexRow[] = [];
  for (let start = offset - (offset % ROW_BYTES); start < offset + bytes.length; start += ROW_BYTES) {
    const cells = Array.from({ length: ROW_BYTES }, (_, column) => {
      const byte = bytes[start + column - offset];
      const first = start + column === mark;
      const printable = byte !== undefined && byte >= 0x20 && byte < 0x7f;
      return {
        hex: byte === undefined ? "  " : byte.toString(16).padStart(2, "0"),
        ascii: byte === undefined ? " " : printable ? String.fromCharCode(byte) : "·",
        differs: first,
        first,
        present: byte !== undefined,
      };
    });
    found.push({ offset: start, got: cells, want: cells, differs: cells.some((cell) => cell.first) });
  }
  return found;
}
