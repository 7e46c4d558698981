/**
 * The bytes of rows. Files keep them, and every scheduler after this one reads them: a number, a flag or a place that was
 * given out stays. Whoever must change one begins rows with another format byte, and goes on reading these.
 */
import { describe, expect, it } from "vitest";
import type { Failure, Run, RunEvent, TaskRun } from "../../core/model.js";
import { EVENT_TYPES, TASK_STATES } from "../contract/any-log.js";
import { fullTask, loneRun, plainTask } from "../contract/lone-run.js";
import { packLog, unpackChanges, unpackEvents } from "./log-row.js";
import { Packer } from "./packer.js";
import { packRun, unpackRun } from "./run-row.js";
import { LARGE } from "./task-changes.js";

const AT = 1_764_000_000_000;
const packer = new Packer();

const run: Run = {
  ...{ id: "r1", namespace: "default", workflow: "etl", version: "v1", status: "RUNNING", requestId: "", input: {} },
  ...{ priority: 0, createdAt: AT, open: 1, failed: 0, eventSeq: 1 },
  ...{ startedAt: null, finishedAt: null, timeoutMs: 0, deadlineAt: null },
  ...{ retriedBy: "", reason: "", traceparent: "", labels: {} },
};

const FAILURE = '{"code":"C","type":"","message":"","stack":""}';
const failed: Failure = { code: "C", type: "", message: "", stack: "" };
const PATCH = '{"set":{"a":"1"},"removed":[]}';

function log(events: RunEvent[], ...tasks: readonly TaskRun[]): string {
  const live = loneRun("r1");
  live.events = events;
  for (const task of tasks) live.setTask(task);
  return packLog(packer, live, () => {})?.toString("hex") ?? "";
}

/** Written with spaces, and with AT for that time. */
const bytes = (...parts: readonly string[]): string =>
  parts.join("").replaceAll(" ", "").replaceAll("AT", "82a0bfe9d666");

/** A text of up to 8,190 bytes. */
function text(value: string): string {
  const utf8 = Buffer.from(value);
  const length = 2 * utf8.length + 2;
  const prefix = length < 128 ? [length] : [(length % 128) + 128, Math.floor(length / 128)];
  return Buffer.from([...prefix, ...utf8]).toString("hex");
}

const hex = (byte: number): string => byte.toString(16).padStart(2, "0");

describe("the bytes of a run", () => {
  const row = { number: 1, run_id: "r1", namespace: "default", workflow: "etl", version: "v1", input: "{}" };

  it.each<[name: string, run: Run, hex: string]>([
    ["plain", run, "01 00 AT 02 04 02 04"],
    ["that has started", { ...run, startedAt: AT + 1_000 }, "01 01 AT 02 04 02 04 d20f"],
    ["that has finished", { ...run, finishedAt: AT + 1_000 }, "01 02 AT 02 04 02 04 d20f"],
    ["with a timeout", { ...run, timeoutMs: 60_000 }, "01 04 AT 02 04 02 04 c2a907"],
    ["with a deadline", { ...run, deadlineAt: AT }, "01 08 AT 02 04 02 04 AT"],
    ["that was retried", { ...run, retriedBy: "again" }, "01 10 AT 02 04 02 04 0c 616761696e"],
    ["with a reason", { ...run, reason: "why" }, "01 20 AT 02 04 02 04 08 776879"],
    ["that is traced", { ...run, traceparent: "00-1" }, "01 40 AT 02 04 02 04 0a 30302d31"],
    ["with labels", { ...run, labels: { a: "b" } }, "01 80 AT 02 04 02 04 14 7b2261223a2262227d"],
    [
      "that has all of it",
      {
        ...{ ...run, priority: -3, open: 2, failed: 3, eventSeq: 500, startedAt: AT + 1, finishedAt: AT + 2 },
        ...{ timeoutMs: 4, deadlineAt: AT + 5, retriedBy: "x", reason: "y", traceparent: "z", labels: { é: "" } },
      },
      "01 ff AT 07 06 08 ea07 04 06 0a 8ca0bfe9d666 0478 0479 047a 14 7b22c3a9223a22227d",
    ],
  ])("%s", (_name, run, hex) => {
    expect(packRun(packer, run).toString("hex")).toBe(bytes(hex));
    const data = Buffer.from(bytes(hex), "hex");
    expect(unpackRun({ ...row, status: run.status, request_id: null, data })).toEqual(run);
  });
});

