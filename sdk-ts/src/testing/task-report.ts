import type { Context } from "../task/context.js";
import type { OpenValues } from "../task/context-types.js";
import type { RetryDecision } from "./retry-decision.js";
import type { CallbackReport, DeferralReport } from "./task-record.js";

/** What a task did to its context. */
export interface PatchReport {
  /** Keys that it set, with their values. */
  readonly set: Readonly<Record<string, unknown>>;
  /** Keys that it removed. */
  readonly removed: readonly string[];
}

/** What was committed before the task ended, at a `checkpoint` or with a deferral. */
export interface CheckpointReport extends PatchReport {
  /** Virtual time since the beginning, in milliseconds. */
  readonly atMs: number;
  readonly by: "checkpoint" | "deferUntil";
}

/** Why an execution failed, and what a scheduler would decide about it. */
export interface FailureReport {
  /** Code of the error, `TASK_FAILED` where it has none. */
  readonly code: string;
  /** Name of the error's type. */
  readonly type: string;
  readonly message: string;
  /** It is of a kind that passes by itself. */
  readonly isTransient: boolean;
  /** Another attempt would end the same. */
  readonly isFinal: boolean;
  /** What the task threw, itself. */
  readonly error: unknown;
  /** What the task's retry policy says: another attempt, and after which delay, or why there is none. */
  readonly retry: RetryDecision;
}

/** What one execution of a task did. Times are virtual, in milliseconds. */
export interface TaskReport<Out = OpenValues> {
  /** `RETRYING`: it failed, and another attempt would follow. */
  readonly status: "SUCCEEDED" | "RETRYING" | "FAILED" | "CANCELLED";
  /** The context as the task left it; of one that failed, with what it had set by then and not committed. */
  readonly context: Context<Out>;
  /** What was committed: all that the task did when it succeeded, its checkpoints when it did not. */
  readonly patch: PatchReport;
  /** Null when it did not fail. */
  readonly failure: FailureReport | null;
  readonly attempt: number;
  /** Its deferrals, in their order. */
  readonly deferrals: readonly DeferralReport[];
  readonly checkpoints: readonly CheckpointReport[];
  /** The callbacks that were called. */
  readonly callbacks: readonly CallbackReport[];
  /** How long it held its slot: all the time but that of its deferrals. */
  readonly slotHeldMs: number;
  /** How long it took. */
  readonly durationMs: number;
}
