// Something read from the server: absent, there, or refused. A newer reading always wins over an older one.

import { asProblem, type Problem } from "../api/problem";

export class Resource<T> {
  value: T | undefined = $state.raw(undefined);
  problem: Problem | null = $state.raw(null);
  loading = $state(false);
  readonly #read: () => Promise<T>;
  #latest = 0;

  constructor(read: () => Promise<T>) {
    this.#read = read;
    void this.load();
  }

  /** Reads again and keeps showing the old value meanwhile. */
  async load() {
    const turn = ++this.#latest;
    this.loading = true;
    try {
      const value = await this.#read();
      if (turn !== this.#latest) return;
      this.value = value;
      this.problem = null;
    } catch (error) {
      if (turn === this.#latest) this.problem = asProblem(error);
    } finally {
      if (turn === this.#latest) this.loading = false;
    }
  }
}
