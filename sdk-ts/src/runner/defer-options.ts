import type { DeferOptions } from "../task/task-handle.js";

export interface CheckedDeferOptions {
  readonly pollIntervalMs: number;
  /** 0 means no limit. */
  readonly maxWaitMs: number;
  readonly describe: string | undefined;
}

const DEFAULT_POLL_INTERVAL_MS = 1_000;
/** What fits the wire, and a timer. */
const MAX_MS = 0x7fffffff;

/** Throws a TypeError or RangeError that says what would be right. */
export function checkDeferOptions(condition: unknown, poll: number | DeferOptions = {}): CheckedDeferOptions {
  if (typeof condition !== "function") {
    throw new TypeError(
      `handle.deferUntil: the condition is ${typeof condition}; pass a function that is called to ask`,
    );
  }
  const options = typeof poll === "number" ? { pollIntervalMs: poll } : poll;
  const { pollIntervalMs = DEFAULT_POLL_INTERVAL_MS, maxWaitMs, describe } = options;
  checkMs("pollIntervalMs", pollIntervalMs, 1);
  if (maxWaitMs !== undefined) checkMs("maxWaitMs", maxWaitMs, 1);
  return { pollIntervalMs: Math.ceil(pollIntervalMs), maxWaitMs: Math.ceil(maxWaitMs ?? 0), describe };
}

function checkMs(name: string, value: number, least: number): void {
  if (typeof value === "number" && value >= least && value <= MAX_MS) return;
  throw new RangeError(`handle.deferUntil: ${name} is ${value}; allowed are ${least} to ${MAX_MS} milliseconds`);
}
