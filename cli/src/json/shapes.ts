/**
 * What `--json` prints. Stable: members are added, never renamed, removed or given another type (docs/CLI.md). Everything is
 * listed by hand here, so that a change of the SDK's types is not a change for scripts.
 */
import type {
  HostInfo,
  HostLossInfo,
  RunEventInfo,
  RunExplanation,
  RunInfo,
  TaskRunInfo,
  WorkflowInfo,
} from "@cloaca/sdk/client";
import { type JsonValue, RawJson } from "./raw-json.js";

type JsonObject = { readonly [key: string]: JsonValue };
type Failure = NonNullable<TaskRunInfo["failure"]>;

/** A run as it stands in lists. */
export function runJson(run: RunInfo): JsonObject {
  return {
    runId: run.runId,
    namespace: run.namespace,
    workflow: run.workflow,
    workflowVersion: run.workflowVersion,
    status: run.status,
    priority: run.priority,
    labels: run.labels,
    createdAt: run.createdAt,
    startedAt: run.startedAt,
    finishedAt: run.finishedAt,
    deadlineAt: run.deadlineAt,
    reason: run.reason,
  };
}

/** A run by itself: with its final context once it has ended, and its tasks by state. */
export function wholeRunJson(run: RunInfo): JsonObject {
  return { ...runJson(run), taskCounts: run.taskCounts, context: contextJson(run.contextText) };
}

export function contextJson(contextText: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(Object.entries(contextText).map(([key, text]) => [key, new RawJson(text)]));
}

export function taskJson(task: TaskRunInfo): JsonObject {
  return {
    task: task.task,
    state: task.state,
    attempt: task.attempt,
    recovery: task.recovery,
    fence: task.fence,
    leaseId: task.leaseId,
    hostId: task.hostId,
    deferral: task.deferral,
    waitingFor: task.waitingFor,
    failure: failureJson(task.failure),
    reason: task.reason,
    skipCause: task.skipCause,
    readyAt: task.readyAt,
    startedAt: task.startedAt,
    finishedAt: task.finishedAt,
    retryAt: task.retryAt,
    slotHeldMs: task.slotHeldMs,
    hostLosses: task.hostLosses.map(lossJson),
  };
}

export function eventJson(event: RunEventInfo): JsonObject {
  return {
    runId: event.runId,
    workflow: event.workflow,
    eventSeq: event.eventSeq,
    at: event.at,
    type: event.type,
    task: event.task,
    leaseId: event.leaseId,
    hostId: event.hostId,
    attempt: event.attempt,
    recovery: event.recovery,
    slotDelta: event.slotDelta,
    deferral: event.deferral,
    reason: event.reason,
    failure: failureJson(event.failure),
    retryAt: event.retryAt,
    sessionId: event.sessionId,
    slots: event.slots,
    workflowVersion: event.workflowVersion,
  };
}

export function workflowJson(workflow: WorkflowInfo): JsonObject {
  return {
    name: workflow.name,
    namespace: workflow.namespace,
    version: workflow.version,
    current: workflow.isCurrent,
    promoted: workflow.isPromoted,
    paused: workflow.isPaused,
    registeredAt: workflow.registeredAt,
    taskCount: workflow.taskCount,
  };
}

export function hostJson(host: HostInfo): JsonObject {
  return {
    hostId: host.hostId,
    instanceId: host.instanceId,
    sessionId: host.sessionId,
    generation: host.generation,
    connected: host.isConnected,
    draining: host.isDraining,
    slots: host.slots,
    held: host.held,
    deferred: host.deferred,
    maxLeases: host.maxLeases,
    labels: host.labels,
    sdk: host.sdk,
    buildId: host.buildId,
    mainLoopLagMs: host.mainLoopLagMs,
    lastHeardMs: host.lastHeardMs,
    leases: host.leases.map(({ leaseId, runId, task, state, isEnding }) => ({
      leaseId,
      runId,
      task,
      state,
      ending: isEnding,
    })),
    implements: host.implements,
  };
}

export function explanationJson(runId: string, explanation: RunExplanation): JsonObject {
  return {
    runId,
    status: explanation.status,
    tasks: explanation.tasks.map((task) => ({
      task: task.task,
      state: task.state,
      reason: task.reason,
      message: task.message,
      waitingForTasks: task.waitingForTasks,
      hosts: task.hosts,
      until: task.until,
    })),
    leftOut: explanation.leftOut,
  };
}

function failureJson(failure: Failure | null): JsonValue {
  if (failure === null) return null;
  const { code, type, message, stack, hostLosses } = failure;
  return {
    code,
    type,
    message,
    stack,
    ...(hostLosses === undefined ? null : { hostLosses: hostLosses.map(lossJson) }),
  };
}

function lossJson(loss: HostLossInfo): JsonObject {
  return {
    hostId: loss.hostId,
    sessionId: loss.sessionId,
    leaseId: loss.leaseId,
    attempt: loss.attempt,
    at: loss.at,
    slotHeld: loss.slotHeld,
    reason: loss.reason,
  };
}
