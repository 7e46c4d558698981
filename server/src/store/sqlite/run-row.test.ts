import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Run } from "../../core/model.js";
import { AWKWARD } from "../../testing/awkward.js";
import { NEW_RUN } from "../../testing/plain-draft.js";
import { Packer } from "./packer.js";
import { finishedAtOf, type Packed, packRun, type RunRow, unpackRun } from "./run-row.js";
import { DamagedRow } from "./unpacker.js";

const plainRun: Run = {
  ...NEW_RUN,
  workflow: "etl",
  version: "v1",
  createdAt: 1_764_000_000_000,
  open: 1,
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

const text = fc.string({ unit: "binary", maxLength: 60 });
const count = fc.nat({ max: 100_000 });
const time = fc.oneof(fc.nat({ max: 2 ** 45 }), fc.integer({ min: 1_764_000_000_000, max: 1_764_000_001_000 }));
const anyRun = fc
  .record<Partial<Run>>(
    {
      priority: fc.integer(),
      labels: fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true }),
      traceparent: text,
      createdAt: time,
      startedAt: time,
      finishedAt: time,
      timeoutMs: fc.nat({ max: 2 ** 40 }),
      deadlineAt: time,
      retriedBy: text,
      reason: text,
      open: count,
      failed: count,
      eventSeq: count,
    },
    { requiredKeys: [] },
  )
  .map((run): Run => ({ ...plainRun, ...run }));

function rowOf(run: Run, data: Packed): RunRow {
  const { id, namespace, workflow, version, status, requestId, input } = run;
  const row = { number: 1, run_id: id, namespace, workflow, version, status, data, input: JSON.stringify(input) };
  return { ...row, request_id: requestId === "" ? null : requestId };
}

describe("a run as a row", () => {
  const packer = new Packer();

  it.each([
    ["plain", plainRun],
    ["full", fullRun],
  ])("says all of a %s run", (_name, run) => {
    const data = packRun(packer, run);
    expect(unpackRun(rowOf(run, data))).toEqual(run);
    expect(finishedAtOf({ run_id: "r1", data })).toBe(run.finishedAt);
  });

  it("says all of any run", () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        const data = packRun(packer, run);
        expect(unpackRun(rowOf(run, data))).toEqual(run);
        expect(finishedAtOf({ run_id: "r1", data })).toBe(run.finishedAt);
      }),
      { numRuns: 500 },
    );
  });

  it("is small", () => {
    expect(packRun(packer, plainRun).length).toBeLessThanOrEqual(12);
    const ended = { startedAt: plainRun.createdAt + 500, finishedAt: plainRun.createdAt + 60_000, open: 0 };
    expect(packRun(packer, { ...plainRun, ...ended, status: "SUCCEEDED" }).length).toBeLessThanOrEqual(17);
  });

  it("is read as the JSON that it was before schema version 5", () => {
    const plain = '{"priority":0,"createdAt":1764000000000,"open":1,"failed":0,"eventSeq":1}';
    expect(unpackRun(rowOf(plainRun, plain))).toEqual(plainRun);
    expect(finishedAtOf({ run_id: "r1", data: plain })).toBeNull();
    const { priority, createdAt, open, failed, eventSeq, startedAt, finishedAt, timeoutMs, deadlineAt } = fullRun;
    const { retriedBy, reason, traceparent, labels } = fullRun;
    const full = JSON.stringify({
      ...{ priority, createdAt, open, failed, eventSeq, startedAt, finishedAt, timeoutMs, deadlineAt },
      ...{ retriedBy, reason, traceparent, labels },
    });
    expect(unpackRun(rowOf(fullRun, full))).toEqual(fullRun);
    expect(finishedAtOf({ run_id: "r1", data: full })).toBe(fullRun.finishedAt);
  });

  it("that ends too early, or has another format, is an error", () => {
    const data = Buffer.from(packRun(packer, fullRun));
    for (let end = 0; end < data.length; end++) {
      expect(() => unpackRun(rowOf(fullRun, data.subarray(0, end))), `${end} bytes`).toThrow(DamagedRow);
    }
    data[0] = 2;
    expect(() => unpackRun(rowOf(fullRun, data))).toThrow("run r1 cannot be read: a row begins with 2 and not with 1");
  });
});
