/** `RunService`, in words of the SDK. */
import { RunEventType, RunService, RunStatus, WaitReason } from "@cloaca/protocol";
import { RemoteError } from "../errors/index.js";
import type { Calls, UnaryCalls } from "./calls.js";
import {
  date,
  eventInfo,
  type RunEventInfo,
  type RunEventName,
  type RunInfo,
  type RunStatusName,
  runInfo,
  stateName,
  statusName,
  type TaskRunInfo,
  type TaskRunStateName,
  taskRunInfo,
} from "./run-info.js";
import { utf8Bytes } from "./utf8-bytes.js";

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
  /** 0 means no limit. */
  readonly timeoutMs: number;
}

export interface StartedRun {
  readonly runId: string;
  readonly workflowVersion: string;
  /** An earlier call with the same request id had started it. */
  readonly existing: boolean;
}

/** More than what is no text takes, and what names each text. */
const SPEC_OVERHEAD_BYTES = 64;
const ENTRY_OVERHEAD_BYTES = 16;

/** Size of a spec in a message, at the most. */
export function specBytes({ workflow, version, context, labels, traceparent, requestId }: StartSpec): number {
  const texts = [workflow, version, traceparent, requestId];
  const bytes = texts.reduce((sum, text) => sum + utf8Bytes(text), SPEC_OVERHEAD_BYTES);
  return bytes + entriesBytes(context) + entriesBytes(labels);
}

function entriesBytes(texts: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const [key, text] of Object.entries(texts)) bytes += ENTRY_OVERHEAD_BYTES + utf8Bytes(key) + utf8Bytes(text);
  return bytes;
}

/** The error of a start that is alone in its message, and too large for it. */
export function startTooLarge({ context }: StartSpec, refusal: RemoteError): RemoteError {
  const limit = `more than the scheduler takes in a message (${refusal.message})`;
  const remedy = "keep large data elsewhere, and put a reference to it into the context";
  const message = `has about ${entriesBytes(context)} bytes, ${limit}; ${remedy}`;
  const details = { ...refusal.details, problems: [{ path: "context", message }] };
  return new RemoteError("CONTEXT_TOO_LARGE", `context ${message}`, details, { cause: refusal });
}

/** One result for each spec, in order; what was refused is an error. */
export async function startRuns(
  channel: UnaryCalls,
  namespace: string,
  specs: readonly StartSpec[],
): Promise<(StartedRun | RemoteError)[]> {
  const runs = specs.map(({ context, labels, ...spec }) => ({ ...spec, context, labels }));
  const { results } = await channel.unary(RunService.method.startRuns, { namespace, runs });
  return results.map(({ result }, index) => {
    if (result.case === "started") {
      const { runId, workflowVersion, existing } = result.value;
      return { runId, workflowVersion, existing };
    }
    const { code = "INTERNAL", message = "the scheduler gave no result", problems = [] } = result.value ?? {};
    // Which start of a message it was is nothing to its caller.
    const own = (text: string): string => text.replaceAll(`runs[${index}].`, "");
    const found = problems.map(({ field, description }) => ({ path: own(field), message: own(description) }));
    return new RemoteError(code, own(message), { problems: found });
  });
}

export async function getRun(channel: UnaryCalls, namespace: string, runId: string, waitMs: number): Promise<RunInfo> {
  // The call may take as long as the wait, and then some.
  const options = { deadline: Date.now() + waitMs + 30_000 };
  const { run } = await channel.unary(RunService.method.getRun, { namespace, runId, waitMs }, options);
  if (run === undefined) throw new RemoteError("INTERNAL", "the scheduler's answer has no run");
  return runInfo(run);
}

/** The statuses of runs. */
export const RUN_STATUSES: readonly string[] = namesOf(RunStatus);

/** The types of events. */
export const RUN_EVENT_TYPES: readonly string[] = namesOf(RunEventType);

function namesOf(values: Readonly<Record<string, string | number>>): string[] {
  return Object.keys(values).filter((name) => typeof values[name] === "number" && name !== "UNSPECIFIED");
}

export interface ListQuery {
  /** Only runs of this workflow. */
  readonly workflow?: string;
  /** Only runs with one of these statuses. */
  readonly statuses?: readonly RunStatusName[];
  /** 1 to 1,000; 100 by default. */
  readonly pageSize?: number;
  /** `nextPageToken` of the page before. */
  readonly pageToken?: string;
}

export async function listRuns(
  channel: UnaryCalls,
  namespace: string,
  { workflow = "", statuses = [], pageSize = 0, pageToken = "" }: ListQuery,
): Promise<{ runs: RunInfo[]; nextPageToken: string }> {
  const request = { namespace, workflow, statuses: statuses.map((s) => RunStatus[s]), pageSize, pageToken };
  const page = await channel.unary(RunService.method.listRuns, request);
  return { runs: page.runs.map(runInfo), nextPageToken: page.nextPageToken };
}

