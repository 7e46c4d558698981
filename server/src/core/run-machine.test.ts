import { describe, expect, it } from "vitest";
import { PlainDraft } from "../testing/plain-draft.js";
import { leaseGrant, leaseTask, resumeTask } from "./grants.js";
import { compileGraph } from "./graph.js";
import { viewToText } from "./merge.js";
import type { DecisionLimits } from "./run-draft.js";
import {
  advance,
  cancelRun,
  isRunOver,
  loseSession,
  plainFailure,
  runOutput,
  startRun,
  taskInput,
  timeOut,
} from "./run-machine.js";

const LIMITS: DecisionLimits = {
  maxPatchBytes: 1_000,
  maxContextBytes: 100,
  maxFailureBytes: 60,
  maxLossesHeld: 3,
  maxLossesDeferred: 30,
};
const SESSION = { id: "s1", hostId: "h1" };

function graph(tasks: Readonly<Record<string, readonly string[]>>, timeoutMs = 0) {
  const list = Object.entries(tasks).map(([id, dependencies]) => ({ id, dependencies, timeoutMs }));
  return compileGraph({ name: "w", description: "", tags: {}, tasks: list });
}

function finish(draft: PlainDraft, index: number, set: Record<string, string> = {}, now = 10): void {
  leaseTask(draft, index, SESSION, LIMITS, now);
  advance(draft, index, { type: "complete", patch: { set, removed: [] }, digest: "" }, LIMITS, now);
}

function states(draft: PlainDraft): string[] {
  return draft.tasks().map((task) => task.state);
}

const FAIL = { type: "fail" as const, failure: plainFailure("TASK_FAILED", "no"), digest: "", retryAt: null };

describe("the start of a run", () => {
  it("makes the roots ready, in declared order, and leaves the run pending", () => {
    const draft = new PlainDraft(graph({ a: [], b: ["a"], c: [] }));
    startRun(draft, LIMITS, 5);
    expect(states(draft)).toEqual(["READY", "WAITING", "READY"]);
    expect(draft.events).toEqual([
      { seq: 1, at: 5, type: "RUN_STARTED" },
      { seq: 2, at: 5, type: "TASK_READY", task: 0 },
      { seq: 3, at: 5, type: "TASK_READY", task: 2 },
    ]);
    expect(draft.run()).toMatchObject({ status: "PENDING", startedAt: null, eventSeq: 3 });
  });

  it("fails at once when the input is over the limit: no attempt, all that depends on it skipped", () => {
    const draft = PlainDraft.started(graph({ a: [], b: ["a"] }), LIMITS, 5, { input: { k: `"${"x".repeat(100)}"` } });
    // The end of a run comes with the end of its last task run.
    expect(states(draft)).toEqual(["FAILED", "SKIPPED"]);
    expect(draft.run()).toMatchObject({ status: "FAILED", open: 0, failed: 1, finishedAt: 5 });
    expect(draft.types().at(-1)).toBe("RUN_FAILED");
  });
});

