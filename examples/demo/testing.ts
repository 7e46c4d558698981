/** Event logs for the tests of what reads them. */
import type { RunEventInfo, RunEventName } from "cloaca";

type Row = readonly [ms: number, type: RunEventName, task: string, host?: string, reason?: string];

const SLOT_DELTAS: Partial<Record<RunEventName, number>> = {
  TASK_LEASED: 1,
  TASK_DEFERRED: -1,
  TASK_RESUMED: 1,
  TASK_SUCCEEDED: -1,
};

/** A log as the scheduler tells it: each row is an event at so many milliseconds. */
export function eventLog(...rows: readonly Row[]): RunEventInfo[] {
  return rows.map(([ms, type, task, hostId = "", reason = ""], index) => ({
    runId: "r1",
    workflow: "w",
    eventSeq: index + 1,
    at: new Date(ms),
    type,
    task,
    leaseId: hostId === "" ? "" : `lease-${task}`,
    hostId,
    attempt: 1,
    recovery: 0,
    slotDelta: SLOT_DELTAS[type] ?? 0,
    deferral: type === "TASK_DEFERRED" ? 1 : 0,
    reason,
    failure: null,
    retryAt: null,
    sessionId: "",
    slots: 0,
    workflowVersion: "",
  }));
}

/** `wait` gives its slot of `a` back from 200 to 700; `one` and `two` run in it, `other` at `b`. */
export const HAND_OVER = eventLog(
  [0, "RUN_STARTED", ""],
  [0, "TASK_READY", "wait"],
  [0, "TASK_LEASED", "wait", "a"],
  [0, "TASK_LEASED", "other", "b"],
  [200, "TASK_DEFERRED", "wait", "a", "the file"],
  [200, "TASK_LEASED", "one", "a"],
  [400, "TASK_SUCCEEDED", "one", "a"],
  [400, "TASK_LEASED", "two", "a"],
  [500, "TASK_RECLAIMING", "wait", "a", "MET"],
  [700, "TASK_SUCCEEDED", "two", "a"],
  [700, "TASK_RESUMED", "wait", "a"],
  [900, "TASK_SUCCEEDED", "other", "b"],
  [1000, "TASK_SUCCEEDED", "wait", "a"],
  [1000, "RUN_SUCCEEDED", ""],
);
