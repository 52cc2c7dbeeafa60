// What one cell of the class dashboard shows: a number, a glyph and a place on the colour ramp. Pure, so it is tested.

import type { Gradebook, GradebookCell } from "../api/types";
import { median } from "./format";
import { look } from "./verdicts";

export interface HeatCell {
  text: string;
  glyph: string;
  /** 0 to 1 along the ramp; null where there are no points to colour. */
  share: number | null;
  label: string;
}

export function heatCell(cell: GradebookCell | null, max: number): HeatCell {
  if (!cell) return { text: "", glyph: "·", share: null, label: "not handed in" };
  const attempts = `attempt ${cell.attempts}`;
  if (cell.state !== "graded") {
    const now = look(cell.state, null);
    return { text: String(cell.points ?? ""), glyph: now.glyph, share: null, label: `${now.label.toLowerCase()}, ${attempts}` };
  }
  const points = cell.points ?? 0;
  const share = max > 0 ? Math.min(1, points / max) : 1;
  const words = cell.verdict ? look("graded", cell.verdict).label.toLowerCase() : "graded";
  return { text: String(points), glyph: glyphOf(cell, share), share, label: `${points} of ${max} points, ${words}, ${attempts}` };
}

function glyphOf(cell: GradebookCell, share: number): string {
  if (cell.verdict === "unstable") return "≈";
  if (share === 1) return "✓";
  return share === 0 ? "✗" : "◧";
}

export const total = (cells: (GradebookCell | null)[]) => cells.reduce((sum, cell) => sum + (cell?.points ?? 0), 0);

export interface Column {
  handedIn: number;
  median: number | null;
}

/** What each exercise's column says about the class: how many handed in, and their median points. */
export function columns({ assignments, students }: Gradebook): Column[] {
  return assignments.map((_, index) => {
    const cells = students.flatMap((student) => student.cells[index] ?? []);
    return { handedIn: cells.length, median: median(cells.flatMap((cell) => cell.points ?? [])) };
  });
}

export interface Summary {
  students: number;
  /** Students who handed in anything. */
  started: number;
  /** Median of the totals of those who started. */
  median: number | null;
  waiting: number;
  running: number;
  dead: number;
  unstable: number;
}

export function summary({ students }: Gradebook): Summary {
  const cells = students.flatMap((student) => student.cells.flatMap((cell) => cell ?? []));
  const started = students.filter((student) => student.cells.some((cell) => cell !== null));
  const count = (wanted: (cell: GradebookCell) => boolean) => cells.filter(wanted).length;
  return {
    students: students.length,
    started: started.length,
    median: median(started.map((student) => total(student.cells))),
    waiting: count((cell) => cell.state === "queued"),
    running: count((cell) => cell.state === "running"),
    dead: count((cell) => cell.state === "dead"),
    unstable: count((cell) => cell.verdict === "unstable"),
  };
}