describe("a run", () => {
  it("runs from its first lease on", () => {
    const draft = PlainDraft.started(graph({ a: [], b: [] }), LIMITS, 5);
    leaseTask(draft, 0, SESSION, LIMITS, 7);
    leaseTask(draft, 1, SESSION, LIMITS, 9);
    expect(draft.run()).toMatchObject({ status: "RUNNING", startedAt: 7 });
  });

  it("makes a task ready with the end of its last dependency, in whatever order they end", () => {
    const draft = PlainDraft.started(graph({ a: [], b: [], c: ["b", "a"] }), LIMITS, 5);
    finish(draft, 1);
    expect([draft.task(2).state, draft.task(2).remaining]).toEqual(["WAITING", 1]);
    finish(draft, 0);
    expect([draft.task(2).state, draft.task(2).remaining]).toEqual(["READY", 0]);
  });

  it("succeeds when every task has, and says so last", () => {
    const draft = PlainDraft.started(graph({ a: [], b: [] }), LIMITS, 5);
    finish(draft, 0);
    expect(draft.run().status).toBe("RUNNING");
    finish(draft, 1, {}, 20);
    expect(draft.run()).toMatchObject({ status: "SUCCEEDED", finishedAt: 20, open: 0, failed: 0, reason: "" });
    expect(draft.types().at(-1)).toBe("RUN_SUCCEEDED");
    expect(draft.slotsByLog()).toBe(0);
  });

  it("fails only when all has ended, and names the first failure in declared order", () => {
    const draft = PlainDraft.started(graph({ a: [], b: [], c: ["b"], d: ["c", "a"] }), LIMITS, 5);
    leaseTask(draft, 1, SESSION, LIMITS, 6);
    advance(draft, 1, FAIL, LIMITS, 7);
    expect(states(draft)).toEqual(["READY", "FAILED", "SKIPPED", "WAITING"]);
    expect(draft.run()).toMatchObject({ status: "RUNNING", failed: 1, open: 2 });
    leaseTask(draft, 0, SESSION, LIMITS, 8);
    advance(draft, 0, { ...FAIL, failure: plainFailure("X", "later and first") }, LIMITS, 9);
    expect(states(draft)).toEqual(["FAILED", "FAILED", "SKIPPED", "SKIPPED"]);
    expect(draft.run()).toMatchObject({
      status: "FAILED",
      failed: 2,
      open: 0,
      reason: 'task "a" failed: later and first',
    });
    expect(draft.types().filter((t) => t === "RUN_FAILED")).toHaveLength(1);
  });

  it("skips down a chain of 20,000 tasks without a stack as deep", () => {
    const tasks: Record<string, string[]> = {};
    for (let i = 0; i < 20_000; i++) tasks[`t${i}`] = i === 0 ? [] : [`t${i - 1}`];
    const draft = PlainDraft.started(graph(tasks), LIMITS, 5);
    leaseTask(draft, 0, SESSION, LIMITS, 6);
    advance(draft, 0, FAIL, LIMITS, 7);
    expect(draft.run()).toMatchObject({ status: "FAILED", open: 0, failed: 1 });
    expect(draft.task(19_999)).toMatchObject({ state: "SKIPPED", skip: "UPSTREAM_FAILED" });
  });

  it("computes the context of a chain of 20,000 tasks without a stack as deep", () => {
    const tasks: Record<string, string[]> = {};
    for (let i = 0; i < 20_000; i++) tasks[`t${i}`] = i === 0 ? [] : [`t${i - 1}`];
    const draft = PlainDraft.started(graph(tasks), LIMITS, 5, { input: { n: "1" } });
    expect(viewToText(taskInput(draft, 19_999))).toEqual({ n: "1" });
  });

  it("folds the leaves into its context", () => {
    const draft = PlainDraft.started(graph({ a: [], b: ["a"], c: ["a"] }), LIMITS, 5, { input: { n: "0" } });
    finish(draft, 0, { n: "1" });
    finish(draft, 1, { b: "1" });
    finish(draft, 2, { n: "2" });
    expect(viewToText(runOutput(draft))).toEqual({ n: "2", b: "1" });
  });
});

describe("a cancellation", () => {
  it("ends every open task run, tells the holders, and leaves what has ended", () => {
    const draft = PlainDraft.started(
      graph({ done: [], held: [], deferred: [], ready: [], waiting: ["held"] }),
      LIMITS,
      5,
    );
    finish(draft, 0);
    for (const index of [1, 2]) leaseTask(draft, index, SESSION, LIMITS, 6);
    const defer = { type: "defer" as const, n: 1, pollIntervalMs: 1, maxWaitMs: 0, description: "", patch: null };
    advance(draft, 2, defer, LIMITS, 7);
    const effects = cancelRun(draft, "enough", 8);
    expect(states(draft)).toEqual(["SUCCEEDED", "CANCELLED", "CANCELLED", "CANCELLED", "CANCELLED"]);
    expect(effects).toEqual(
      ["r1.1.1", "r1.2.1"].map((leaseId) => ({
        type: "cancel",
        sessionId: "s1",
        leaseId,
        reason: "RUN_CANCELLED",
        detail: "enough",
      })),
    );
    expect(draft.run()).toMatchObject({ status: "CANCELLED", reason: "enough", open: 0, finishedAt: 8 });
    expect([draft.types().at(-1), draft.slotsByLog()]).toEqual(["RUN_CANCELLED", 1]);
    expect(cancelRun(draft, "again", 9)).toEqual([]);
    expect(draft.run().reason).toBe("enough");
  });

  it("ends a run that has not begun", () => {
    const draft = PlainDraft.started(graph({ a: [] }), LIMITS, 5);
    expect(cancelRun(draft, "enough", 6)).toEqual([]);
    expect(draft.run()).toMatchObject({ status: "CANCELLED", startedAt: null });
  });
});

