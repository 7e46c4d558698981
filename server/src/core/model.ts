/**
 * The words of the engine as plain, readonly data: definitions, runs, task runs, leases. Nothing here knows protobuf,
 * SQL or a clock. Times are milliseconds of the engine's clock (see `ports.ts`).
 */

import type { JsonValue } from "./json-value.js";

/** A task as it was registered. */
export interface TaskDefinition {
  readonly id: string;
  /** Ids, in the order in which their contexts are folded. */
  readonly dependencies: readonly string[];
  /** Longest slot-held time of an attempt in milliseconds; 0 means no limit. */
  readonly timeoutMs: number;
  /** Left out: no retries. */
  readonly retry?: RetryPolicy | undefined;
  /** Left out: every dependency must have succeeded. */
  readonly rule?: TriggerRule | undefined;
}

/** What follows from a failed attempt; see `retry.ts`. */
export interface RetryPolicy {
  /** Retries after the first failure. */
  readonly attempts: number;
  readonly backoff: "fixed" | "linear" | "exponential";
  /** In milliseconds. */
  readonly delayMs: number;
  /** No delay is longer, in milliseconds. */
  readonly maxDelayMs: number;
  readonly condition: "never" | "transient" | "all";
  readonly jitter: boolean;
}

/** Decides whether a task starts or is skipped; see `trigger-rule.ts`. */
export type TriggerRule =
  | { readonly kind: "all_success" | "always" }
  | { readonly kind: "all" | "any" | "none"; readonly rules: readonly TriggerRule[] }
  | { readonly kind: "succeeded" | "failed" | "skipped"; readonly task: string }
  | {
      readonly kind: "context_value";
      readonly key: string;
      readonly operator: ContextOperator;
      /** JSON text; empty for `exists` and `not_exists`. */
      readonly value: string;
    };

/** A rule whose tasks are indexes and whose values are parsed. */
export type CompiledRule =
  | { readonly kind: "all_success" | "always" }
  | { readonly kind: "all" | "any" | "none"; readonly rules: readonly CompiledRule[] }
  | { readonly kind: "succeeded" | "failed" | "skipped"; readonly task: number }
  | {
      readonly kind: "context_value";
      readonly key: string;
      readonly operator: ContextOperator;
      readonly value: JsonValue;
    };

export type ContextOperator =
  | "equals"
  | "not_equals"
  | "greater"
  | "less"
  | "contains"
  | "not_contains"
  | "exists"
  | "not_exists";

/** A workflow as it was registered. */
export interface WorkflowDefinition {
  readonly name: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  /** In declared order. */
  readonly tasks: readonly TaskDefinition[];
}

/** A task within a compiled graph; tasks are addressed by their index in declared order. */
export interface GraphTask {
  readonly id: string;
  readonly index: number;
  readonly dependencies: readonly number[];
  readonly dependents: readonly number[];
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  /** Null: every dependency must have succeeded. */
  readonly rule: CompiledRule | null;
  /** Tasks whose rules name the failure of this one: if one of them succeeds, the failure is handled. */
  readonly handlers: readonly number[];
}

/** A definition that was checked, with its edges resolved. */
export interface Graph {
  readonly definition: WorkflowDefinition;
  /** Hash of the canonical definition. */
  readonly version: string;
  readonly tasks: readonly GraphTask[];
  readonly indexOf: ReadonlyMap<string, number>;
  /** Tasks without dependencies. */
  readonly roots: readonly number[];
  /** Tasks without dependents, in declared order. */
  readonly leaves: readonly number[];
  /** Indexes so that each task comes after its dependencies. */
  readonly topological: readonly number[];
}

/** Key to JSON text. */
export type ContextText = Readonly<Record<string, string>>;

/** What a task did to its context. */
export interface Patch {
  readonly set: ContextText;
  readonly removed: readonly string[];
}

/** Why an attempt failed. */
export interface Failure {
  readonly code: string;
  readonly type: string;
  readonly message: string;
  readonly stack: string;
  /** For HOST_LOST: the executions whose hosts were lost, the oldest first. */
  readonly losses?: readonly HostLoss[] | undefined;
}

/** An execution that ended because its host was lost (P5). */
export interface HostLoss {
  readonly hostId: string;
  readonly sessionId: string;
  readonly leaseId: string;
  readonly attempt: number;
  readonly at: number;
  /** It held a slot: its code was running. */
  readonly slotHeld: boolean;
  /** How the host was lost, for people. */
  readonly reason: string;
}

export type RunStatus = "PENDING" | "RUNNING" | "PAUSED" | "SUCCEEDED" | "FAILED" | "CANCELLED";

export type TaskRunState =
  | "WAITING"
  | "READY"
  | "LEASED"
  | "DEFERRED"
  | "RECLAIMING"
  | "RETRYING"
  | "SUCCEEDED"
  | "FAILED"
  | "CANCELLED"
  | "SKIPPED";

export type CancelReason = "RUN_CANCELLED" | "RUN_TIMEOUT" | "TIMEOUT";

export type DeferralOutcome = "MET" | "MAX_WAIT";

/** One execution of a workflow. */
export interface Run {
  readonly id: string;
  readonly namespace: string;
  readonly workflow: string;
  readonly version: string;
  readonly status: RunStatus;
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly traceparent: string;
  /** Empty when the start was not idempotent. */
  readonly requestId: string;
  /** The initial context. */
  readonly input: ContextText;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** How long it may take from its start, or its last retry, in milliseconds; 0 means no limit. */
  readonly timeoutMs: number;
  /** When it is cancelled if it is not over. */
  readonly deadlineAt: number | null;
  /** Request id of its last retry; empty when there was none, or it had none. */
  readonly retriedBy: string;
  /** Why it failed, was cancelled or is paused, for people. */
  readonly reason: string;
  /** Task runs that have not ended. */
  readonly open: number;
  /** Task runs that have failed. */
  readonly failed: number;
  /** Last `event_seq` of its log. */
  readonly eventSeq: number;
}

