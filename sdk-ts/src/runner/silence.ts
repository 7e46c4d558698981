/** When a keep-alive thread has to speak for the main thread (P5): once its counter has not moved for an interval. */
export class Silence {
  #seen: number;
  #since: number;

  /** @param now monotonic time, in milliseconds */
  constructor(
    readonly intervalMs: number,
    beat: number,
    now: number,
  ) {
    this.#seen = beat;
    this.#since = now;
  }

  /** How long the main thread has shown no life, in milliseconds, when that is worth a call; null otherwise. */
  observe(beat: number, now: number): number | null {
    if (beat !== this.#seen) {
      this.#seen = beat;
      this.#since = now;
      return null;
    }
    const lagMs = Math.round(now - this.#since);
    return lagMs < this.intervalMs ? null : lagMs;
  }
}
