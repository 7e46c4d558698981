/** Runs, task runs, events, workflows and hosts: from words of the domain to protobuf, for reading. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { RunEventType, RunStatus, SkipCause, TaskRunState, WaitReason } from "@cloaca/protocol";
import { viewToText } from "../core/merge.js";
import type { Failure, Graph, HostLoss, Run, RunEvent, TaskRun } from "../core/model.js";
import { isRunOver } from "../core/run-machine.js";
import { heldSoFar } from "../core/task-run.js";
import type { Explanation } from "../engine/explain.js";
import { runContext } from "../store/run-context.js";
import type { EventChunk, RunView, SessionView, WorkflowRecord } from "../store/store.js";
import { definitionToWire } from "./definition-to-wire.js";

export function runToWire(run: Run) {
  return {
    namespace: run.namespace,
    runId: run.id,
    workflow: run.workflow,
    workflowVersion: run.version,
    status: RunStatus[run.status],
    priority: run.priority,
    labels: run.labels,
    createdAt: timestampFromMs(Math.round(run.createdAt)),
    ...times(run),
    reason: run.reason,
    ...(run.deadlineAt === null ? null : { deadlineAt: timestampFromMs(Math.round(run.deadlineAt)) }),
  };
}

export function runViewToWire({ run, graph, tasks }: RunView) {
  const taskCounts: Record<string, number> = {};
  for (const { state } of tasks) taskCounts[state] = (taskCounts[state] ?? 0) + 1;
  const context = isRunOver(run.status) ? viewToText(runContext({ run, graph, tasks })) : {};
  return { ...runToWire(run), context, taskCounts };
}

export function taskRunToWire(task: TaskRun, graph: Graph, now: number) {
  return {
    task: graph.tasks[task.task]?.id ?? "",
    state: TaskRunState[task.state],
    attempt: task.attempt,
    recovery: task.recovery,
    fence: BigInt(task.fence),
    leaseId: task.lease?.id ?? "",
    hostId: task.hostId,
    deferral: task.lease?.deferral?.n ?? 0,
    waitingFor: task.state === "DEFERRED" ? (task.lease?.deferral?.description ?? "") : "",
    ...(task.failure === null ? null : { failure: failureToWire(task.failure) }),
    reason: reasonOf(task, graph),
    ...(task.readyAt === null ? null : { readyAt: timestampFromMs(Math.round(task.readyAt)) }),
    ...times(task),
    slotHeldMs: BigInt(Math.round(heldSoFar(task, now))),
    ...(task.retryAt === null ? null : { retryAt: timestampFromMs(Math.round(task.retryAt)) }),
    ...(task.skip === null ? null : { skipCause: SkipCause[task.skip] }),
    hostLosses: task.losses.map(lossToWire),
  };
}

function failureToWire({ losses = [], ...failure }: Failure) {
  return { ...failure, hostLosses: losses.map(lossToWire) };
}

function lossToWire({ at, ...loss }: HostLoss) {
  return { ...loss, at: timestampFromMs(Math.round(at)) };
}

export function eventToWire(event: RunEvent, { runId, workflow, graph }: EventChunk) {
  return {
    runId,
    eventSeq: BigInt(event.seq),
    at: timestampFromMs(Math.round(event.at)),
    type: RunEventType[event.type],
    task: event.task === undefined ? "" : (graph.tasks[event.task]?.id ?? ""),
    leaseId: event.leaseId ?? "",
    hostId: event.hostId ?? "",
    attempt: event.attempt ?? 0,
    recovery: event.recovery ?? 0,
    slotDelta: event.slotDelta ?? 0,
    deferral: event.deferral ?? 0,
    reason: event.reason ?? "",
    ...(event.failure === undefined ? null : { failure: failureToWire(event.failure) }),
    ...(event.retryAt === undefined ? null : { retryAt: timestampFromMs(Math.round(event.retryAt)) }),
    workflow,
    sessionId: event.sessionId ?? "",
    slots: event.slots ?? 0,
    workflowVersion: event.type === "RUN_STARTED" ? graph.version : "",
  };
}

export function workflowToWire(record: WorkflowRecord, withDefinition: boolean) {
  const { namespace, graph, registeredAt, current, promoted, paused } = record;
  const { definition, version } = graph;
  return {
    namespace,
    name: definition.name,
    version,
    current,
    promoted,
    paused,
    registeredAt: timestampFromMs(Math.round(registeredAt)),
    taskCount: definition.tasks.length,
    ...(withDefinition ? { definition: definitionToWire(definition) } : null),
  };
}

export function explanationToWire(explanation: Explanation, { graph }: RunView) {
  const { task, state, reason, message, waitingFor, hosts, until } = explanation;
  return {
    task: graph.tasks[task]?.id ?? "",
    state: TaskRunState[state],
    reason: WaitReason[reason],
    message,
    waitingForTasks: waitingFor.map((index) => graph.tasks[index]?.id ?? ""),
    hosts: [...hosts],
    ...(until === null ? null : { until: timestampFromMs(Math.round(until)) }),
  };
}

const SHOWN_IMPLEMENTATIONS = 100;

export function hostToWire(
  view: SessionView,
  connection: { mainLoopLagMs: number; isConnected: boolean } | null,
  now: number,
) {
  const { session, held, leases, lastHeard } = view;
  const { spec } = session;
  const implementations = spec.implementations.flatMap(({ workflow, version, tasks }) =>
    (tasks ?? ["*"]).map((task) => `${workflow}/${task}${version === null ? " (any version)" : ""}`),
  );
  return {
    hostId: spec.hostId,
    instanceId: spec.instanceId,
    sessionId: session.id,
    generation: BigInt(session.generation),
    connected: connection?.isConnected ?? false,
    draining: session.draining,
    slots: spec.slots,
    held,
    deferred: leases.filter((l) => !l.ending && l.state === "DEFERRED").length,
    maxLeases: spec.maxLeases,
    labels: spec.labels,
    sdk: spec.sdk,
    buildId: spec.buildId,
    mainLoopLagMs: connection?.mainLoopLagMs ?? 0,
    lastHeardMs: BigInt(Math.max(0, Math.round(now - lastHeard))),
    leases: leases.map(({ leaseId, runId, taskId, state, ending }) => ({
      leaseId,
      runId,
      task: taskId,
      state: ending ? TaskRunState.UNSPECIFIED : TaskRunState[state],
      ending,
    })),
    implements: implementations.slice(0, SHOWN_IMPLEMENTATIONS),
  };
}

function times({ startedAt, finishedAt }: { startedAt: number | null; finishedAt: number | null }) {
  return {
    ...(startedAt === null ? null : { startedAt: timestampFromMs(Math.round(startedAt)) }),
    ...(finishedAt === null ? null : { finishedAt: timestampFromMs(Math.round(finishedAt)) }),
  };
}

function reasonOf(task: TaskRun, graph: Graph): string {
  if (task.skip !== null) return task.skip;
  if (task.state !== "WAITING") return "";
  const { dependencies } = graph.tasks[task.task] ?? { dependencies: [] };
  return `waits for ${task.remaining} of ${dependencies.length} dependencies`;
}
