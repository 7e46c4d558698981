/** Callbacks by their time; those of one time in the order in which they were asked for. */
interface Timer {
  readonly at: number;
  /** Whose it is. */
  readonly owner: number;
  readonly callback: () => void;
}

export class TimerQueue {
  /** Earliest first. */
  #timers: Timer[] = [];

  /** When the earliest is due; undefined when there is none. */
  get next(): number | undefined {
    return this.#timers[0]?.at;
  }

  /** Returns what takes it out again. */
  add(at: number, owner: number, callback: () => void): () => void {
    const timer = { at, owner, callback };
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#timers[middle]?.at ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  /** Takes out all of one owner. */
  drop(owner: number): void {
    this.#timers = this.#timers.filter((timer) => timer.owner !== owner);
  }

  /** Takes the earliest out and calls it. */
  fire(): void {
    this.#timers.shift()?.callback();
  }
}
