// What a student has typed and not handed in, kept in the browser per person and assignment. Only what differs from the
// starter is kept, so that a corrected starter reaches whoever has not begun.

import type { SourceFile } from "../api/types";

type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export class Drafts {
  readonly #store: Store | null;
  readonly #key: string;

  constructor(store: Store | null, login: string, course: string, assignment: string) {
    this.#store = store;
    this.#key = `practicum.draft/${login}/${course}/${assignment}`;
  }

  /** The drafted files by name; empty when there are none or they cannot be read. */
  read(): Map<string, string> {
    try {
      const value: unknown = JSON.parse(this.#store?.getItem(this.#key) ?? "{}");
      if (typeof value !== "object" || value === null) return new Map();
      return new Map(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
    } catch {
      return new Map();
    }
  }

  /** Keeps what differs from the starter; answers whether it could. */
  keep(files: SourceFile[], starter: SourceFile[]): boolean {
    const given = new Map(starter.map((file) => [file.name, file.content]));
    const changed = files.filter((file) => given.get(file.name) !== file.content);
    try {
      if (changed.length === 0) this.#store?.removeItem(this.#key);
      else this.#store?.setItem(this.#key, JSON.stringify(Object.fromEntries(changed.map((file) => [file.name, file.content]))));
      return this.#store !== null;
    } catch {
      return false;
    }
  }
}

export function browserStore(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
