// Something that the reader asks for and the server may refuse: under way, or refused and why.

import { asProblem, type Problem } from "../api/problem";

export class Action {
  busy = $state(false);
  problem: Problem | null = $state.raw(null);

  /** Does `work`, unless it is being done already. Answers whether it was done. */
  async run(work: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = null;
    try {
      await work();
      return true;
    } catch (error) {
      this.problem = asProblem(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
