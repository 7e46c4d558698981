import type { Clock, Ids } from "../core/ports.js";
import type { Runtime } from "../engine/runtime.js";

/** A clock and a loop that a test moves by hand. */
export class ManualTime implements Clock, Runtime {
  #now = 1_700_000_000_000;
  #soon: (() => void)[] = [];
  #timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  }

  /** Runs turns until nothing more is to be done at this time. */
  async settle(): Promise<void> {
    for (;;) {
      const callbacks = this.#soon.splice(0);
      for (const callback of callbacks) callback();
      // Stores answer in microtasks: one round of the real loop lets all of them run.
      await new Promise((resolve) => setImmediate(resolve));
      if (callbacks.length === 0 && this.#soon.length === 0) return;
    }
  }

  /** Moves the clock, firing each timer at its time. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter((t) => t.at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((t) => t !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await this.settle();
    }
    this.#now = until;
    await this.settle();
  }

  /** The loop, or the machine, stands still: timers that were due in between fire afterwards, all at once. */
  async stall(ms: number): Promise<void> {
    this.#now += ms;
    await this.advance(0);
  }
}

/** Ids that a test can foresee. */
export class CountingIds implements Ids {
  #count = 0;

  constructor(readonly prefix = "") {}

  runId(): string {
    return `${this.prefix}r${++this.#count}`;
  }

  sessionId(): string {
    return `${this.prefix}s${++this.#count}`;
  }

  secret(): string {
    return `${this.prefix}secret${++this.#count}`;
  }
}
