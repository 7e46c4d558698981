import { describe, expect, it } from "vitest";
import { ago, host, log, run, task, workflow } from "../testing/fixtures.js";
import { RawJson, toJson } from "./raw-json.js";
import { eventJson, explanationJson, hostJson, runJson, taskJson, wholeRunJson, workflowJson } from "./shapes.js";

describe("JSON", () => {
  it("is what JSON.stringify makes, with dates in UTC and raw parts as they are", () => {
    const value = { a: [1, "x\n\u2028", null, true, { b: -0.5 }], c: "é" };
    expect(JSON.parse(toJson(value))).toEqual(value);
    expect(toJson({ at: ago(1), n: new RawJson("12345678901234567890.0") })).toBe(
      '{"at":"2026-11-24T11:59:59.999Z","n":12345678901234567890.0}',
    );
  });
});

// These members are promised (docs/CLI.md): a new one is added here and there; none goes, and none is renamed.
describe("the shape", () => {
  const run22 = run({ contextText: { big: "9007199254740993" }, finishedAt: ago(0), labels: { a: "b" } });

  it("of a run", () => {
    expect(Object.keys(runJson(run22))).toEqual([
      "runId",
      "namespace",
      "workflow",
      "workflowVersion",
      "status",
      "priority",
      "labels",
      "createdAt",
      "startedAt",
      "finishedAt",
      "deadlineAt",
      "reason",
    ]);
    expect(Object.keys(wholeRunJson(run22)).slice(12)).toEqual(["taskCounts", "context"]);
    expect(toJson(wholeRunJson(run22))).toContain('"context":{"big":9007199254740993}');
    expect(JSON.parse(toJson(runJson(run22)))).toMatchObject({
      status: "RUNNING",
      finishedAt: "2026-11-24T12:00:00.000Z",
      deadlineAt: null,
      labels: { a: "b" },
    });
  });

  it("of a task", () => {
    expect(Object.keys(taskJson(task("a")))).toEqual([
      "task",
      "state",
      "attempt",
      "recovery",
      "fence",
      "leaseId",
      "hostId",
      "deferral",
      "waitingFor",
      "failure",
      "reason",
      "skipCause",
      "readyAt",
      "startedAt",
      "finishedAt",
      "retryAt",
      "slotHeldMs",
      "hostLosses",
    ]);
    const failure = { code: "TASK_FAILED", type: "Error", message: "no", stack: "at x" };
    expect(taskJson(task("a", { failure }))).toMatchObject({ failure });
    const loss = {
      hostId: "host-a",
      sessionId: "s1",
      leaseId: "l1",
      attempt: 1,
      at: new Date(0),
      slotHeld: true,
      reason: "its session expired",
    };
    const lost = { ...failure, code: "HOST_LOST", hostLosses: [loss] };
    expect(taskJson(task("a", { failure: lost, hostLosses: [loss] }))).toMatchObject({
      failure: lost,
      hostLosses: [loss],
    });
  });

  it("of an event", () => {
    const [event] = log([0, "TASK_LEASED", "a"]);
    expect(event === undefined ? [] : Object.keys(eventJson(event))).toEqual([
      "runId",
      "workflow",
      "eventSeq",
      "at",
      "type",
      "task",
      "leaseId",
      "hostId",
      "attempt",
      "recovery",
      "slotDelta",
      "deferral",
      "reason",
      "failure",
      "retryAt",
      "sessionId",
      "slots",
      "workflowVersion",
    ]);
  });

  it("of a workflow, a host and an explanation", () => {
    expect(Object.keys(workflowJson(workflow()))).toEqual([
      "name",
      "namespace",
      "version",
      "current",
      "promoted",
      "paused",
      "registeredAt",
      "taskCount",
    ]);
    const lease = { leaseId: "l", runId: "r", task: "a", state: "LEASED" as const, isEnding: false };
    const shown = hostJson(host({ leases: [lease] }));
    expect(Object.keys(shown)).toEqual([
      "hostId",
      "instanceId",
      "sessionId",
      "generation",
      "connected",
      "draining",
      "slots",
      "held",
      "deferred",
      "maxLeases",
      "labels",
      "sdk",
      "buildId",
      "mainLoopLagMs",
      "lastHeardMs",
      "leases",
      "implements",
    ]);
    expect(shown["leases"]).toEqual([{ leaseId: "l", runId: "r", task: "a", state: "LEASED", ending: false }]);
    const explained = {
      task: "a",
      state: "READY" as const,
      reason: "NO_HOST" as const,
      message: "no host",
      waitingForTasks: [],
      hosts: [],
      until: null,
    };
    expect(explanationJson("r", { status: "RUNNING", leftOut: 0, tasks: [explained] })).toEqual({
      runId: "r",
      status: "RUNNING",
      tasks: [explained],
      leftOut: 0,
    });
  });
});