describe("a lost session", () => {
  it("loses each of its leases and no others, and its fenced ones give their slots back", () => {
    const draft = PlainDraft.started(graph({ a: [], b: [], c: [] }, 10), LIMITS, 5);
    leaseTask(draft, 0, SESSION, LIMITS, 6);
    leaseTask(draft, 1, { id: "s2", hostId: "h2" }, LIMITS, 6);
    leaseTask(draft, 2, SESSION, LIMITS, 6);
    timeOut(draft, 2, LIMITS, 16);
    expect(draft.slotsByLog()).toBe(3);
    loseSession(draft, "s1", "expired", LIMITS, 20);
    expect(states(draft)).toEqual(["READY", "LEASED", "FAILED"]);
    expect(draft.task(2).ending).toEqual([]);
    expect(draft.slotsByLog()).toBe(1);
    expect(draft.events.slice(-2)).toMatchObject([
      { type: "TASK_LOST", task: 0, reason: "expired", slotDelta: -1 },
      { type: "LEASE_ENDED", task: 2, reason: "expired", slotDelta: -1 },
    ]);
  });

  it("ends a task run with HOST_LOST at the limit, each kind of loss by its own count", () => {
    const limits = { ...LIMITS, maxLossesHeld: 2, maxLossesDeferred: 3 };
    const draft = PlainDraft.started(graph({ a: [] }), limits, 5);
    const defer = { type: "defer" as const, n: 1, pollIntervalMs: 1, maxWaitMs: 0, description: "", patch: null };
    const lose = (deferred: boolean): string => {
      leaseTask(draft, 0, SESSION, limits, 6);
      if (deferred) advance(draft, 0, defer, limits, 7);
      loseSession(draft, "s1", "expired", limits, 8);
      return draft.task(0).state;
    };
    expect([lose(true), lose(false), lose(true), lose(true)]).toEqual(["READY", "READY", "READY", "FAILED"]);
    expect(draft.task(0)).toMatchObject({
      lossesHeld: 1,
      lossesDeferred: 3,
      failure: { code: "HOST_LOST", message: expect.stringContaining("3 hosts were lost while it was deferred") },
    });
    expect(draft.events.at(-2)).toMatchObject({ type: "TASK_FAILED", failure: { code: "HOST_LOST" } });
    // All of them, of both kinds.
    const { losses, failure } = draft.task(0);
    expect(losses.map(({ slotHeld }) => slotHeld)).toEqual([false, true, false, false]);
    expect(losses[1]).toEqual({
      hostId: SESSION.hostId,
      sessionId: "s1",
      leaseId: `${draft.run().id}.0.2`,
      attempt: 1,
      at: 8,
      slotHeld: true,
      reason: "expired",
    });
    expect(failure?.losses).toEqual(losses);
    expect(draft.slotsByLog()).toBe(0);
  });
});

describe("grants", () => {
  it("a lease tells its timeout, what is left of it when it is sent again, and never 0 for a limit", () => {
    const draft = PlainDraft.started(graph({ a: [] }, 100), LIMITS, 5);
    expect(leaseTask(draft, 0, SESSION, LIMITS, 10)).toMatchObject({ timeoutRemainingMs: 100, fence: 1, attempt: 1 });
    expect(leaseGrant(draft, draft.task(0), 70).timeoutRemainingMs).toBe(40);
    expect(leaseGrant(draft, draft.task(0), 500).timeoutRemainingMs).toBe(1);
  });

  it("cannot be given to what does not wait for one", () => {
    const draft = PlainDraft.started(graph({ a: [], b: ["a"] }), LIMITS, 5);
    expect(() => leaseTask(draft, 1, SESSION, LIMITS, 6)).toThrow("not allowed in WAITING");
    leaseTask(draft, 0, SESSION, LIMITS, 6);
    expect(() => leaseTask(draft, 0, SESSION, LIMITS, 7)).toThrow("not allowed in LEASED");
    expect(() => resumeTask(draft, 0, LIMITS, 7)).toThrow("not allowed in LEASED");
  });
});

it("a run is over in three of its statuses", () => {
  const all = ["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"] as const;
  expect(all.filter(isRunOver)).toEqual(["SUCCEEDED", "FAILED", "CANCELLED"]);
});
