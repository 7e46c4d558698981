/** Runs, task runs and events: from protobuf to words of the SDK. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type HostLoss,
  type Run,
  type RunEvent,
  RunEventType,
  RunStatus,
  SkipCause,
  type TaskRun,
  TaskRunState,
  type Failure as WireFailure,
} from "@cloaca/protocol";
import type { HostLossInfo } from "../errors/host-loss-info.js";
import type { Failure } from "./words.js";

/** Status of a run. `UNSPECIFIED` is one that this SDK does not know: the scheduler is newer. */
export type RunStatusName = Exclude<keyof typeof RunStatus, number>;

/** State of a task run. `UNSPECIFIED` is one that this SDK does not know: the scheduler is newer. */
export type TaskRunStateName = Exclude<keyof typeof TaskRunState, number>;

/** What happened to a run or a task run. */
export type RunEventName = Exclude<keyof typeof RunEventType, number>;

/** Why a task was skipped: a rule did not hold, or a task before it failed. */
export type SkipCauseName = Exclude<keyof typeof SkipCause, number | "UNSPECIFIED">;

export interface RunInfo {
  readonly namespace: string;
  readonly runId: string;
  readonly workflow: string;
  readonly workflowVersion: string;
  readonly status: RunStatusName;
  /** Higher goes first. */
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  /** When its first task was leased. */
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** When it is cancelled if it is not over; null without a `timeoutMs`. */
  readonly deadlineAt: Date | null;
  /** Why it failed or was cancelled, for people. */
  readonly reason: string;
  /** The final context, key to JSON text; empty while the run goes on, and in lists. */
  readonly contextText: Readonly<Record<string, string>>;
  /** Number of tasks in each state; empty in lists. */
  readonly taskCounts: Readonly<Record<string, number>>;
}

/** Why a task failed. */
export interface TaskFailureInfo extends Failure {
  /** With code `HOST_LOST` alone: the executions whose hosts were lost, the oldest first. */
  readonly hostLosses?: readonly HostLossInfo[];
}

export interface TaskRunInfo {
  readonly task: string;
  readonly state: TaskRunStateName;
  /** Counted execution, from 1. 0 before the first. */
  readonly attempt: number;
  /** Executions of the same attempt that were needed because a host was lost. */
  readonly recovery: number;
  /** Grows with every lease. */
  readonly fence: number;
  readonly leaseId: string;
  /** The host that holds, or last held, the lease. */
  readonly hostId: string;
  /** Number of the current or last deferral within the lease. */
  readonly deferral: number;
  /** What the deferral waits for, in the task author's words. */
  readonly waitingFor: string;
  /** Why it failed. */
  readonly failure: TaskFailureInfo | null;
  /** Executions whose hosts were lost, the oldest first: a task that has some may be what kills its hosts. */
  readonly hostLosses: readonly HostLossInfo[];
  /** Why it waits or was skipped, for people. */
  readonly reason: string;
  readonly readyAt: Date | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** Time that the current or last attempt has held a slot so far, in milliseconds. */
  readonly slotHeldMs: number;
  /** When the next attempt begins; only while RETRYING. */
  readonly retryAt: Date | null;
  /** Why it was skipped; only when SKIPPED. */
  readonly skipCause: SkipCauseName | null;
}

export interface RunEventInfo {
  readonly runId: string;
  readonly workflow: string;
  /** Position in the run's log: 1, 2, … without gaps. */
  readonly eventSeq: number;
  readonly at: Date;
  readonly type: RunEventName;
  readonly task: string;
  readonly leaseId: string;
  readonly hostId: string;
  readonly attempt: number;
  readonly recovery: number;
  /** Change of the host's held slots. */
  readonly slotDelta: number;
  readonly deferral: number;
  readonly reason: string;
  readonly failure: TaskFailureInfo | null;
  /** When the next attempt begins; only for TASK_RETRYING. */
  readonly retryAt: Date | null;
  readonly sessionId: string;
  /** Slots that the session offered when it took this one; only for TASK_LEASED and TASK_RESUMED. */
  readonly slots: number;
  /** Version of the workflow; only for RUN_STARTED. */
  readonly workflowVersion: string;
}

export function runInfo(run: Run): RunInfo {
  const { namespace, runId, workflow, workflowVersion, priority, labels, reason, taskCounts } = run;
  return {
    namespace,
    runId,
    workflow,
    workflowVersion,
    status: statusName(run.status),
    priority,
    labels,
    reason,
    taskCounts,
    createdAt: date(run.createdAt) ?? new Date(0),
    startedAt: date(run.startedAt),
    finishedAt: date(run.finishedAt),
    deadlineAt: date(run.deadlineAt),
    contextText: run.context,
  };
}

export function taskRunInfo(task: TaskRun): TaskRunInfo {
  return {
    task: task.task,
    state: stateName(task.state),
    attempt: task.attempt,
    recovery: task.recovery,
    fence: Number(task.fence),
    leaseId: task.leaseId,
    hostId: task.hostId,
    deferral: task.deferral,
    waitingFor: task.waitingFor,
    failure: failureOf(task.failure),
    hostLosses: task.hostLosses.map(hostLossInfo),
    reason: task.reason,
    readyAt: date(task.readyAt),
    startedAt: date(task.startedAt),
    finishedAt: date(task.finishedAt),
    slotHeldMs: Number(task.slotHeldMs),
    retryAt: date(task.retryAt),
    skipCause: skipCauseName(task.skipCause),
  };
}

export function eventInfo(event: RunEvent): RunEventInfo {
  const { runId, workflow, task, leaseId, hostId, attempt, recovery, slotDelta, deferral, reason } = event;
  const { sessionId, slots, workflowVersion } = event;
  return {
    sessionId,
    slots,
    workflowVersion,
    runId,
    workflow,
    task,
    leaseId,
    hostId,
    attempt,
    recovery,
    slotDelta,
    deferral,
    reason,
    eventSeq: Number(event.eventSeq),
    at: date(event.at) ?? new Date(0),
    type: (RunEventType[event.type] as RunEventName | undefined) ?? "UNSPECIFIED",
    failure: failureOf(event.failure),
    retryAt: date(event.retryAt),
  };
}

export function statusName(status: RunStatus): RunStatusName {
  return (RunStatus[status] as RunStatusName | undefined) ?? "UNSPECIFIED";
}

export function stateName(state: TaskRunState): TaskRunStateName {
  return (TaskRunState[state] as TaskRunStateName | undefined) ?? "UNSPECIFIED";
}

export function date(timestamp: Parameters<typeof timestampMs>[0] | undefined): Date | null {
  return timestamp === undefined ? null : new Date(timestampMs(timestamp));
}

function skipCauseName(cause: SkipCause): SkipCauseName | null {
  return cause === SkipCause.UNSPECIFIED ? null : ((SkipCause[cause] as SkipCauseName | undefined) ?? null);
}

function failureOf(failure: WireFailure | undefined): TaskFailureInfo | null {
  if (failure === undefined) return null;
  const { code, type, message, stack, hostLosses } = failure;
  const losses = hostLosses.length === 0 ? null : { hostLosses: hostLosses.map(hostLossInfo) };
  return { code, type, message, stack, ...losses };
}

function hostLossInfo({ hostId, sessionId, leaseId, attempt, at, slotHeld, reason }: HostLoss): HostLossInfo {
  return { hostId, sessionId, leaseId, attempt, at: date(at) ?? new Date(0), slotHeld, reason };
}
