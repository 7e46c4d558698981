/** What a host and its scheduler say to each other, in words of the SDK. Protobuf stays within this folder. */

/** Keys that a task set, as JSON text, and those that it removed. */
export interface Patch {
  readonly set: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
}

export interface Failure {
  readonly code: string;
  readonly type: string;
  readonly message: string;
  readonly stack: string;
}

/** How the delay before a retry grows. */
export type RetryBackoff = "fixed" | "linear" | "exponential";

/** Which failures are retried. */
export type RetryCondition = "never" | "transient" | "all";

/** What follows from a failed attempt. */
export interface RetryPolicy {
  /** Retries after the first failure: 0 to 1,000. */
  readonly attempts: number;
  readonly backoff: RetryBackoff;
  /** Delay before the first retry, in milliseconds. */
  readonly delayMs: number;
  /** No delay is longer, in milliseconds. */
  readonly maxDelayMs: number;
  readonly condition: RetryCondition;
  /** Whether delays vary at random. */
  readonly jitter: boolean;
}

/** How a rule compares a value of the context. */
export const CONTEXT_OPERATORS = [
  "equals",
  "not_equals",
  "greater",
  "less",
  "contains",
  "not_contains",
  "exists",
  "not_exists",
] as const;

/** How a rule compares a value of the context. */
export type ContextOperator = (typeof CONTEXT_OPERATORS)[number];

/** A trigger rule of a built workflow: ids for tasks, JSON text for values. */
export type ResolvedRule =
  | { readonly kind: "all_success" | "always" }
  | { readonly kind: "all" | "any" | "none"; readonly rules: readonly ResolvedRule[] }
  | { readonly kind: "succeeded" | "failed" | "skipped"; readonly task: string }
  | {
      readonly kind: "context_value";
      readonly key: string;
      readonly operator: ContextOperator;
      /** JSON text; empty for `exists` and `not_exists`. */
      readonly value: string;
    };

/** A workflow as it is registered. */
export interface WireWorkflow {
  readonly name: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly tasks: readonly WireTask[];
}

export interface WireTask {
  readonly id: string;
  readonly dependencies: readonly string[];
  readonly timeoutMs?: number;
  /** What is not there is as by default. */
  readonly retry?: Partial<RetryPolicy>;
  readonly triggerRule?: ResolvedRule;
}

export interface Implementation {
  readonly workflow: string;
  /** Empty means every task of the definition that comes with it. */
  readonly tasks: readonly string[];
  readonly anyVersion: boolean;
}

/** What a host brings. */
export interface Offer {
  readonly definitions: readonly WireWorkflow[];
  readonly implementations: readonly Implementation[];
}

export type LeaseState = "HELD" | "DEFERRING" | "DEFERRED" | "RECLAIMING" | "FINISHED" | "ENDING" | "REVOKED";

export interface HeldLease {
  readonly leaseId: string;
  readonly state: LeaseState;
  readonly deferral: number;
}

export interface Hello extends Offer {
  readonly namespace: string;
  readonly hostId: string;
  readonly instanceId: string;
  readonly resumeToken: string;
  readonly buildId: string;
  readonly slots: number;
  readonly maxLeases: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly held: readonly HeldLease[];
}

/** Events that get a receipt. */
export type HostSays =
  | { readonly type: "complete"; readonly leaseId: string; readonly patch: Patch }
  | {
      readonly type: "fail";
      readonly leaseId: string;
      readonly failure: Failure;
      /** It is of a kind that passes by itself. */
      readonly transient: boolean;
      /** Another attempt would end the same. */
      readonly final: boolean;
      /** When to try again, in milliseconds, where the error said so. */
      readonly nextDelayMs?: number;
    }
  | {
      readonly type: "defer";
      readonly leaseId: string;
      readonly n: number;
      readonly pollIntervalMs: number;
      readonly maxWaitMs: number;
      readonly description: string;
      readonly patch: Patch;
    }
  | { readonly type: "reclaim"; readonly leaseId: string; readonly n: number }
  | { readonly type: "checkpoint"; readonly leaseId: string; readonly patch: Patch }
  | { readonly type: "stopped"; readonly leaseId: string }
  | { readonly type: "decline"; readonly leaseId: string; readonly patch: Patch; readonly reason: string }
  | { readonly type: "register"; readonly offer: Offer }
  | { readonly type: "drain"; readonly reason: string };

