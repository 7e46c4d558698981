/**
 * Runs, task runs and events as rows: JSON without what is the default, so that rows stay small.
 *
 * What every row has is written field by field and only the rest by `JSON.stringify`, which was the largest part of a
 * turn's time on the CPU: 2.1 µs for three events, 0.4 µs this way (`npm run bench -- --profile` shows both).
 */
import type { Lease, Run, RunEvent, TaskRun } from "../../core/model.js";

interface RunData {
  readonly priority: number;
  readonly createdAt: number;
  readonly open: number;
  readonly failed: number;
  readonly eventSeq: number;
  readonly labels?: Run["labels"];
  readonly traceparent?: string;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly reason?: string;
  readonly timeoutMs?: number;
  readonly deadlineAt?: number;
  readonly retriedBy?: string;
}

export function encodeRun(run: Run): string {
  const { priority, createdAt, open, failed, eventSeq } = run;
  let json = `{"priority":${priority},"createdAt":${createdAt},"open":${open},"failed":${failed},"eventSeq":${eventSeq}`;
  if (run.startedAt !== null) json += `,"startedAt":${run.startedAt}`;
  if (run.finishedAt !== null) json += `,"finishedAt":${run.finishedAt}`;
  if (run.timeoutMs > 0) json += `,"timeoutMs":${run.timeoutMs}`;
  if (run.deadlineAt !== null) json += `,"deadlineAt":${run.deadlineAt}`;
  if (run.retriedBy !== "") json += `,"retriedBy":${text(run.retriedBy)}`;
  if (run.reason !== "") json += `,"reason":${text(run.reason)}`;
  if (run.traceparent !== "") json += `,"traceparent":${text(run.traceparent)}`;
  for (const _ in run.labels) {
    json += `,"labels":${JSON.stringify(run.labels)}`;
    break;
  }
  return `${json}}`;
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
    timeoutMs: data.timeoutMs ?? 0,
    deadlineAt: data.deadlineAt ?? null,
    retriedBy: data.retriedBy ?? "",
    open: data.open,
    failed: data.failed,
    eventSeq: data.eventSeq,
  };
}

/** A task run without what is the default, and without its patches: see `task-changes.ts`. */
export type TaskRunData = Partial<Omit<TaskRun, "runId" | "task" | "checkpoint" | "patch">>;

/** Fields, to be put between braces: all but the patches, and what else may be large and changes seldom. */
export function encodeTaskRun(task: TaskRun): string {
  const { lease, outcome } = task;
  let json = `"state":"${task.state}","attempt":${task.attempt},"fence":${task.fence},"hostId":${text(task.hostId)}`;
  if (lease !== null) json += `,"lease":${encodeLease(lease)}`;
  if (outcome !== null) {
    const { leaseId, sessionId, kind, digest, retry } = outcome;
    const again = retry === null ? "null" : `{"at":${retry.at},"attempt":${retry.attempt}}`;
    json += `,"outcome":{"leaseId":${text(leaseId)},"sessionId":${text(sessionId)},"kind":"${kind}","digest":${text(digest)},"retry":${again}}`;
  }
  if (task.attemptsBefore > 0) json += `,"attemptsBefore":${task.attemptsBefore}`;
  if (task.retryAt !== null) json += `,"retryAt":${task.retryAt}`;
  if (task.recovery > 0) json += `,"recovery":${task.recovery}`;
  if (task.lossesHeld > 0) json += `,"lossesHeld":${task.lossesHeld}`;
  if (task.lossesDeferred > 0) json += `,"lossesDeferred":${task.lossesDeferred}`;
  if (task.ending.length > 0) json += `,"ending":${JSON.stringify(task.ending)}`;
  if (task.skip !== null) json += `,"skip":"${task.skip}"`;
  if (task.slotHeldMs > 0) json += `,"slotHeldMs":${task.slotHeldMs}`;
  if (task.readyAt !== null) json += `,"readyAt":${task.readyAt}`;
  if (task.startedAt !== null) json += `,"startedAt":${task.startedAt}`;
  if (task.finishedAt !== null) json += `,"finishedAt":${task.finishedAt}`;
  return json;
}

function encodeLease({ id, sessionId, hostId, deferral, slotSince }: Lease): string {
  const waiting = deferral === null ? "null" : JSON.stringify(deferral);
  return `{"id":${text(id)},"sessionId":${text(sessionId)},"hostId":${text(hostId)},"deferral":${waiting},"slotSince":${slotSince}}`;
}

export function encodeEvents(events: readonly RunEvent[]): string {
  let json = "";
  for (const event of events) {
    const { task, leaseId, sessionId, hostId, attempt, recovery, slotDelta, slots } = event;
    const { deferral, reason, failure, retryAt } = event;
    json += `${json === "" ? "[" : ","}{"seq":${event.seq},"at":${event.at},"type":"${event.type}"`;
    if (task !== undefined) json += `,"task":${task}`;
    if (leaseId !== undefined) json += `,"leaseId":${text(leaseId)}`;
    if (sessionId !== undefined) json += `,"sessionId":${text(sessionId)}`;
    if (hostId !== undefined) json += `,"hostId":${text(hostId)}`;
    if (attempt !== undefined) json += `,"attempt":${attempt}`;
    if (recovery !== undefined) json += `,"recovery":${recovery}`;
    if (slotDelta !== undefined) json += `,"slotDelta":${slotDelta}`;
    if (slots !== undefined) json += `,"slots":${slots}`;
    if (deferral !== undefined) json += `,"deferral":${deferral}`;
    if (reason !== undefined) json += `,"reason":${text(reason)}`;
    if (failure !== undefined) json += `,"failure":${JSON.stringify(failure)}`;
    if (retryAt !== undefined) json += `,"retryAt":${retryAt}`;
    json += "}";
  }
  return json === "" ? "[]" : `${json}]`;
}

export function decodeEvents(data: string): RunEvent[] {
  return JSON.parse(data) as RunEvent[];
}

/** A text as JSON. Ids and names, which nearly all are, need no escapes. */
function text(value: string): string {
  return PLAIN.test(value) ? `"${value}"` : JSON.stringify(value);
}

const PLAIN = /^[\w .:+-]*$/;
