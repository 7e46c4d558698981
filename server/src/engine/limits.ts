import type { DecisionLimits } from "../core/run-draft.js";

/** Limits and timings of a scheduler. All sizes in bytes, all times in milliseconds. */
export interface EngineLimits extends DecisionLimits {
  /** Largest message in either direction. */
  readonly maxMessageBytes: number;
  readonly maxTasks: number;
  /** TTL of a session that asks for none, and the bounds for those that ask. */
  readonly sessionTtlMs: number;
  readonly minSessionTtlMs: number;
  readonly maxSessionTtlMs: number;
  /** How long a connection may stay without `Hello`. */
  readonly helloTimeoutMs: number;
  /** P8: reclaims in a row before one new lease. */
  readonly reclaimsInARow: number;
  /** Most new leases and grants in one turn. */
  readonly grantsPerTurn: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: EngineLimits = {
  // Other languages' gRPC refuses larger messages by default.
  maxMessageBytes: 4 * MIB,
  maxPatchBytes: MIB,
  maxContextBytes: 2 * MIB,
  maxFailureBytes: 16 * 1024,
  maxLossesHeld: 3,
  maxLossesDeferred: 30,
  maxTasks: 20_000,
  sessionTtlMs: 15_000,
  minSessionTtlMs: 1_000,
  maxSessionTtlMs: 3_600_000,
  helloTimeoutMs: 10_000,
  reclaimsInARow: 8,
  grantsPerTurn: 2_000,
};

/** A host shows life three times within its TTL. */
const BEATS_PER_TTL = 3;

/** P1: who has missed two heartbeats may lose its host_id to another instance. As a part of its TTL. */
export const TAKEOVER_AFTER_TTL = 2 / BEATS_PER_TTL;

export function heartbeatIntervalMs(ttlMs: number): number {
  return Math.max(100, Math.floor(ttlMs / BEATS_PER_TTL));
}
