// Two byte strings side by side, as rows of a hex dump with a mark on each byte that differs. Differences are counted by
// position, not by alignment: for protocols "byte 17 is wrong" is the truth, and a clever alignment would hide it.

export const ROW_BYTES = 8;
/** Characters of a byte in hex, and the blank behind it. */
export const COLUMN = 3;

export interface HexCell {
  /** Two hex digits, or two spaces where the string has ended. */
  hex: string;
  /** The character, where it is printable ASCII; `·` otherwise. */
  ascii: string;
  differs: boolean;
  /** The very first difference. */
  first: boolean;
  present: boolean;
}

export interface HexRow {
  /** Index of the row's first byte in the whole value. */
  offset: number;
  got: HexCell[];
  want: HexCell[];
  differs: boolean;
}

export interface BytesFacts {
  got: Uint8Array;
  want: Uint8Array;
  /** Index of the first byte of both windows in the whole value. */
  offset: number;
  /** Index of the first difference in the whole value. */
  first_difference: number;
}

/** Bytes of the wanted string that have a name; `to` is behind the last. */
export interface Field {
  name: string;
  from: number;
  to: number;
}

/** The part of a field that stands in one row: from which column on, how many bytes wide. */
export interface Stretch {
  field: Field;
  column: number;
  bytes: number;
  /** Whether the name stands here: where the field begins, and once more where there was too little room for it. */
  named: boolean;
}

/** Where fields stand below a row. Empty where none is named there. */
export function stretches(fields: Field[], offset: number, first: boolean): Stretch[] {
  const end = offset + ROW_BYTES;
  const here = fields.filter((field) => field.from < end && field.to > offset);
  const found = here.map((field) => {
    const from = Math.max(field.from, offset);
    const before = (offset - field.from) * COLUMN;
    const wasCut = before > 0 && before <= ROW_BYTES * COLUMN && before <= field.name.length;
    return { field, column: from - offset, bytes: Math.min(field.to, end) - from, named: first || field.from >= offset || wasCut };
  });
  return found.some((it) => it.named) ? found : [];
}

/** The field of a byte. */
export function fieldAt(fields: Field[], index: number): Field | null {
  return fields.find((field) => field.from <= index && index < field.to) ?? null;
}

/** `bytes 4–7`. */
export function extentOf(field: Field): string {
  return field.to - field.from === 1 ? `byte ${field.from}` : `bytes ${field.from}–${field.to - 1}`;
}

/** Rows start at multiples of [`ROW_BYTES`] of the whole value, so that offsets read like those of other tools. */
export function hexRows({ got, want, offset, first_difference }: BytesFacts): HexRow[] {
  const end = offset + Math.max(got.length, want.length);
  const rows: HexRow[] = [];
  for (let start = offset - (offset % ROW_BYTES); start < end; start += ROW_BYTES) {
    const indexes = Array.from({ length: ROW_BYTES }, (_, i) => start + i);
    const pair = indexes.map((index) => cells(got[index - offset], want[index - offset], index === first_difference));
    rows.push({
      offset: start,
      got: pair.map(([left]) => left),
      want: pair.map(([, right]) => right),
      differs: pair.some(([left]) => left.differs),
    });
  }
  return rows;
}

function cells(got: number | undefined, want: number | undefined, first: boolean): [HexCell, HexCell] {
  const differs = got !== want;
  const cell = (byte: number | undefined): HexCell => ({
    hex: byte === undefined ? "  " : byte.toString(16).padStart(2, "0"),
    ascii: byte === undefined ? " " : printable(byte),
    differs,
    first: first && differs,
    present: byte !== undefined,
  });
  return [cell(got), cell(want)];
}

function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
}

/** One byte in words: `0x0a (line feed)`, `0x41 "A"`, `the end`. */
export function byteName(byte: number | undefined): string {
  if (byte === undefined) return "the end";
  const hex = `0x${byte.toString(16).padStart(2, "0")}`;
  const name = CONTROL[byte];
  if (name) return `${hex} (${name})`;
  return byte > 0x20 && byte < 0x7f ? `${hex} “${String.fromCharCode(byte)}”` : hex;
}

const CONTROL: Record<number, string> = {
  0x00: "NUL",
  0x09: "tab",
  0x0a: "line feed",
  0x0d: "carriage return",
  0x20: "space",
};

export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
