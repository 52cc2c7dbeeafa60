// The time of day for "in 3 minutes", moving once in half a minute: often enough to be true, seldom enough to be free.

class Clock {
  now = $state(Date.now());

  constructor() {
    setInterval(() => (this.now = Date.now()), 30_000);
  }
}

export const clock = new Clock();
