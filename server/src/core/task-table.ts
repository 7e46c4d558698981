/**
 * The life of a task run as one table of states and inputs:
 *
 *   WAITING → READY → LEASED ⇄ DEFERRED → RECLAIMING → LEASED → SUCCEEDED | FAILED | CANCELLED | SKIPPED
 *                      LEASED, DEFERRED, RECLAIMING → RETRYING → READY
 *
 * `task-machine.ts` applies it.
 */
import type { CancelReason, DeferralOutcome, Failure, Patch, RunEventType, SkipCause, TaskRunState } from "./model.js";

export type TaskInput =
  /** Its dependencies succeeded. */
  | { readonly type: "ready" }
  | { readonly type: "skip"; readonly cause: SkipCause }
  /** P10: its merged input is over the limit. */
  | { readonly type: "refuse"; readonly failure: Failure }
  /** `slots` is what the session offers: the log keeps it with each slot that is taken, so that it can be checked. */
  | {
      readonly type: "lease";
      readonly sessionId: string;
      readonly hostId: string;
      readonly slots?: number | undefined;
    }
  | {
      readonly type: "defer";
      readonly n: number;
      readonly pollIntervalMs: number;
      readonly maxWaitMs: number;
      readonly description: string;
      readonly patch: Patch | null;
    }
  | { readonly type: "reclaim"; readonly outcome: DeferralOutcome }
  /** A slot for a reclaim. */
  | { readonly type: "grant"; readonly slots?: number | undefined }
  | { readonly type: "checkpoint"; readonly patch: Patch }
  | { readonly type: "complete"; readonly patch: Patch | null; readonly digest: string }
  /** `retryAt` is when the next attempt begins; null when the failure is final. */
  | { readonly type: "fail"; readonly failure: Failure; readonly digest: string; readonly retryAt: number | null }
  | { readonly type: "timeout"; readonly failure: Failure; readonly retryAt: number | null }
  /** The delay before the next attempt is over. */
  | { readonly type: "retry" }
  /** The run is retried: the task run begins anew, with `remaining` dependencies that have not ended. */
  | { readonly type: "reset"; readonly remaining: number }
  | { readonly type: "decline"; readonly patch: Patch | null; readonly reason: string; readonly digest: string }
  /** P5: the session that held the lease is gone. `failure` ends the task run instead of another recovery. */
  | { readonly type: "lose"; readonly reason: string; readonly failure: Failure | null }
  | { readonly type: "cancel"; readonly reason: CancelReason; readonly detail: string };

export type TaskInputType = TaskInput["type"];

/** What an input does in a state. */
export interface Transition {
  /** The state after it; several where the input decides. */
  readonly to: readonly TaskRunState[];
  readonly event: RunEventType;
  /** Change of the session's held slots. */
  readonly slot: -1 | 0 | 1;
  /** Whether the lease is fenced and stays as ENDING until its host has stopped the code (P3). */
  readonly fences?: true;
}

const CANCEL_IDLE: Transition = { to: ["CANCELLED"], event: "TASK_CANCELLED", slot: 0 };
const CANCEL_LEASED: Transition = { to: ["CANCELLED"], event: "TASK_CANCELLED", slot: 0, fences: true };
const REFUSE: Transition = { to: ["FAILED"], event: "TASK_FAILED", slot: 0 };
const FAIL_WITHOUT_SLOT: Transition = { to: ["RETRYING", "FAILED"], event: "TASK_FAILED", slot: 0 };
const RESET: Transition = { to: ["WAITING"], event: "TASK_RESET", slot: 0 };
const DECLINE_WITHOUT_SLOT: Transition = { to: ["READY"], event: "TASK_DECLINED", slot: 0 };
const LOSE_WITHOUT_SLOT: Transition = { to: ["READY", "FAILED"], event: "TASK_LOST", slot: 0 };

/** The table. An input that a state does not list is not allowed there. */
export const TRANSITIONS: Readonly<Record<TaskRunState, Readonly<Partial<Record<TaskInputType, Transition>>>>> = {
  WAITING: {
    ready: { to: ["READY"], event: "TASK_READY", slot: 0 },
    skip: { to: ["SKIPPED"], event: "TASK_SKIPPED", slot: 0 },
    refuse: REFUSE,
    cancel: CANCEL_IDLE,
  },
  READY: {
    lease: { to: ["LEASED"], event: "TASK_LEASED", slot: 1 },
    refuse: REFUSE,
    cancel: CANCEL_IDLE,
  },
  LEASED: {
    defer: { to: ["DEFERRED"], event: "TASK_DEFERRED", slot: -1 },
    checkpoint: { to: ["LEASED"], event: "TASK_CHECKPOINTED", slot: 0 },
    complete: { to: ["SUCCEEDED"], event: "TASK_SUCCEEDED", slot: -1 },
    fail: { to: ["RETRYING", "FAILED"], event: "TASK_FAILED", slot: -1 },
    timeout: { to: ["RETRYING", "FAILED"], event: "TASK_FAILED", slot: 0, fences: true },
    decline: { to: ["READY"], event: "TASK_DECLINED", slot: -1 },
    lose: { to: ["READY", "FAILED"], event: "TASK_LOST", slot: -1 },
    cancel: CANCEL_LEASED,
  },
  DEFERRED: {
    reclaim: { to: ["RECLAIMING"], event: "TASK_RECLAIMING", slot: 0 },
    checkpoint: { to: ["DEFERRED"], event: "TASK_CHECKPOINTED", slot: 0 },
    fail: FAIL_WITHOUT_SLOT,
    decline: DECLINE_WITHOUT_SLOT,
    lose: LOSE_WITHOUT_SLOT,
    cancel: CANCEL_LEASED,
  },
  RECLAIMING: {
    grant: { to: ["LEASED"], event: "TASK_RESUMED", slot: 1 },
    checkpoint: { to: ["RECLAIMING"], event: "TASK_CHECKPOINTED", slot: 0 },
    fail: FAIL_WITHOUT_SLOT,
    decline: DECLINE_WITHOUT_SLOT,
    lose: LOSE_WITHOUT_SLOT,
    cancel: CANCEL_LEASED,
  },
  RETRYING: {
    retry: { to: ["READY"], event: "TASK_READY", slot: 0 },
    cancel: CANCEL_IDLE,
  },
  SUCCEEDED: { reset: RESET },
  FAILED: { reset: RESET },
  CANCELLED: {},
  SKIPPED: { reset: RESET },
};
