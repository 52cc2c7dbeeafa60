import { describe, expect, test } from "vitest";
import { byteName, extentOf, fieldAt, fromBase64, hexRows, stretches } from "./hexdiff";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("hexRows", () => {
  test("marks the bytes that differ, and the first of them", () => {
    const [row] = hexRows({ got: bytes("abXdY"), want: bytes("abcde"), offset: 0, first_difference: 2 });
    expect(row?.got.map((cell) => cell.hex)).toEqual(["61", "62", "58", "64", "59", "  ", "  ", "  "]);
    expect(row?.got.map((cell) => cell.differs)).toEqual([false, false, true, false, true, false, false, false]);
    expect(row?.want.findIndex((cell) => cell.first)).toBe(2);
    expect(row?.got.filter((cell) => cell.first)).toHaveLength(1);
  });

  test("shows the end of the shorter string as a gap on its side", () => {
    const [row] = hexRows({ got: bytes("ab"), want: bytes("abc"), offset: 0, first_difference: 2 });
    expect(row?.got[2]).toMatchObject({ present: false, differs: true, first: true });
    expect(row?.want[2]).toMatchObject({ present: true, hex: "63", ascii: "c", differs: true });
  });

  test("starts rows at multiples of eight of the whole value", () => {
    const rows = hexRows({ got: bytes("0123456789"), want: bytes("0123456789"), offset: 13, first_difference: 99 });
    expect(rows.map((row) => row.offset)).toEqual([8, 16]);
    expect(rows[0]?.got.map((cell) => cell.ascii).join("")).toBe("     012");
    expect(rows[0]?.differs).toBe(false);
  });

  test("has no row for two empty strings", () => {
    expect(hexRows({ got: bytes(""), want: bytes(""), offset: 0, first_difference: 0 })).toEqual([]);
  });

  test("prints what is not ASCII as a dot", () => {
    const [row] = hexRows({ got: Uint8Array.of(0x00, 0x7f, 0xc3, 0x7e), want: Uint8Array.of(), offset: 0, first_difference: 0 });
    expect(row?.got.map((cell) => cell.ascii).slice(0, 4).join("")).toBe("···~");
  });
});

describe("fields", () => {
  const fields = [
    { name: "magic", from: 0, to: 4 },
    { name: "kind", from: 4, to: 5 },
    { name: "body", from: 6, to: 40 },
  ];
  const told = (offset: number, first = false) => stretches(fields, offset, first).map(({ field, column, bytes, named }) => `${named ? field.name : "-"} ${column}+${bytes}`);

  test("stand below the rows in which one begins", () => {
    expect(told(0, true)).toEqual(["magic 0+4", "kind 4+1", "body 6+2"]);
    expect(told(8)).toEqual([]);
    expect(stretches([...fields, { name: "check", from: 40, to: 42 }], 36, false).map(({ named, bytes }) => [named, bytes])).toEqual([[false, 4], [true, 2]]);
  });

  test("one that began before a window is named in its first row", () => {
    expect(told(16, true)).toEqual(["body 0+8"]);
  });

  test("are named once more where there was too little room", () => {
    expect(stretches([{ name: "length", from: 7, to: 11 }], 8, false).map(({ named, bytes }) => [named, bytes])).toEqual([[true, 3]]);
  });

  test("are found by a byte", () => {
    expect(fieldAt(fields, 4)?.name).toBe("kind");
    expect(fieldAt(fields, 5)).toBeNull();
    expect(fields.map(extentOf)).toEqual(["bytes 0–3", "byte 4", "bytes 6–39"]);
  });
});

test("a byte is named in words", () => {
  expect(byteName(0x0a)).toBe("0x0a (line feed)");
  expect(byteName(0x41)).toBe("0x41 “A”");
  expect(byteName(0xff)).toBe("0xff");
  expect(byteName(undefined)).toBe("the end");
});

test("base64 becomes bytes, not text", () => {
  expect([...fromBase64("AP/DqQ==")]).toEqual([0x00, 0xff, 0xc3, 0xa9]);
});
