import { MAX_TIMER_MS } from "../protocol/number-limits.js";
import type { RetryBackoff, RetryCondition, RetryPolicy } from "./definition.js";
import { type Option, oneOf, wholeNumber } from "./option-table.js";

/** Most retries of a task. */
export const MAX_RETRY_ATTEMPTS = 1000;

/** What follows from a failure of a task that says nothing about it. */
export const DEFAULT_RETRY: RetryPolicy = Object.freeze({
  attempts: 0,
  backoff: "exponential",
  delayMs: 1000,
  maxDelayMs: 60_000,
  condition: "all",
  jitter: true,
});

/**
 * What follows from a failed attempt. The scheduler executes it, so that it survives the end of this process, and of the
 * scheduler itself.
 */
export interface RetryOptions {
  /** Retries after the first failure: 0 to 1,000. By default 0: the first failure is final. */
  readonly retryAttempts?: number | undefined;
  /**
   * How the delay d grows: before retry n it is d (`fixed`), d · n (`linear`) or d · 2^(n−1) (`exponential`, the default).
   */
  readonly retryBackoff?: RetryBackoff | undefined;
  /** The delay d before the first retry, in milliseconds: 0 to 2,147,483,647. By default 1,000. */
  readonly retryDelayMs?: number | undefined;
  /** No delay is longer, in milliseconds: 0 to 2,147,483,647. By default 60,000. */
  readonly retryMaxDelayMs?: number | undefined;
  /**
   * Which failures are retried: all of them (`all`, the default), those for which `isTransient` holds and timeouts
   * (`transient`), or none (`never`). A `PermanentError` is never retried.
   */
  readonly retryCondition?: RetryCondition | undefined;
  /**
   * Whether a delay is multiplied by a random value from 0.75 to 1.25, so that what failed together does not come back
   * together; from 0.75 to 1 where it is at `retryMaxDelayMs` already. True by default.
   */
  readonly retryJitter?: boolean | undefined;
}

const MILLISECONDS = wholeNumber(0, MAX_TIMER_MS, " milliseconds");

/** The options about retries, and what each is for. */
export const RETRY_OPTIONS: readonly (Option & { readonly name: keyof RetryOptions; readonly doc: string })[] = [
  { name: "retryAttempts", check: wholeNumber(0, MAX_RETRY_ATTEMPTS), doc: "retries after the first failure" },
  { name: "retryBackoff", ...oneOf("fixed", "linear", "exponential"), doc: "how the delay grows" },
  { name: "retryDelayMs", check: MILLISECONDS, doc: "delay before the first retry, in milliseconds" },
  { name: "retryMaxDelayMs", check: MILLISECONDS, doc: "longest delay, in milliseconds" },
  { name: "retryCondition", ...oneOf("never", "transient", "all"), doc: "which failures are retried" },
  { name: "retryJitter", ...oneOf(true, false), doc: "whether delays vary at random" },
];

/** The policy that these options make; undefined when it is the default in all. */
export function retryPolicy(options: RetryOptions): RetryPolicy | undefined {
  const policy: RetryPolicy = {
    attempts: options.retryAttempts ?? DEFAULT_RETRY.attempts,
    backoff: options.retryBackoff ?? DEFAULT_RETRY.backoff,
    delayMs: options.retryDelayMs ?? DEFAULT_RETRY.delayMs,
    maxDelayMs: options.retryMaxDelayMs ?? DEFAULT_RETRY.maxDelayMs,
    condition: options.retryCondition ?? DEFAULT_RETRY.condition,
    jitter: options.retryJitter ?? DEFAULT_RETRY.jitter,
  };
  return Object.keys(changesOf(policy)).length === 0 ? undefined : Object.freeze(policy);
}

/** What of a policy is not as it is by default: nothing else travels, and counts for the version of the workflow. */
export function changesOf(policy: RetryPolicy): Partial<RetryPolicy> {
  const defaults = new Map<string, unknown>(Object.entries(DEFAULT_RETRY));
  return Object.fromEntries(Object.entries(policy).filter(([name, value]) => defaults.get(name) !== value));
}
