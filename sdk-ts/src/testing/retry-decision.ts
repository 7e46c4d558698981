/** What a scheduler would decide about a failed attempt, said without one: the rules of the policy, the jitter as bounds. */
import type { FailureClass } from "../errors/failure-class.js";
import type { RetryPolicy } from "../task/definition.js";
import { DEFAULT_RETRY } from "../task/retry-options.js";

/** What follows from a failed attempt. */
export type RetryDecision =
  | {
      readonly isRetried: true;
      readonly nextAttempt: number;
      /** The delay before it lies within these, in milliseconds; where it does not vary they are the same. */
      readonly leastDelayMs: number;
      readonly mostDelayMs: number;
    }
  | {
      readonly isRetried: false;
      /** Why the failure is final, in a sentence. */
      readonly reason: string;
    };

/** @param attempt the attempt that failed, from 1 */
export function retryDecision(
  policy: RetryPolicy = DEFAULT_RETRY,
  attempt: number,
  failure: FailureClass,
): RetryDecision {
  const reason = whyFinal(policy, attempt, failure);
  if (reason !== null) return { isRetried: false, reason };
  const { maxDelayMs, jitter } = policy;
  const nextAttempt = attempt + 1;
  const asked = failure.nextDelayMs;
  const plain = asked ?? plainDelay(policy, attempt);
  const delay = Math.min(plain, maxDelayMs);
  if (!jitter || asked !== undefined) {
    return { isRetried: true, nextAttempt, leastDelayMs: delay, mostDelayMs: delay };
  }
  const most = plain >= maxDelayMs ? delay : Math.min(Math.round(delay * 1.25), maxDelayMs);
  return { isRetried: true, nextAttempt, leastDelayMs: Math.round(delay * 0.75), mostDelayMs: most };
}

function whyFinal({ attempts, condition }: RetryPolicy, attempt: number, failure: FailureClass): string | null {
  if (failure.isFinal) return "another attempt would end the same";
  if (attempt > attempts) return `retryAttempts is ${attempts}, and attempt ${attempt} has failed`;
  if (condition === "never") return "retryCondition is never";
  if (condition === "transient" && !failure.isTransient)
    return "retryCondition is transient, and the failure is of no kind that passes by itself";
  return null;
}

function plainDelay({ backoff, delayMs }: RetryPolicy, attempt: number): number {
  switch (backoff) {
    case "fixed":
      return delayMs;
    case "linear":
      return delayMs * attempt;
    case "exponential":
      return delayMs * 2 ** (attempt - 1);
  }
}