export interface NumberedEvent {
  readonly seq: number;
  readonly event: HostSays;
}

export interface Limits {
  readonly maxMessageBytes: number;
  readonly maxPatchBytes: number;
  readonly maxFailureBytes: number;
}

export type CancelReason = "RUN_CANCELLED" | "TIMEOUT" | "RUN_TIMEOUT" | "UNSPECIFIED";

/** The attempt that follows on one that has failed. */
export interface NextAttempt {
  /** How long after the failure it begins, in milliseconds. */
  readonly delayMs: number;
  /** Its number. */
  readonly nextAttempt: number;
}

/** That a lease is fenced, and why (P3). */
export interface Fencing {
  readonly reason: CancelReason;
  /** For people. */
  readonly detail: string;
  /** For TIMEOUT: the attempt that follows, null when the failure is final. Absent where the scheduler does not say. */
  readonly next?: NextAttempt | null;
}

export interface Verdict {
  readonly leaseId: string;
  readonly state: LeaseState;
  readonly deferral: number;
  readonly outcome: "MET" | "MAX_WAIT" | null;
  /** For ENDING. */
  readonly fencing: Fencing;
}

/** A workflow that the scheduler has registered, and the version that it computed (P13). */
export interface RegisteredWorkflow {
  readonly name: string;
  readonly version: string;
}

export interface Welcome {
  readonly sessionId: string;
  readonly resumeToken: string;
  readonly generation: number;
  readonly resumed: boolean;
  readonly ttlMs: number;
  readonly heartbeatIntervalMs: number;
  readonly limits: Limits;
  readonly verdicts: readonly Verdict[];
  /** One for each definition of `Hello`, in order. */
  readonly workflows: readonly RegisteredWorkflow[];
}

export interface Lease {
  readonly leaseId: string;
  readonly namespace: string;
  readonly runId: string;
  readonly workflow: string;
  readonly workflowVersion: string;
  readonly task: string;
  readonly taskRunId: string;
  readonly attempt: number;
  readonly recovery: number;
  readonly fence: number;
  readonly input: Readonly<Record<string, string>>;
  readonly checkpoint: Patch;
}

export type ReceiptResult = "APPLIED" | "DUPLICATE" | "CONFLICT" | "STALE" | "REJECTED" | "UNSPECIFIED";

export interface Receipt {
  readonly seq: number;
  readonly result: ReceiptResult;
  readonly code: string;
  readonly message: string;
  /** For `fail`, and for what the scheduler made one of: whether the task run has failed for good. */
  readonly isFinalFailure: boolean;
  /** For the same, when another attempt follows. */
  readonly retry?: NextAttempt;
}

export type SchedulerSays =
  | { readonly type: "welcome"; readonly welcome: Welcome }
  | { readonly type: "lease"; readonly lease: Lease }
  | { readonly type: "deferred"; readonly leaseId: string; readonly n: number }
  | { readonly type: "granted"; readonly leaseId: string; readonly n: number; readonly outcome: "MET" | "MAX_WAIT" }
  | ({ readonly type: "cancel"; readonly leaseId: string } & Fencing)
  | { readonly type: "revoked"; readonly leaseId: string; readonly detail: string }
  | { readonly type: "receipts"; readonly upTo: number; readonly exceptions: readonly Receipt[] }
  | { readonly type: "heartbeat_ack"; readonly nonce: number }
  | { readonly type: "registered"; readonly seq: number; readonly workflows: readonly RegisteredWorkflow[] }
  | {
      readonly type: "drain";
      readonly graceMs: number;
      readonly reason: string;
      readonly reconnect: boolean;
      readonly address: string;
      readonly reconnectAfterMs: number;
    };
