import { describe, expect, it } from "vitest";
import type { Run, RunEvent, TaskRun } from "../../core/model.js";
import { initialTaskRun } from "../../core/task-run.js";
import { decodeEvents, decodeRun, decodeTaskRun, encodeEvents, encodeRun, encodeTaskRun } from "./codec.js";

/** What a writer that goes field by field could get wrong. */
const AWKWARD = 'say "no" \\ to\n\u0001 naïve 🦆 \u2028 </x>';

const plainRun: Run = {
  id: "r1",
  namespace: "default",
  workflow: "etl",
  version: "v1",
  status: "PENDING",
  priority: 0,
  labels: {},
  traceparent: "",
  requestId: "",
  timeoutMs: 0,
  deadlineAt: null,
  retriedBy: "",
  input: {},
  createdAt: 1_764_000_000_000,
  startedAt: null,
  finishedAt: null,
  reason: "",
  open: 1,
  failed: 0,
  eventSeq: 1,
};

const fullRun: Run = {
  ...plainRun,
  status: "FAILED",
  priority: -3,
  labels: { [AWKWARD]: AWKWARD },
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  requestId: AWKWARD,
  input: { day: '"monday"' },
  startedAt: 1_764_000_000_001,
  finishedAt: 1_764_000_000_002,
  timeoutMs: 5,
  deadlineAt: 1_764_000_000_005,
  retriedBy: AWKWARD,
  reason: AWKWARD,
  open: 0,
  failed: 2,
  eventSeq: 12,
};

const failure = { code: "TASK_FAILED", type: "Error", message: AWKWARD, stack: AWKWARD };
const plainTask: TaskRun = { ...initialTaskRun("r1", 3, 0), state: "READY" };
const fullTask: TaskRun = {
  ...plainTask,
  state: "DEFERRED",
  attempt: 2,
  attemptsBefore: 1,
  retryAt: 9,
  recovery: 1,
  lossesHeld: 1,
  losses: [
    { hostId: "h", sessionId: "s", leaseId: "r.0.1", attempt: 1, at: 5, slotHeld: true, reason: 'it said "bye"' },
  ],
  lossesDeferred: 2,
  fence: 7,
  lease: {
    id: "r1.3.7",
    sessionId: "s1",
    hostId: AWKWARD,
    slotSince: null,
    deferral: {
      n: 1,
      pollIntervalMs: 1_000,
      maxWaitMs: 0,
      description: AWKWARD,
      deferredAt: 5,
      reclaimedAt: null,
      outcome: null,
    },
  },
  ending: [
    { id: "r1.3.6", sessionId: "s2", hostId: "h", reason: "TIMEOUT", holdsSlot: true, retry: { at: 9, attempt: 2 } },
    { id: "r1.3.4", sessionId: "s2", hostId: "h", reason: "TIMEOUT", holdsSlot: true, retry: null },
    { id: "r1.3.2", sessionId: "s2", hostId: "h", reason: "RUN_CANCELLED", holdsSlot: false },
  ],
  outcome: { leaseId: "r1.3.5", sessionId: "s1", kind: "decline", digest: AWKWARD, retry: { at: 5, attempt: 3 } },
  declinedBy: ["s1", AWKWARD],
  failure,
  skip: "UPSTREAM_FAILED",
  hostId: AWKWARD,
  slotHeldMs: 4,
  readyAt: 1,
  startedAt: 2,
  finishedAt: 3,
};

describe("rows", () => {
  it.each([
    ["plain", plainRun],
    ["full", fullRun],
  ])("keep a %s run", (_name, run) => {
    const { id, namespace, workflow, version, status, requestId, input } = run;
    const data = encodeRun(run);
    const row = { number: 1, run_id: id, namespace, workflow, version, status, data, input: JSON.stringify(input) };
    expect(decodeRun({ ...row, request_id: requestId === "" ? null : requestId })).toEqual(run);
  });

  it.each([
    ["plain", plainTask],
    ["leased", { ...plainTask, state: "LEASED" as const, lease: { ...lease(), slotSince: 9 } }],
    ["full", fullTask],
  ])("keep a %s task run", (_name, task) => {
    const row = { task: 3, data: encodeTaskRun(task), checkpoint: null, patch: null };
    expect(decodeTaskRun("r1", row)).toEqual(task);
  });

  it("keep events", () => {
    const events: RunEvent[] = [
      { seq: 1, at: 1_764_000_000_000, type: "RUN_STARTED" },
      {
        seq: 2,
        at: 1_764_000_000_000,
        type: "TASK_FAILED",
        task: 0,
        leaseId: "r1.0.1",
        hostId: AWKWARD,
        sessionId: "s1",
        attempt: 1,
        recovery: 2,
        slotDelta: -1,
        deferral: 1,
        reason: AWKWARD,
        failure,
      },
    ];
    expect(decodeEvents(encodeEvents(events))).toEqual(events);
    expect(decodeEvents(encodeEvents([]))).toEqual([]);
  });
});

function lease() {
  return { id: "r1.3.7", sessionId: "s1", hostId: "h", deferral: null };
}
