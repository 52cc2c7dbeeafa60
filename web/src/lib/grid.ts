// Moving about a large table by keyboard, and which of its rows need to exist. Pure, so it is tested.

export interface Place {
  row: number;
  column: number;
}

export interface Size {
  rows: number;
  columns: number;
  /** Rows that Page Up and Page Down pass. */
  page: number;
}

/** Where a key leads, or null when it is not one of the grid's. */
export function move({ row, column }: Place, key: string, ctrl: boolean, { rows, columns, page }: Size): Place | null {
  const to = (wantedRow: number, wantedColumn: number): Place => ({
    row: clamp(wantedRow, rows),
    column: clamp(wantedColumn, columns),
  });
  switch (key) {
    case "ArrowUp":
      return to(row - 1, column);
    case "ArrowDown":
      return to(row + 1, column);
    case "ArrowLeft":
      return to(row, column - 1);
    case "ArrowRight":
      return to(row, column + 1);
    case "PageUp":
      return to(row - page, column);
    case "PageDown":
      return to(row + page, column);
    case "Home":
      return to(ctrl ? 0 : row, 0);
    case "End":
      return to(ctrl ? rows - 1 : row, columns - 1);
    default:
      return null;
  }
}

const clamp = (index: number, count: number) => Math.max(0, Math.min(count - 1, index));

export interface Range {
  first: number;
  /** One past the last. */
  end: number;
}

/** Rows kept beyond each edge of what is visible, so that scrolling shows no gap. */
const SPARE_ROWS = 6;

export function visibleRows(scrollTop: number, height: number, rowHeight: number, count: number): Range {
  const first = Math.floor(scrollTop / rowHeight) - SPARE_ROWS;
  const end = Math.ceil((scrollTop + height) / rowHeight) + SPARE_ROWS;
  return { first: Math.max(0, Math.min(first, count)), end: Math.max(0, Math.min(end, count)) };
}