/** A deferral of a lease; the task run's state says how far it is. */
export interface Deferral {
  /** 1, 2, … within the lease. */
  readonly n: number;
  readonly pollIntervalMs: number;
  /** 0 means no limit. */
  readonly maxWaitMs: number;
  readonly description: string;
  readonly deferredAt: number;
  readonly reclaimedAt: number | null;
  readonly outcome: DeferralOutcome | null;
}

/** The right to execute an attempt once. */
export interface Lease {
  /** See `lease-id.ts`. */
  readonly id: string;
  readonly sessionId: string;
  readonly hostId: string;
  /** The current deferral, or the last one; null before the first. */
  readonly deferral: Deferral | null;
  /** Since when it holds its slot; null while it holds none. */
  readonly slotSince: number | null;
}

/** A fenced lease whose code the host has not stopped yet (P3: ENDING). */
export interface EndingLease {
  readonly id: string;
  readonly sessionId: string;
  readonly hostId: string;
  readonly reason: CancelReason;
  readonly holdsSlot: boolean;
  /** For TIMEOUT: the attempt that follows; null when there is none. Left out for another reason: nothing can follow. */
  readonly retry?: PlannedRetry | null | undefined;
}

/** When, and as which attempt, a task run is executed again after a failure. */
export interface PlannedRetry {
  readonly at: number;
  readonly attempt: number;
}

/** How the last lease that ended was ended; makes the repetition of an outcome a DUPLICATE (P4). */
export interface LeaseOutcome {
  readonly leaseId: string;
  readonly sessionId: string;
  readonly kind: "complete" | "fail" | "decline";
  /** Digest of what was said. */
  readonly digest: string;
  /** Null when a failure was final, or it was no failure. */
  readonly retry: PlannedRetry | null;
}

export type SkipCause = "UPSTREAM_FAILED" | "RULE";

/** One task inside one run. */
export interface TaskRun {
  readonly runId: string;
  /** Index of the task in the graph. */
  readonly task: number;
  readonly state: TaskRunState;
  /** Dependencies that have not ended. */
  readonly remaining: number;
  /** Counted execution, 0 before the first. */
  readonly attempt: number;
  /** Attempts before the run was last retried: the policy counts from there. */
  readonly attemptsBefore: number;
  /** When the next attempt begins, while RETRYING. */
  readonly retryAt: number | null;
  /** Executions of this attempt that ended because a host was lost. */
  readonly recovery: number;
  /** Losses while a slot was held, and while deferred (P5). */
  readonly lossesHeld: number;
  readonly lossesDeferred: number;
  /** The last of them, the oldest first. */
  readonly losses: readonly HostLoss[];
  /** Grows with every lease. */
  readonly fence: number;
  readonly lease: Lease | null;
  readonly ending: readonly EndingLease[];
  readonly outcome: LeaseOutcome | null;
  /** Sessions that declined it and never get it again. */
  readonly declinedBy: readonly string[];
  /** What was committed before the end; later executions start from there. */
  readonly checkpoint: Patch | null;
  /** What was committed at the end, the checkpoint included. */
  readonly patch: Patch | null;
  readonly failure: Failure | null;
  readonly skip: SkipCause | null;
  /** Name of the host that holds or last held it. */
  readonly hostId: string;
  /** Slot-held time of this attempt before `lease.slotSince`, in milliseconds. */
  readonly slotHeldMs: number;
  readonly readyAt: number | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

export type RunEventType =
  | "RUN_STARTED"
  | "RUN_SUCCEEDED"
  | "RUN_FAILED"
  | "RUN_CANCELLED"
  | "RUN_PAUSED"
  | "RUN_RESUMED"
  | "RUN_RETRIED"
  | "TASK_READY"
  | "TASK_LEASED"
  | "TASK_DEFERRED"
  | "TASK_RECLAIMING"
  | "TASK_RESUMED"
  | "TASK_CHECKPOINTED"
  | "TASK_SUCCEEDED"
  | "TASK_FAILED"
  | "TASK_CANCELLED"
  | "TASK_SKIPPED"
  | "TASK_DECLINED"
  | "TASK_LOST"
  | "TASK_RETRYING"
  | "TASK_RESET"
  | "LEASE_ENDED";

/** One entry of a run's event log. Fields that do not apply are left out or undefined. */
export interface RunEvent {
  /** Dense within the run, from 1. */
  readonly seq: number;
  readonly at: number;
  readonly type: RunEventType;
  readonly task?: number | undefined;
  readonly leaseId?: string | undefined;
  readonly hostId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly attempt?: number | undefined;
  readonly recovery?: number | undefined;
  /** Change of the host's held slots. */
  readonly slotDelta?: number | undefined;
  /** Slots that the session offered when it took this one. */
  readonly slots?: number | undefined;
  readonly deferral?: number | undefined;
  readonly reason?: string | undefined;
  readonly failure?: Failure | undefined;
  readonly retryAt?: number | undefined;
}

/** One problem of an input, with its place. */
export interface Problem {
  /** For example `tasks[3].dependencies[1]`. */
  readonly field: string;
  /** What was found and what is allowed. */
  readonly description: string;
}
