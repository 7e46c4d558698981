/** What an audit finds: where the log breaks a rule of the books, and what would be right. */

/** Kinds of breaches. Stable: scripts read them. */
export type BreachKind =
  /** Numbers of a run's events are dense, from 1. */
  | "EVENT_SEQ"
  /** An event is not possible where its task run, or its run, stands. */
  | "TRANSITION"
  /** What is said of a lease is said of the current one. */
  | "STALE_LEASE"
  /** A lease has one accepted outcome. */
  | "SECOND_OUTCOME"
  /** The fence of a task run grows with each lease, and a lease's id says whose it is. */
  | "FENCE"
  /** A lease holds one slot, or none, as its state says. */
  | "LEASE_SLOTS"
  /** A session that is given a slot holds no more than it offers. */
  | "SESSION_SLOTS"
  /** A lease stays with one session, and does not go to one that has declined it. */
  | "SESSION"
  /** Attempts are counted by retries alone, and the policy bounds them. */
  | "ATTEMPT"
  /** Recoveries are counted by losses of hosts alone. */
  | "RECOVERY"
  /** Deferrals of a lease are numbered 1, 2, … */
  | "DEFERRAL"
  /** A retry does not begin before its time. */
  | "RETRY_TIME"
  /** Slots go to the reclaims of a session in their order. */
  | "RECLAIM_ORDER"
  /** A task starts, or is skipped, when its dependencies have ended as it needs. */
  | "DEPENDENCY"
  /** The status of a run follows from its tasks. */
  | "RUN_STATUS"
  /** The log and what the store says now are the same. */
  | "BOOKS";

/** What is wrong with one event, without its place. */
export interface Finding {
  readonly kind: BreachKind;
  readonly found: string;
  readonly right: string;
}

export interface Breach extends Finding {
  readonly namespace: string;
  /** Empty when it is not about a run. */
  readonly runId: string;
  /** Number of the event within the run; 0 when it is not about one. */
  readonly eventSeq: number;
  /** Time of the event, in milliseconds; 0 when it is not about one. */
  readonly at: number;
  /** Id of the task; empty when it is not about one. */
  readonly task: string;
  readonly leaseId: string;
  readonly sessionId: string;
}
