/** The control plane's calls, in words of the SDK. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Run,
  type RunEvent,
  RunEventType,
  RunService,
  RunStatus,
  type TaskRun,
  TaskRunState,
  WorkflowService,
} from "@cloaca/protocol";
import { RemoteError } from "../errors/index.js";
import type { Channel } from "./channel.js";
import { toWireDefinition } from "./encode-definition.js";
import type { Failure, WireWorkflow } from "./words.js";

export type RunStatusName = "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED" | "UNSPECIFIED";

export type TaskRunStateName =
  | "WAITING"
  | "READY"
  | "LEASED"
  | "DEFERRED"
  | "RECLAIMING"
  | "SUCCEEDED"
  | "FAILED"
  | "CANCELLED"
  | "SKIPPED"
  | "UNSPECIFIED";

export type RunEventName = Exclude<keyof typeof RunEventType, number>;

/** What to start. */
export interface StartSpec {
  readonly workflow: string;
  /** Empty means the current version. */
  readonly version: string;
  /** Key to JSON text. */
  readonly context: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly traceparent: string;
  readonly requestId: string;
}

export interface StartedRun {
  readonly runId: string;
  readonly workflowVersion: string;
  /** An earlier call with the same request id had started it. */
  readonly existing: boolean;
}

export interface RunInfo {
  readonly namespace: string;
  readonly runId: string;
  readonly workflow: string;
  readonly workflowVersion: string;
  readonly status: RunStatusName;
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** Why it failed or was cancelled, for people. */
  readonly reason: string;
  /** The final context, key to JSON text; empty while the run goes on, and in lists. */
  readonly contextText: Readonly<Record<string, string>>;
  /** Number of tasks in each state; empty in lists. */
  readonly taskCounts: Readonly<Record<string, number>>;
}

export interface TaskRunInfo {
  readonly task: string;
  readonly state: TaskRunStateName;
  readonly attempt: number;
  readonly recovery: number;
  readonly fence: number;
  readonly leaseId: string;
  readonly hostId: string;
  readonly deferral: number;
  readonly waitingFor: string;
  readonly failure: Failure | null;
  readonly reason: string;
  readonly readyAt: Date | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly slotHeldMs: number;
}

export interface RunEventInfo {
  readonly runId: string;
  readonly workflow: string;
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
  readonly failure: Failure | null;
}

/** One result for each spec, in order; what was refused is an error. */
export async function startRuns(
  channel: Channel,
  namespace: string,
  specs: readonly StartSpec[],
): Promise<(StartedRun | RemoteError)[]> {
  const runs = specs.map(({ context, labels, ...spec }) => ({ ...spec, context, labels }));
  const { results } = await channel.unary(RunService.method.startRuns, { namespace, runs });
  return results.map(({ result }) => {
    if (result.case === "started") return result.value;
    const { code = "INTERNAL", message = "the scheduler gave no result", problems = [] } = result.value ?? {};
    const found = problems.map(({ field, description }) => ({ path: field, message: description }));
    return new RemoteError(code, message, { problems: found });
  });
}

export async function getRun(channel: Channel, namespace: string, runId: string, waitMs: number): Promise<RunInfo> {
  // The call may take as long as the wait, and then some.
  const options = { deadline: Date.now() + waitMs + 30_000 };
  const { run } = await channel.unary(RunService.method.getRun, { namespace, runId, waitMs }, options);
  if (run === undefined) throw new RemoteError("INTERNAL", "the scheduler's answer has no run");
  return runInfo(run);
}

export interface ListQuery {
  readonly workflow?: string;
  readonly statuses?: readonly RunStatusName[];
  readonly pageSize?: number;
  readonly pageToken?: string;
}

export async function listRuns(
  channel: Channel,
  namespace: string,
  { workflow = "", statuses = [], pageSize = 0, pageToken = "" }: ListQuery,
): Promise<{ runs: RunInfo[]; nextPageToken: string }> {
  const request = { namespace, workflow, statuses: statuses.map((s) => RunStatus[s]), pageSize, pageToken };
  const page = await channel.unary(RunService.method.listRuns, request);
  return { runs: page.runs.map(runInfo), nextPageToken: page.nextPageToken };
}

/** All task runs of a run, in declared order. */
export async function listTaskRuns(channel: Channel, namespace: string, runId: string): Promise<TaskRunInfo[]> {
  const tasks: TaskRunInfo[] = [];
  let pageToken = "";
  do {
    const page = await channel.unary(RunService.method.listTaskRuns, { namespace, runId, pageToken });
    tasks.push(...page.taskRuns.map(taskRunInfo));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return tasks;
}

export async function cancelRun(
  channel: Channel,
  namespace: string,
  runId: string,
  reason: string,
): Promise<RunStatusName> {
  const { status } = await channel.unary(RunService.method.cancelRun, { namespace, runId, reason });
  return statusName(status);
}

export interface WatchQuery {
  readonly runId?: string;
  readonly workflow?: string;
  readonly types?: readonly RunEventName[];
  /** Go on after this cursor. */
  readonly cursor?: string;
}

export async function* watchRuns(
  channel: Channel,
  namespace: string,
  { runId = "", workflow = "", types = [], cursor = "" }: WatchQuery,
  signal?: AbortSignal,
): AsyncGenerator<{ events: RunEventInfo[]; cursor: string }> {
  const request = { namespace, runId, workflow, types: types.map((t) => RunEventType[t]), cursor };
  for await (const response of channel.stream(RunService.method.watchRuns, request, signal)) {
    yield { events: response.events.map(eventInfo), cursor: response.cursor };
  }
}

/** Registers a workflow; returns its version. */
export async function registerWorkflow(channel: Channel, namespace: string, workflow: WireWorkflow): Promise<string> {
  const request = { namespace, definition: toWireDefinition(workflow) };
  const response = await channel.unary(WorkflowService.method.registerWorkflow, request);
  return response.workflow?.version ?? "";
}

function runInfo(run: Run): RunInfo {
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
    contextText: run.context,
  };
}

function taskRunInfo(task: TaskRun): TaskRunInfo {
  return {
    task: task.task,
    state: (TaskRunState[task.state] as TaskRunStateName | undefined) ?? "UNSPECIFIED",
    attempt: task.attempt,
    recovery: task.recovery,
    fence: Number(task.fence),
    leaseId: task.leaseId,
    hostId: task.hostId,
    deferral: task.deferral,
    waitingFor: task.waitingFor,
    failure: task.failure ?? null,
    reason: task.reason,
    readyAt: date(task.readyAt),
    startedAt: date(task.startedAt),
    finishedAt: date(task.finishedAt),
    slotHeldMs: Number(task.slotHeldMs),
  };
}

function eventInfo(event: RunEvent): RunEventInfo {
  const { runId, workflow, task, leaseId, hostId, attempt, recovery, slotDelta, deferral, reason } = event;
  return {
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
    failure: event.failure ?? null,
  };
}

function statusName(status: RunStatus): RunStatusName {
  return (RunStatus[status] as RunStatusName | undefined) ?? "UNSPECIFIED";
}

function date(timestamp: Parameters<typeof timestampMs>[0] | undefined): Date | null {
  return timestamp === undefined ? null : new Date(timestampMs(timestamp));
}
