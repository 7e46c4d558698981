/**
 * Virtual time, and the loop that moves it. Time stands still while code of the test is under way: a task, a condition or a
 * callback that runs, or that waits for something real (I/O, a promise, a real timer). Once everything that is under way waits
 * for the clock, the clock goes on to the next timer.
 *
 *   what was said → microtasks → is it done? → is anything busy? wait for it → the next timer
 *
 * Everything happens in one order: what was said first is heard first, timers of one time fire in the order they were set. So
 * the same code gives the same time line.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { CloacaError } from "../errors/index.js";
import type { HostTime } from "../runner/host-time.js";
import type { Activity } from "./activity.js";
import { TimerQueue } from "./timer-queue.js";

// As they are now: tests replace the global ones with fakes.
const { setImmediate, setTimeout, clearTimeout } = globalThis;
const realNow = performance.now.bind(performance);

/** Whose code runs, across its awaits. */
const current = new AsyncLocalStorage<{ readonly world: World; readonly activity: Activity }>();

/** The world whose code runs; undefined outside of all. */
export function currentWorld(): World | undefined {
  return current.getStore()?.world;
}

/** When the loop ends. */
export interface Goal {
  isDone(): boolean;
  /** Last moment of virtual time, in milliseconds since the Unix epoch. */
  readonly until: number;
  /** How long something real may take without any news, in milliseconds of real time. */
  readonly patienceMs: number;
}

/** How the loop ended: it was done, time was up, or what is busy gave no news in `patienceMs`. */
export type LoopEnd = "done" | "until" | "busy";

export class World implements HostTime {
  readonly startedAt: number;
  readonly #timers = new TimerQueue();
  readonly #activities = new Set<Activity>();
  #soon: (() => void)[] = [];
  #now: number;
  /** Number of the run that moves it; 0 while none does. Timers belong to it, and go with it. */
  #run = 0;
  #runs = 0;
  #failure: { readonly error: unknown } | null = null;
  #ring: () => void = () => {};
  /** Real time at which something went on, for {@link idleMs}. */
  #lastNews = realNow();

  /** @param startAt milliseconds since the Unix epoch */
  constructor(startAt: number) {
    this.startedAt = startAt;
    this.#now = startAt;
  }

  now(): number {
    return this.#now;
  }

  get elapsedMs(): number {
    return this.#now - this.startedAt;
  }

  /** Everything that is under way. */
  get activities(): readonly Activity[] {
    return [...this.#activities];
  }

  /** Nothing is under way. */
  get isIdle(): boolean {
    return this.#activities.size === 0;
  }

  /** Milliseconds of real time in which nothing went on but polls. */
  get idleMs(): number {
    return realNow() - this.#lastNews;
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
    this.#news();
  }

  after(ms: number, callback: () => void): () => void {
    return this.#timers.add(this.#now + Math.max(0, Math.ceil(ms)), this.#run, callback);
  }

  /** Runs code as an activity: time waits for it. */
  async perform<T>(activity: Activity, code: () => T | PromiseLike<T>, isNews = true): Promise<T> {
    this.#activities.add(activity);
    try {
      return await current.run({ world: this, activity }, code);
    } finally {
      this.forget(activity);
      if (isNews) this.#news();
      else this.#ring();
    }
  }

  /** Nobody waits for this code any more. */
  forget(activity: Activity): void {
    this.#activities.delete(activity);
  }

  /** The activity waits for the clock until the returned function is called. */
  park(activity: Activity, what: string): () => void {
    const unpark = activity.park(what);
    this.#ring();
    return unpark;
  }

  /** Resolves when so much virtual time has passed; rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const here = current.getStore();
    const activity = here?.world === this ? here.activity : undefined;
    if (this.#run === 0) return Promise.reject(standsStill());
    const until = this.elapsedMs + Math.max(0, Math.ceil(ms));
    const unpark = activity === undefined ? () => {} : this.park(activity, `sleeps until ${until} ms`);
    return new Promise((resolve, reject) => {
      const end = (): void => {
        cancel();
        unpark();
        signal?.removeEventListener("abort", onAbort);
        this.#news();
      };
      const onAbort = (): void => {
        end();
        reject(signal?.reason);
      };
      const cancel = this.after(ms, () => {
        end();
        resolve();
      });
      signal?.addEventListener("abort", onAbort);
      if (signal?.aborted === true) onAbort();
    });
  }

  /** Ends the loop with an error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#ring();
  }

  /**
   * Lets a run move the clock until it has ended; what it leaves behind ends with it.
   *
   * @throws CloacaError `CLOCK_IN_USE`
   */
  async use<T>(run: () => Promise<T>): Promise<T> {
    if (this.#run !== 0) {
      const message =
        "another runTask or runWorkflow moves this clock; await it first, or give each a clock of its own";
      throw new CloacaError("CLOCK_IN_USE", message);
    }
    this.#run = ++this.#runs;
    this.#failure = null;
    this.#news();
    try {
      return await run();
    } finally {
      this.#timers.drop(this.#run);
      this.#activities.clear();
      this.#soon = [];
      this.#run = 0;
    }
  }

  /** Moves time until the goal is reached, or cannot be. Rejects with what `fail` was given. */
  async move(goal: Goal): Promise<LoopEnd> {
    for (;;) {
      await this.#settle();
      if (this.#failure !== null) throw this.#failure.error;
      if (goal.isDone()) return "done";
      if (this.#isBusy()) {
        if (!(await this.#nextNews(goal.patienceMs))) return "busy";
        continue;
      }
      const next = this.#timers.next;
      if (next === undefined || next > goal.until) return "until";
      this.#now = Math.max(this.#now, next);
      this.#timers.fire();
    }
  }

  /** Goes on to a time at which nothing happens. */
  skipTo(time: number): void {
    this.#now = Math.max(this.#now, time);
  }

  /** Calls back what was to come soon, until nothing more is. */
  async #settle(): Promise<void> {
    do {
      const callbacks = this.#soon;
      this.#soon = [];
      for (const callback of callbacks) callback();
      // One round of the real loop: all microtasks have run by then.
      await new Promise<void>((resolve) => void setImmediate(resolve));
    } while (this.#soon.length > 0 && this.#failure === null);
  }

  #isBusy(): boolean {
    for (const { isBusy } of this.#activities) if (isBusy) return true;
    return false;
  }

  #news(): void {
    this.#lastNews = realNow();
    this.#ring();
  }

  /** Resolves with true at the next news; with false when there are none for so long. */
  #nextNews(patienceMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#ring = () => {};
        resolve(false);
      }, patienceMs);
      this.#ring = () => {
        clearTimeout(timer);
        this.#ring = () => {};
        resolve(true);
      };
    });
  }
}

export function standsStill(): CloacaError {
  const message =
    "sleep: the virtual clock stands still; it moves while runTask or runWorkflow runs the code that sleeps";
  return new CloacaError("CLOCK_STANDS_STILL", message);
}
