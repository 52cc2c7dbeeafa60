import { describe, expect, test } from "vitest";
import { move, visibleRows } from "./grid";

const SIZE = { rows: 100, columns: 20, page: 10 };

describe("move", () => {
  test.each([
    ["ArrowDown", false, { row: 51, column: 5 }],
    ["ArrowLeft", false, { row: 50, column: 4 }],
    ["PageUp", false, { row: 40, column: 5 }],
    ["Home", false, { row: 50, column: 0 }],
    ["End", true, { row: 99, column: 19 }],
    ["Home", true, { row: 0, column: 0 }],
  ])("%s (ctrl %s)", (key, ctrl, place) => {
    expect(move({ row: 50, column: 5 }, key, ctrl, SIZE)).toEqual(place);
  });

  test("stops at the edges", () => {
    expect(move({ row: 0, column: 0 }, "ArrowUp", false, SIZE)).toEqual({ row: 0, column: 0 });
    expect(move({ row: 95, column: 19 }, "PageDown", false, SIZE)).toEqual({ row: 99, column: 19 });
  });

  test("leaves other keys to the browser", () => {
    expect(move({ row: 0, column: 0 }, "Enter", false, SIZE)).toBeNull();
  });
});

describe("visibleRows", () => {
  test("is what is in sight and a few more", () => {
    expect(visibleRows(3600, 360, 36, 300)).toEqual({ first: 94, end: 116 });
  });

  test("stays within the table", () => {
    expect(visibleRows(0, 360, 36, 4)).toEqual({ first: 0, end: 4 });
    expect(visibleRows(99_999, 360, 36, 4)).toEqual({ first: 4, end: 4 });
  });
});