/** All task runs of a run, in declared order. */
export async function listTaskRuns(channel: UnaryCalls, namespace: string, runId: string): Promise<TaskRunInfo[]> {
  const tasks: TaskRunInfo[] = [];
  let pageToken = "";
  do {
    const page = await channel.unary(RunService.method.listTaskRuns, { namespace, runId, pageToken });
    tasks.push(...page.taskRuns.map(taskRunInfo));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return tasks;
}

export interface WatchQuery {
  /** Only this run; its stream ends after its last event, which is the last one so far where a failed run can be retried. */
  readonly runId?: string;
  /** Only runs of this workflow. */
  readonly workflow?: string;
  /** Only these types. */
  readonly types?: readonly RunEventName[];
  /** Go on after this cursor. */
  readonly cursor?: string;
  /** Begin with the first event that the log of all runs has, not with the next one. False by default. */
  readonly fromStart?: boolean;
  /** End with what is in the log now, instead of following it. False by default. */
  readonly untilEnd?: boolean;
}

export async function* watchRuns(
  channel: Calls,
  namespace: string,
  { runId = "", workflow = "", types = [], cursor = "", fromStart = false, untilEnd = false }: WatchQuery,
  signal?: AbortSignal,
): AsyncGenerator<{ events: RunEventInfo[]; cursor: string }> {
  const begin = { cursor, fromStart, untilEnd };
  const request = { namespace, runId, workflow, types: types.map((t) => RunEventType[t]), ...begin };
  for await (const response of channel.stream(RunService.method.watchRuns, request, signal)) {
    yield { events: response.events.map(eventInfo), cursor: response.cursor };
  }
}

export async function cancelRun(
  channel: UnaryCalls,
  namespace: string,
  runId: string,
  reason: string,
): Promise<RunStatusName> {
  const { status } = await channel.unary(RunService.method.cancelRun, { namespace, runId, reason });
  return statusName(status);
}

export async function pauseRun(
  channel: UnaryCalls,
  namespace: string,
  runId: string,
  reason: string,
): Promise<RunStatusName> {
  const { status } = await channel.unary(RunService.method.pauseRun, { namespace, runId, reason });
  return statusName(status);
}

export async function resumeRun(channel: UnaryCalls, namespace: string, runId: string): Promise<RunStatusName> {
  const { status } = await channel.unary(RunService.method.resumeRun, { namespace, runId });
  return statusName(status);
}

export interface RetriedRun {
  /** Status after the call. */
  readonly status: RunStatusName;
  /** Ids of the tasks that begin anew, in declared order; empty when the call repeated an earlier one. */
  readonly resetTasks: readonly string[];
}

export async function retryRun(
  channel: UnaryCalls,
  namespace: string,
  runId: string,
  requestId: string,
): Promise<RetriedRun> {
  const { status, resetTasks } = await channel.unary(RunService.method.retryRun, { namespace, runId, requestId });
  return { status: statusName(status), resetTasks };
}

/** What a task waits for. */
export type WaitReasonName = Exclude<keyof typeof WaitReason, number>;

export interface TaskExplanation {
  readonly task: string;
  readonly state: TaskRunStateName;
  /** What it waits for. */
  readonly reason: WaitReasonName;
  /** The same in a sentence, with names and numbers. */
  readonly message: string;
  /** Tasks that it waits for. */
  readonly waitingForTasks: readonly string[];
  /** The hosts that the reason is about. */
  readonly hosts: readonly string[];
  /** When it goes on by itself, at the latest: the next attempt, the end of a longest wait. */
  readonly until: Date | null;
}

export interface RunExplanation {
  readonly status: RunStatusName;
  /** A task each, in declared order; at most 1,000. */
  readonly tasks: readonly TaskExplanation[];
  /** Tasks that have not ended and are left out above. */
  readonly leftOut: number;
}

export async function explainRun(
  channel: UnaryCalls,
  namespace: string,
  runId: string,
  tasks: readonly string[],
): Promise<RunExplanation> {
  const answer = await channel.unary(RunService.method.explainRun, { namespace, runId, tasks: [...tasks] });
  return {
    status: statusName(answer.status),
    leftOut: answer.leftOut,
    tasks: answer.tasks.map(({ task, state, reason, message, waitingForTasks, hosts, until }) => ({
      task,
      state: stateName(state),
      reason: (WaitReason[reason] as WaitReasonName | undefined) ?? "UNSPECIFIED",
      message,
      waitingForTasks,
      hosts,
      until: date(until),
    })),
  };
}
