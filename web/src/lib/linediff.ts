// The difference of two texts by lines: a longest common subsequence, which is quick enough for evidence (the server
// caps it). Beyond a size the texts are shown whole, one after the other, rather than late.

export interface DiffLine {
  side: "both" | "got" | "want";
  text: string;
}

/** Largest table of the subsequence search, in cells. */
const CELLS_MAX = 4_000_000;

export function lineDiff(got: string, want: string): DiffLine[] {
  const a = want.split("\n");
  const b = got.split("\n");
  if (a.length * b.length > CELLS_MAX) return [...a.map(line("want")), ...b.map(line("got"))];
  return walk(a, b, commonLengths(a, b));
}

const line = (side: DiffLine["side"]) => (text: string): DiffLine => ({ side, text });

/** `table[i][j]`: length of the longest common subsequence of `a[i..]` and `b[j..]`. */
function commonLengths(a: string[], b: string[]): Uint32Array[] {
  const table = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      table[i]![j] = a[i] === b[j] ? table[i + 1]![j + 1]! + 1 : Math.max(table[i + 1]![j]!, table[i]![j + 1]!);
    }
  }
  return table;
}

function walk(a: string[], b: string[], table: Uint32Array[]): DiffLine[] {
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push({ side: "both", text: a[i]! });
      i += 1;
      j += 1;
    } else if (table[i + 1]![j]! >= table[i]![j + 1]!) {
      lines.push({ side: "want", text: a[i]! });
      i += 1;
    } else {
      lines.push({ side: "got", text: b[j]! });
      j += 1;
    }
  }
  return [...lines, ...a.slice(i).map(line("want")), ...b.slice(j).map(line("got"))];
}
