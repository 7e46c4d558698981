/** Fixed data for tests of what is printed. */
import type { HostInfo, RunEventInfo, RunEventName, RunInfo, TaskRunInfo, WorkflowInfo } from "@cloaca/sdk/client";

/** 2026-11-24T12:00:00Z */
export const NOW = Date.UTC(2026, 10, 24, 12);

export function ago(ms: number): Date {
  return new Date(NOW - ms);
}

export function run(values: Partial<RunInfo> = {}): RunInfo {
  return {
    namespace: "default",
    runId: "r0mwuqv8s6refcltn88qhn",
    workflow: "etl",
    workflowVersion: "135838ed36e2ff7bd517",
    status: "RUNNING",
    priority: 0,
    labels: {},
    createdAt: ago(5_000),
    startedAt: ago(4_000),
    finishedAt: null,
    deadlineAt: null,
    reason: "",
    contextText: {},
    taskCounts: {},
    ...values,
  };
}

export function task(id: string, values: Partial<TaskRunInfo> = {}): TaskRunInfo {
  return {
    task: id,
    state: "WAITING",
    attempt: 0,
    recovery: 0,
    fence: 0,
    leaseId: "",
    hostId: "",
    deferral: 0,
    waitingFor: "",
    failure: null,
    hostLosses: [],
    reason: "",
    readyAt: null,
    startedAt: null,
    finishedAt: null,
    slotHeldMs: 0,
    retryAt: null,
    skipCause: null,
    ...values,
  };
}

export function workflow(values: Partial<WorkflowInfo> = {}): WorkflowInfo {
  return {
    namespace: "default",
    name: "etl",
    version: "135838ed36e2ff7bd517",
    isCurrent: true,
    isPromoted: false,
    isPaused: false,
    registeredAt: ago(3_600_000),
    taskCount: 5,
    ...values,
  };
}

export function host(values: Partial<HostInfo> = {}): HostInfo {
  return {
    hostId: "host-a",
    instanceId: "i1",
    sessionId: "s1",
    generation: 1,
    isConnected: true,
    isDraining: false,
    slots: 4,
    held: 2,
    deferred: 1,
    maxLeases: 0,
    labels: {},
    sdk: "cloaca-ts/0.1.0 (typescript)",
    buildId: "",
    mainLoopLagMs: 3,
    lastHeardMs: 1_200,
    leases: [],
    implements: ["etl/*"],
    ...values,
  };
}

const SLOT_DELTAS: Partial<Record<RunEventName, number>> = {
  TASK_LEASED: 1,
  TASK_DEFERRED: -1,
  TASK_RESUMED: 1,
  TASK_SUCCEEDED: -1,
  TASK_FAILED: -1,
  TASK_RETRYING: -1,
  LEASE_ENDED: -1,
};

/** So many milliseconds after the start, what, to which task, and what else. */
export type EventRow = readonly [ms: number, type: RunEventName, task?: string, values?: Partial<RunEventInfo>];

/** A log as the scheduler tells it, of a run that started 4 s before `NOW`. */
export function log(...rows: readonly EventRow[]): RunEventInfo[] {
  return rows.map(([ms, type, id = "", values = {}], index) => ({
    runId: "r0mwuqv8s6refcltn88qhn",
    workflow: "etl",
    eventSeq: index + 1,
    at: new Date(NOW - 4_000 + ms),
    type,
    task: id,
    leaseId: id === "" ? "" : `lease-${id}`,
    hostId: id === "" ? "" : "host-a",
    attempt: id === "" ? 0 : 1,
    recovery: 0,
    slotDelta: SLOT_DELTAS[type] ?? 0,
    deferral: 0,
    reason: "",
    failure: null,
    retryAt: null,
    sessionId: id === "" ? "" : "s1",
    slots: 0,
    workflowVersion: "",
    ...values,
  }));
}
