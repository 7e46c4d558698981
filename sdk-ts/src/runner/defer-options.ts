import { OptionsError, type Problem } from "../errors/index.js";
import { MAX_TIMER_MS } from "../protocol/number-limits.js";
import { describeValue } from "../task/describe-value.js";
import { type Option, readOptions, text } from "../task/option-table.js";
import type { DeferOptions } from "../task/task-handle.js";

export interface CheckedDeferOptions {
  readonly pollIntervalMs: number;
  /** 0 means no limit. */
  readonly maxWaitMs: number;
  readonly describe: string | undefined;
}

const DEFAULT_POLL_INTERVAL_MS = 1_000;
const MAX_DESCRIPTION = 1_000;

const TABLE: readonly Option[] = [
  { name: "pollIntervalMs", check: milliseconds },
  { name: "maxWaitMs", check: milliseconds },
  { name: "describe", check: text(MAX_DESCRIPTION) },
];

/** Throws OptionsError with all problems. */
export function checkDeferOptions(condition: unknown, poll: number | DeferOptions = {}): CheckedDeferOptions {
  const options = typeof poll === "number" ? { pollIntervalMs: poll } : poll;
  const { problems } = readOptions(options, TABLE, "a deferral");
  const found: Problem[] = [];
  if (typeof condition !== "function") {
    const message = `is ${describeValue(condition)}; pass a function that is called to ask`;
    found.push({ path: "condition", message });
  }
  found.push(...problems);
  if (found.length > 0) throw new OptionsError("handle.deferUntil", found);
  const { pollIntervalMs = DEFAULT_POLL_INTERVAL_MS, maxWaitMs = 0, describe } = options;
  return { pollIntervalMs: Math.ceil(pollIntervalMs), maxWaitMs: Math.ceil(maxWaitMs), describe };
}

function milliseconds(value: unknown): string | null {
  if (typeof value === "number" && value >= 1 && value <= MAX_TIMER_MS) return null;
  return `is ${describeValue(value)}; allowed are 1 to ${MAX_TIMER_MS} milliseconds`;
}