describe("the bytes of the log", () => {
  const event = { seq: 1, at: AT, type: "TASK_READY" } as const;

  it("has a number for each type of event", () => {
    const events = EVENT_TYPES.map((type, index): RunEvent => ({ seq: 1 + index, at: AT, type }));
    const numbers = events.map((_, index) => `${index === 0 ? "AT" : "02"} ${hex(1 + index)} 0000`);
    expect(log(events)).toBe(bytes("01 2e 04", ...numbers, "03"));
  });

  it.each<[name: string, said: Partial<RunEvent>, hex: string]>([
    ["a task", { task: 3 }, "0100 08"],
    ["a host", { hostId: "h" }, "0200 02 0468"],
    ["a session", { sessionId: "s" }, "0400 02 0473"],
    ["an attempt", { attempt: 2 }, "0800 06"],
    ["a recovery", { recovery: 2 }, "1000 06"],
    ["a slot given back", { slotDelta: -1 }, "2000 03"],
    ["slots", { slots: 16 }, "4000 22"],
    ["a deferral", { deferral: 2 }, "8000 06"],
    ["a lease of its task run", { task: 3, leaseId: "r1.3.9" }, "0101 08 14"],
    ["another lease", { task: 3, leaseId: "r2.3.9" }, "0102 08 0e 72322e332e39"],
    ["a reason", { reason: "é" }, "0004 06 c3a9"],
    ["a failure", { failure: failed }, `0008 ${text(FAILURE)}`],
    ["the time of a retry", { retryAt: AT }, "0010 AT"],
    [
      "all of it",
      {
        ...{ task: 3, hostId: "h", sessionId: "h", attempt: 1, recovery: 0, slotDelta: 1, slots: 4, deferral: 1 },
        ...{ leaseId: "r1.3.1", reason: "r", failure: failed, retryAt: 5 },
      },
      `ff1d 08 02 0468 04 04 02 04 0a 04 04 0472 ${text(FAILURE)} 0c`,
    ],
  ])("says %s", (_name, said, row) => {
    const events = [{ ...event, ...said }, { seq: 2, at: AT + 1, type: "RUN_PAUSED" } as const];
    expect(log(events)).toBe(bytes("01 06 04 AT 08", row, "04 05 0000 03"));
    const data = Buffer.from(log(events), "hex");
    expect(unpackEvents("r1", { data })).toStrictEqual(events);
  });
});

