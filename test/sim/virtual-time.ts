import type { Clock } from "../../server/src/core/ports.js";

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  /** Whether it may start what goes on in microtasks. */
  readonly async: boolean;
  isCancelled: boolean;
}

/** Time that stands still while anything runs, and leaps to the next timer. Timers of one instant fire in order. */
export class VirtualTime implements Clock {
  static readonly START = 1_700_000_000_000;
  #now = VirtualTime.START;
  #order = 0;
  readonly #heap: Timer[] = [];

  now(): number {
    return this.#now;
  }

  /** Milliseconds since the start. */
  get elapsed(): number {
    return this.#now - VirtualTime.START;
  }

  after(ms: number, callback: () => void, async = false): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order++, callback, async, isCancelled: false };
    this.#push(timer);
    return () => {
      timer.isCancelled = true;
    };
  }

  /** Fires timers one by one until `isDone`, or until none is left before `limit`. Resolves with whether it was done. */
  async run(isDone: () => boolean, limit: number): Promise<boolean> {
    while (!isDone()) {
      const timer = this.#pop();
      if (timer === null || timer.at > limit) return false;
      if (timer.isCancelled) continue;
      this.#now = timer.at;
      timer.callback();
      // Stores answer in microtasks: one round of the real loop lets all of them run.
      if (timer.async) await new Promise(setImmediate);
    }
    return true;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let place = heap.push(timer) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(timer, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = timer;
  }

  #pop(): Timer | null {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      let smaller = left;
      if (right !== undefined && isBefore(right, left)) {
        smaller = right;
        child++;
      }
      if (!isBefore(smaller, last)) break;
      heap[place] = smaller;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
