/** The virtual clock as tests, and the code under test, see it. */
import { OptionsError } from "../errors/index.js";
import { describeValue } from "../task/describe-value.js";
import { currentWorld, standsStill, World } from "./world.js";

/** Where a clock begins when nobody says so: the same for every test, so that time lines compare. */
const DEFAULT_START = Date.UTC(2026, 0, 1);

const worlds = new WeakMap<VirtualClock, World>();

/**
 * A clock that stands still while code runs and leaps while everything waits: hours pass at once. `runTask` and `runWorkflow`
 * make one of their own; make it yourself to give it to the code under test:
 *
 * ```ts
 * const clock = new VirtualClock();
 * const etl = makeEtl({ sleep: (ms) => clock.sleep(ms), now: () => clock.now() });
 * const run = await runWorkflow(etl, {}, { clock });
 * ```
 *
 * It moves only while `runTask` or `runWorkflow` runs, one of them at a time; a later one goes on where the clock is.
 */
export class VirtualClock {
  /**
   * @param startAt where it begins: a date, or milliseconds since the Unix epoch. By default 2026-01-01T00:00:00Z.
   * @throws OptionsError when it is no time
   */
  constructor(startAt: Date | number = DEFAULT_START) {
    const wrong = startAtProblem(startAt);
    if (wrong !== null) throw new OptionsError("VirtualClock", [{ path: "startAt", message: wrong }]);
    worlds.set(this, new World(Math.floor(Number(startAt))));
  }

  /** The virtual time, in milliseconds since the Unix epoch. */
  now(): number {
    return worldOf(this).now();
  }

  /** The virtual time since the clock began, in milliseconds. */
  get elapsedMs(): number {
    return worldOf(this).elapsedMs;
  }

  /**
   * Resolves when so much virtual time has passed.
   *
   * @param ms milliseconds
   * @param options.signal ends the sleep: it then rejects with the signal's reason
   * @throws CloacaError `CLOCK_STANDS_STILL` when neither `runTask` nor `runWorkflow` moves this clock
   */
  sleep(ms: number, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return worldOf(this).sleep(ms, options.signal);
  }

  /**
   * Calls back once so much virtual time has passed, counted from now, as soon as the clock moves. For what happens outside of
   * the workflow: `clock.after(5_000, () => writeFileSync("in.csv", "…"))`.
   *
   * @returns what cancels it
   */
  after(ms: number, callback: () => void): () => void {
    return worldOf(this).after(ms, callback);
  }
}

/**
 * Waits for so much virtual time, in code that `runTask` or `runWorkflow` runs: a replacement of a task for example, that is to
 * hold its slot for a while. Code that has a clock of its own takes it from `VirtualClock`.
 *
 * @param ms milliseconds
 * @param options.signal ends the sleep: it then rejects with the signal's reason
 * @throws CloacaError `CLOCK_STANDS_STILL` outside of such code
 */
export function sleep(ms: number, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
  return currentWorld()?.sleep(ms, options.signal) ?? Promise.reject(standsStill());
}

/** The world behind a clock. */
export function worldOf(clock: VirtualClock): World {
  const world = worlds.get(clock);
  if (world === undefined) throw new TypeError("this is no VirtualClock");
  return world;
}

/** What is wrong with the beginning of a clock; null when it is fine. */
export function startAtProblem(value: unknown): string | null {
  const isTime = value instanceof Date || typeof value === "number";
  if (isTime && Number.isFinite(Number(value)) && Number(value) >= 0) return null;
  return `is ${describeValue(value)}; write a Date, or milliseconds since the Unix epoch`;
}