describe("the bytes of how a task run stands", () => {
  const event = { seq: 1, at: AT, type: "TASK_READY" } as const;
  const lease = { id: "r1.3.9", sessionId: "s", hostId: "h", slotSince: null, deferral: null };
  const outcome = { leaseId: "r1.3.9", sessionId: "s", kind: "complete", digest: "d", retry: null } as const;
  const deferral = {
    n: 1,
    pollIntervalMs: 5,
    maxWaitMs: 0,
    description: "",
    deferredAt: 1,
    reclaimedAt: null,
    outcome: null,
  };
  const ending = [{ id: "x", sessionId: "s", hostId: "h", reason: "TIMEOUT", holdsSlot: true }] as const;
  const losses = fullTask.losses;
  const patch = { set: { a: "1" }, removed: [] };

  it("has a number for each state", () => {
    const tasks = TASK_STATES.map((state, task): TaskRun => ({ ...plainTask, task, state, fence: 1 }));
    const [first, ...others] = tasks.map((_, index) => `${hex(2 * index + 2)} ${hex(1 + index)} 0000 02 04`);
    const row = bytes("01 04 04 AT 08 0000", `${first} 02 02 00`, ...others.map((other) => `${other} 04 00`), "03");
    expect(log([event], ...tasks)).toBe(row);
  });

  it.each<[name: string, said: Partial<TaskRun>, hex: string]>([
    ["nothing more", {}, "0000 06 04 02 02 00"],
    ["the host", { hostId: "h" }, "0000 06 04 02 0468 00"],
    ["a lease", { lease }, "0100 06 04 02 02 14 02 0473 02 0468 00"],
    ["another lease", { lease: { ...lease, id: "r1.4.9" } }, "0100 06 04 02 02 02 0e 72312e342e39 02 0473 02 0468 00"],
    ["a lease with a slot", { lease: { ...lease, slotSince: AT - 1 } }, "0110 06 04 02 02 14 02 0473 02 0468 03 00"],
    [
      "a lease with a deferral",
      { lease: { ...lease, deferral } },
      `0120 06 04 02 02 14 02 0473 02 0468 ${text(JSON.stringify(deferral))} 00`,
    ],
    ["an outcome", { outcome }, "0200 06 04 02 02 14 02 0473 01 0464 00"],
    [
      "an outcome with a retry",
      { outcome: { ...outcome, kind: "fail", retry: { at: 5, attempt: 2 } } },
      "0240 06 04 02 02 14 02 0473 02 0464 0c 06 00",
    ],
    ["a decline", { outcome: { ...outcome, kind: "decline" } }, "0200 06 04 02 02 14 02 0473 03 0464 00"],
    ["attempts before", { attemptsBefore: 2 }, "0400 06 04 02 02 06 00"],
    ["the time of a retry", { retryAt: AT }, "0800 06 04 02 02 AT 00"],
    ["a recovery", { recovery: 2 }, "1000 06 04 02 02 06 00"],
    ["losses", { lossesHeld: 2, lossesDeferred: 3 }, "2000 06 04 02 02 06 08 00"],
    ["losses while deferred", { lossesHeld: 0, lossesDeferred: 3 }, "2000 06 04 02 02 02 08 00"],
    ["what ends", { ending }, `4000 06 04 02 02 ${text(JSON.stringify(ending))} 00`],
    ["that it was skipped", { skip: "UPSTREAM_FAILED" }, "8000 06 04 02 02 01 00"],
    ["that its rule skipped it", { skip: "RULE" }, "8000 06 04 02 02 02 00"],
    ["the time of a slot", { slotHeldMs: 1_000 }, "0001 06 04 02 02 d20f 00"],
    ["when it was ready", { readyAt: AT - 2 }, "0002 06 04 02 02 05 00"],
    ["when it started", { startedAt: AT - 1 }, "0004 06 04 02 02 03 00"],
    ["when it finished", { finishedAt: AT }, "0008 06 04 02 02 02 00"],
    ["a failure", { failure: failed }, `0000 06 04 02 02 01 ${text(FAILURE)}`],
    ["lost hosts", { losses }, `0000 06 04 02 02 02 ${text(JSON.stringify(losses))}`],
    ["who declined", { declinedBy: ["s"] }, `0000 06 04 02 02 04 ${text('["s"]')}`],
    ["a checkpoint", { checkpoint: patch }, `0000 06 04 02 02 08 ${text(PATCH)}`],
    ["a patch", { patch }, `0000 06 04 02 02 20 ${text(PATCH)}`],
    ["an empty patch", { patch: { set: {}, removed: [] } }, "0000 06 04 02 02 80"],
  ])("says %s", (_name, said, row) => {
    const task: TaskRun = { ...plainTask, state: "FAILED", fence: 1, attempt: 2, ...said };
    const whole = bytes("01 04 04 AT 08 0000 08 08", row, "03");
    expect(log([event], task)).toBe(whole);
    const changes = unpackChanges("r1", { data: Buffer.from(whole, "hex"), tasks: null });
    expect(changes).toEqual([{ task: 3, state: "FAILED", fence: 1, attempt: 2, hostId: "", ...said }]);
  });

  it.each<[name: "checkpoint" | "patch", other: "checkpoint" | "patch", row: string]>([
    ["checkpoint", "patch", "30 0a6e756c6c"],
    ["patch", "checkpoint", "48 0a6e756c6c"],
  ])("says that a large %s is elsewhere, and %s is not", (name, other, row) => {
    const much = { set: { a: "1".repeat(LARGE) }, removed: [] };
    const whole = bytes("01 04 04 AT 08 0000 08 08 0000 02 04 02 02", row, "03");
    expect(log([event], { ...plainTask, state: "FAILED", fence: 1, [name]: much })).toBe(whole);
    const changes = unpackChanges("r1", { data: Buffer.from(whole, "hex"), tasks: null });
    expect(changes).toMatchObject([{ task: 3, [name]: true, [other]: null }]);
  });
});
