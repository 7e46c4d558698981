/** What a run's event log tells: the state of each task, and when it held a slot. Pure projections of the log. */
import type { RunEventInfo, RunEventName, RunStatusName, TaskRunStateName } from "@cloaca/sdk/client";

/** A stretch of time of a lease: with a slot, without one until its condition holds, or until it has a slot again. */
export interface Stretch {
  readonly kind: "held" | "deferred" | "reclaiming";
  readonly leaseId: string;
  /** Milliseconds of the scheduler's clock. */
  readonly from: number;
  /** Null while it lasts. */
  readonly to: number | null;
}

export interface TaskLog {
  readonly task: string;
  readonly state: TaskRunStateName;
  /** The host that holds, or last held, the lease. Empty before the first lease. */
  readonly hostId: string;
  /** Counted execution, from 1. */
  readonly attempt: number;
  /** What the log says about the state, for people. */
  readonly reason: string;
  /** When the next attempt begins; only while RETRYING. */
  readonly retryAt: Date | null;
  readonly stretches: readonly Stretch[];
}

export interface RunLog {
  readonly status: RunStatusName;
  readonly reason: string;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** By id, in the order in which the caller named them; tasks that the log alone knows come last. */
  readonly tasks: ReadonlyMap<string, TaskLog>;
  /** Time of the last event, in milliseconds of the scheduler's clock. */
  readonly lastAt: number;
}

const TASK_STATES: Partial<Record<RunEventName, TaskRunStateName>> = {
  TASK_READY: "READY",
  TASK_LEASED: "LEASED",
  TASK_DEFERRED: "DEFERRED",
  TASK_RECLAIMING: "RECLAIMING",
  TASK_RESUMED: "LEASED",
  TASK_SUCCEEDED: "SUCCEEDED",
  TASK_FAILED: "FAILED",
  TASK_CANCELLED: "CANCELLED",
  TASK_SKIPPED: "SKIPPED",
  TASK_DECLINED: "READY",
  TASK_LOST: "READY",
  TASK_RETRYING: "RETRYING",
  TASK_RESET: "WAITING",
};

const RUN_STATUSES: Partial<Record<RunEventName, RunStatusName>> = {
  RUN_STARTED: "PENDING",
  RUN_SUCCEEDED: "SUCCEEDED",
  RUN_FAILED: "FAILED",
  RUN_CANCELLED: "CANCELLED",
  RUN_PAUSED: "PAUSED",
  RUN_RESUMED: "RUNNING",
  RUN_RETRIED: "RUNNING",
};

/** Before its first event. */
export function emptyLog(taskIds: readonly string[]): RunLog {
  const tasks = new Map(taskIds.map((id) => [id, newTask(id)]));
  return { status: "PENDING", reason: "", startedAt: null, finishedAt: null, tasks, lastAt: 0 };
}

/** The log with more events. */
export function withEvents(log: RunLog, events: readonly RunEventInfo[]): RunLog {
  const tasks = new Map(log.tasks);
  let { status, reason, startedAt, finishedAt, lastAt } = log;
  for (const event of events) {
    lastAt = Math.max(lastAt, event.at.getTime());
    if (event.task !== "") tasks.set(event.task, applied(tasks.get(event.task) ?? newTask(event.task), event));
    if (event.type === "TASK_LEASED") {
      startedAt ??= event.at;
      if (status === "PENDING") status = "RUNNING";
    }
    const next = event.task === "" ? RUN_STATUSES[event.type] : undefined;
    if (next === undefined) continue;
    status = next;
    reason = event.reason;
    finishedAt = status === "SUCCEEDED" || status === "FAILED" || status === "CANCELLED" ? event.at : null;
    if (status === "RUNNING" && startedAt === null) status = "PENDING";
  }
  return { status, reason, startedAt, finishedAt, tasks, lastAt };
}

function newTask(task: string): TaskLog {
  return { task, state: "WAITING", hostId: "", attempt: 0, reason: "", retryAt: null, stretches: [] };
}

function applied(task: TaskLog, event: RunEventInfo): TaskLog {
  const state = TASK_STATES[event.type];
  // It is about a lease that the task has left behind.
  if (event.type === "LEASE_ENDED") return { ...task, stretches: stretchesAfter(task.stretches, event) };
  return {
    ...task,
    state: state ?? task.state,
    hostId: event.hostId === "" ? task.hostId : event.hostId,
    attempt: state === "WAITING" ? 0 : event.attempt || task.attempt,
    reason: state === undefined ? task.reason : (event.failure?.message ?? event.reason),
    retryAt: state === undefined ? task.retryAt : event.retryAt,
    stretches: stretchesAfter(task.stretches, event),
  };
}

/** Slots are followed by what the log says about them, `slotDelta`, not by what a state seems to mean. */
function stretchesAfter(stretches: readonly Stretch[], event: RunEventInfo): readonly Stretch[] {
  const { type, slotDelta, leaseId } = event;
  const at = event.at.getTime();
  const close = (isOver: (stretch: Stretch) => boolean): Stretch[] =>
    stretches.map((stretch) => (stretch.to === null && isOver(stretch) ? { ...stretch, to: at } : stretch));
  // A fenced lease keeps its slot, next to a newer lease, until its host has stopped: each is closed by its own events.
  const own = close((stretch) => stretch.leaseId === leaseId);
  if (slotDelta > 0) return [...own, { kind: "held", leaseId, from: at, to: null }];
  if (type === "TASK_DEFERRED") return [...own, { kind: "deferred", leaseId, from: at, to: null }];
  if (type === "TASK_RECLAIMING") return [...own, { kind: "reclaiming", leaseId, from: at, to: null }];
  if (slotDelta < 0 || type === "TASK_LOST" || type === "TASK_DECLINED") return own;
  return ENDS_WAITING.has(type) ? close(({ kind }) => kind !== "held") : stretches;
}

/** Events that end a deferral without a slot changing hands. */
const ENDS_WAITING: ReadonlySet<RunEventName> = new Set([
  "TASK_CANCELLED",
  "TASK_FAILED",
  "TASK_RETRYING",
  "TASK_RESET",
]);
