// The files that are about to be handed in: edited here, dropped in, or one archive that is sent as it is.
// A text goes to the server byte for byte as it came unless it was edited.

import type { Assignment, SourceFile } from "../api/types";
import type { Drafts } from "./drafts";

const ARCHIVE = /\.(zip|tar\.gz|tgz)$/i;
/** Typing pauses this long before the draft is kept. */
const KEEP_AFTER_MS = 400;

export class Workbench {
  files: SourceFile[] = $state.raw([]);
  active = $state("");
  /** Sent instead of the files, when there is one. */
  archive: File | null = $state.raw(null);
  /** Dropped files whose name the exercise does not ask for: the student says what they are. */
  unplaced: SourceFile[] = $state.raw([]);
  /** What the last drop or choice did, to be read out. */
  notice = $state("");
  /** False when the browser would not keep the draft. */
  kept = $state(true);
  /** Counts replacements of a text from outside the editor, which must then show the new text. */
  generation = $state(0);

  readonly required: string[];
  readonly #starter: SourceFile[];
  readonly #drafts: Drafts;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(assignment: Assignment, drafts: Drafts) {
    this.required = assignment.files;
    this.#starter = assignment.starter;
    this.#drafts = drafts;
    this.files = withDrafts(this.#given(), drafts.read());
    this.active = this.files[0]?.name ?? "";
  }

  get untouched(): boolean {
    const given = new Map(this.#given().map((file) => [file.name, file.content]));
    return this.archive === null && this.files.every((file) => given.get(file.name) === file.content);
  }

  isExtra(name: string): boolean {
    return !this.#given().some((file) => file.name === name);
  }

  edit(name: string, content: string) {
    this.files = this.files.map((file) => (file.name === name ? { name, content } : file));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.keep(), KEEP_AFTER_MS);
  }

  keep() {
    clearTimeout(this.#timer);
    this.kept = this.#drafts.keep(this.files, this.#given());
  }

  /** Puts a file in its place, a new tab if it has none. */
  place(name: string, content: string) {
    const known = this.files.some((file) => file.name === name);
    this.files = known ? this.files.map((file) => (file.name === name ? { name, content } : file)) : [...this.files, { name, content }];
    this.unplaced = this.unplaced.filter((file) => file.content !== content);
    this.active = name;
    this.archive = null;
    this.generation += 1;
    this.notice = `${name} is in the editor, ready to hand in.`;
    this.keep();
  }

  remove(name: string) {
    this.files = this.files.filter((file) => file.name !== name);
    this.active = this.files[0]?.name ?? "";
    this.keep();
  }

  leaveOut(file: SourceFile) {
    this.unplaced = this.unplaced.filter((other) => other !== file);
  }

  reset() {
    this.files = this.#given();
    this.active = this.files[0]?.name ?? "";
    this.archive = null;
    this.generation += 1;
    this.notice = "The starter is back.";
    this.keep();
  }

  /** Takes what was dropped or chosen. */
  async take(dropped: File[]) {
    this.notice = "";
    for (const file of dropped) {
      const text = ARCHIVE.test(file.name) ? null : await textOf(file);
      if (text === null) this.#takeWhole(file);
      else if (this.files.some((one) => one.name === file.name)) this.place(file.name, text);
      else this.unplaced = [...this.unplaced, { name: file.name, content: text }];
    }
  }

  #takeWhole(file: File) {
    if (ARCHIVE.test(file.name)) {
      this.archive = file;
      this.notice = `${file.name} will be handed in as it is.`;
    } else {
      this.notice = `${file.name} is not a text in UTF-8. Save it as UTF-8 and drop it again.`;
    }
  }

  toUpload(): File[] {
    if (this.archive) return [this.archive];
    return this.files.map((file) => new File([file.content], file.name, { type: "text/plain" }));
  }

  /** The starter's files, and an empty one for each that is asked for and not in it. */
  #given(): SourceFile[] {
    const missing = this.required.filter((name) => !this.#starter.some((file) => file.name === name));
    return [...this.#starter, ...missing.map((name) => ({ name, content: "" }))];
  }
}

function withDrafts(files: SourceFile[], drafts: Map<string, string>): SourceFile[] {
  const kept = files.map((file) => ({ name: file.name, content: drafts.get(file.name) ?? file.content }));
  const extra = [...drafts].filter(([name]) => !files.some((file) => file.name === name));
  return [...kept, ...extra.map(([name, content]) => ({ name, content }))];
}

async function textOf(file: File): Promise<string | null> {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
  } catch {
    return null;
  }
}
