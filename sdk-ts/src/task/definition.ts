import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { ErrorRecord } from "../errors/error-record.js";
import type { ResolvedRule, RetryPolicy } from "../protocol/words.js";
import type { Context } from "./context.js";
import type { TaskHandle } from "./task-handle.js";

export type { ContextOperator, ResolvedRule, RetryBackoff, RetryCondition, RetryPolicy } from "../protocol/words.js";

/** Which execution of a task a callback is about. */
export interface TaskInfo {
  readonly namespace: string;
  readonly runId: string;
  readonly workflow: string;
  readonly workflowVersion: string;
  /** The same for all attempts of the task in the run. */
  readonly taskRunId: string;
  /** The counted execution, from 1. */
  readonly attempt: number;
  /** Earlier executions of this attempt that ended because a host was lost. */
  readonly recovery: number;
  /** Grows with every lease of the task in the run. */
  readonly fence: number;
  readonly leaseId: string;
}

/**
 * Called in the host after the scheduler has accepted the result, at most once. The context is what the task left, to be read:
 * changing it throws a ContextConsumedError. What the callback throws is logged and has no effect.
 */
export type OnSuccess = (taskId: string, context: Context, info: TaskInfo) => unknown;

/**
 * Called in the host whose failure was final, after the scheduler has said so, at most once. `${error}` is readable. For a timeout
 * the error is a `TaskTimeoutError`; code that does not heed `handle.signal` may then still run. What it throws is logged and has
 * no effect.
 */
export type OnFailure = (taskId: string, error: ErrorRecord, context: Context, info: TaskInfo) => unknown;

/** What follows from a failed attempt, and when. */
export interface RetryInfo extends TaskInfo {
  /** How long after the failure the next attempt begins, in milliseconds. */
  readonly delayMs: number;
  /** The number of the attempt that follows. */
  readonly nextAttempt: number;
}

/**
 * Called in the host whose failure is followed by another attempt, after the scheduler has said so, at most once for each
 * failure, a timeout included. What it throws is logged and has no effect.
 */
export type OnRetry = (taskId: string, error: ErrorRecord, context: Context, info: RetryInfo) => unknown;

/** A task of a built workflow: plain data, checked, and bound to its instance where it is a method. */
export interface ResolvedTask {
  /** Unique within the workflow. */
  readonly id: string;
  /** Ids of the tasks that must have ended before, in the order in which their contexts are folded. */
  readonly dependencies: readonly string[];
  /** Longest time that an attempt may hold a slot, in milliseconds; a deferral does not count. No limit when absent. */
  readonly timeoutMs?: number;
  /** What follows from a failed attempt. Absent when all of it is as by default: then the first failure is final. */
  readonly retry?: RetryPolicy;
  /** Decides, once all dependencies have ended, whether the task starts. Absent when all of them must have succeeded. */
  readonly triggerRule?: ResolvedRule;
  /** Whether `fn` is to be called with a handle. */
  readonly wantsHandle: boolean;
  /** The task's code. What it returns, or a promise of it, is interpreted by `resultToPatch`. */
  readonly fn: (context: Context, handle: TaskHandle | null) => unknown;
  readonly onSuccess?: OnSuccess;
  readonly onFailure?: OnFailure;
  readonly onRetry?: OnRetry;
}

/** A schema of the Standard Schema specification: zod, valibot, arktype and others make them. */
export type InputSchema<In = unknown, Out = object> = StandardSchemaV1<In, Out>;

/**
 * A built workflow: plain data, checked, frozen. The scheduler computes its version.
 *
 * `Input` is the type of what a run is started with; a `WorkflowDefinition` without it is any workflow.
 */
export interface WorkflowDefinition<Input extends object = object> {
  readonly name: string;
  /** Free text for people; empty when there is none. */
  readonly description: string;
  /** Free labels, shown to people and copied to each lease. */
  readonly tags: Readonly<Record<string, string>>;
  /** 1 to 20,000 tasks, in declared order. */
  readonly tasks: readonly ResolvedTask[];
  /** Checks and completes the input of a run, when there is one. */
  readonly input?: InputSchema<Input>;
}
