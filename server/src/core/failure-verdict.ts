import type { PlannedRetry } from "./model.js";

/** What a host is told about a failure: whether the task run has failed for good, or else when it is executed again (P4, P9). */
export type FailureVerdict =
  | { readonly final: true }
  | { readonly final: false; readonly retryInMs: number; readonly nextAttempt: number };

/** The verdict from what is kept of it. Said again later it tells what is left of the delay. */
export function failureVerdict(retry: PlannedRetry | null, now: number): FailureVerdict {
  if (retry === null) return { final: true };
  return { final: false, retryInMs: Math.max(0, Math.ceil(retry.at - now)), nextAttempt: retry.attempt };
}
