/** What follows from a failed attempt (engine.md, Retries). Pure: the jitter's randomness comes in as a number. */
import type { RetryPolicy } from "./model.js";

/** What a task that names no policy has. */
export const NO_RETRIES: RetryPolicy = {
  attempts: 0,
  backoff: "exponential",
  delayMs: 1_000,
  maxDelayMs: 60_000,
  condition: "all",
  jitter: true,
};

/** Most retries that a policy may name. */
export const MAX_RETRY_ATTEMPTS = 1_000;

/** What a host says about a failure, besides the failure. */
export interface FailureKind {
  /** Of a kind that passes by itself. */
  readonly transient: boolean;
  /** Not to be executed again, whatever the policy says. */
  readonly final: boolean;
  /** The delay that the host asks for; null when it leaves it to the policy. */
  readonly nextDelayMs: number | null;
}

/**
 * The delay before the next attempt in milliseconds, or null when the failure is final.
 *
 * @param failures failed attempts so far, this one included: 1, 2, …
 * @param uniform a number in [0, 1) that the jitter takes
 */
export function retryDelay(policy: RetryPolicy, failures: number, kind: FailureKind, uniform: number): number | null {
  if (kind.final || failures > policy.attempts) return null;
  if (policy.condition === "never" || (policy.condition === "transient" && !kind.transient)) return null;
  if (kind.nextDelayMs !== null) return Math.min(kind.nextDelayMs, policy.maxDelayMs);
  return backoffDelay(policy, failures, uniform);
}

/** The policy's own delay after failure n, with jitter. Never over the cap. */
export function backoffDelay(policy: RetryPolicy, n: number, uniform: number): number {
  const { maxDelayMs } = policy;
  const plain = plainDelay(policy, n);
  const capped = Math.min(plain, maxDelayMs);
  if (!policy.jitter) return capped;
  const factor = plain >= maxDelayMs ? 0.75 + uniform * 0.25 : 0.75 + uniform * 0.5;
  return Math.min(Math.round(capped * factor), maxDelayMs);
}

function plainDelay({ backoff, delayMs }: RetryPolicy, n: number): number {
  switch (backoff) {
    case "fixed":
      return delayMs;
    case "linear":
      return delayMs * n;
    case "exponential":
      return delayMs * 2 ** (n - 1);
  }
}

/**
 * A number in [0, 1) that a text decides: the same lease always gets the same jitter, and leases of one moment spread,
 * since their run ids are random. FNV-1a, with the finishing steps of MurmurHash3.
 */
export function uniformOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
