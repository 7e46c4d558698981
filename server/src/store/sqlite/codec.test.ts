import { describe, expect, it } from "vitest";
import type { Run, RunEvent } from "../../core/model.js";
import { AWKWARD } from "../../testing/awkward.js";
import { decodeEvents, decodeRun, encodeEvents, encodeRun } from "./codec.js";

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
