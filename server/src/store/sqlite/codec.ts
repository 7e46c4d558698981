/** Runs and task runs as rows: JSON without what is the default, so that rows stay small. */
import type { Run, TaskRun } from "../../core/model.js";
import { initialTaskRun } from "../../core/task-machine.js";

type Written = "labels" | "traceparent" | "startedAt" | "finishedAt" | "reason" | "open" | "failed" | "eventSeq";

type RunData = Pick<Run, "priority" | "createdAt"> & { -readonly [K in Written]?: Run[K] } & {
  /** Fenced leases that still count, so that a run that has ended is read again after a restart. */
  endings?: number;
};

export function encodeRun(run: Run, endings: number): string {
  const data: RunData = {
    priority: run.priority,
    createdAt: run.createdAt,
    open: run.open,
    failed: run.failed,
    eventSeq: run.eventSeq,
  };
  if (Object.keys(run.labels).length > 0) data.labels = run.labels;
  if (run.traceparent !== "") data.traceparent = run.traceparent;
  if (run.startedAt !== null) data.startedAt = run.startedAt;
  if (run.finishedAt !== null) data.finishedAt = run.finishedAt;
  if (run.reason !== "") data.reason = run.reason;
  if (endings > 0) data.endings = endings;
  return JSON.stringify(data);
}

export interface RunRow {
  readonly number: number;
  readonly run_id: string;
  readonly namespace: string;
  readonly workflow: string;
  readonly version: string;
  readonly status: Run["status"];
  readonly request_id: string | null;
  readonly data: string;
  readonly input: string;
}

export function decodeRun(row: RunRow): Run {
  const data = JSON.parse(row.data) as RunData;
  return {
    id: row.run_id,
    namespace: row.namespace,
    workflow: row.workflow,
    version: row.version,
    status: row.status,
    requestId: row.request_id ?? "",
    input: JSON.parse(row.input) as Run["input"],
    priority: data.priority,
    createdAt: data.createdAt,
    labels: data.labels ?? {},
    traceparent: data.traceparent ?? "",
    startedAt: data.startedAt ?? null,
    finishedAt: data.finishedAt ?? null,
    reason: data.reason ?? "",
    open: data.open ?? 0,
    failed: data.failed ?? 0,
    eventSeq: data.eventSeq ?? 0,
  };
}

type TaskRunData = { -readonly [K in keyof TaskRun]?: TaskRun[K] };

export function encodeTaskRun(task: TaskRun): string {
  const data: TaskRunData = { state: task.state, attempt: task.attempt, fence: task.fence, hostId: task.hostId };
  if (task.lease !== null) data.lease = task.lease;
  if (task.outcome !== null) data.outcome = task.outcome;
  if (task.recovery > 0) data.recovery = task.recovery;
  if (task.lossesHeld > 0) data.lossesHeld = task.lossesHeld;
  if (task.lossesDeferred > 0) data.lossesDeferred = task.lossesDeferred;
  if (task.ending.length > 0) data.ending = task.ending;
  if (task.declinedBy.length > 0) data.declinedBy = task.declinedBy;
  if (task.failure !== null) data.failure = task.failure;
  if (task.skip !== null) data.skip = task.skip;
  if (task.slotHeldMs > 0) data.slotHeldMs = task.slotHeldMs;
  if (task.readyAt !== null) data.readyAt = task.readyAt;
  if (task.startedAt !== null) data.startedAt = task.startedAt;
  if (task.finishedAt !== null) data.finishedAt = task.finishedAt;
  return JSON.stringify(data);
}

export interface TaskRunRow {
  readonly task: number;
  readonly data: string;
  readonly checkpoint: string | null;
  readonly patch: string | null;
}

export function decodeTaskRun(runId: string, row: TaskRunRow): TaskRun {
  const data = JSON.parse(row.data) as TaskRunData;
  return {
    ...initialTaskRun(runId, row.task, 0),
    ...data,
    checkpoint: row.checkpoint === null ? null : (JSON.parse(row.checkpoint) as TaskRun["checkpoint"]),
    patch: row.patch === null ? null : (JSON.parse(row.patch) as TaskRun["patch"]),
  };
}
