import { beforeEach, describe, expect, it } from "vitest";
import { PLAIN_FAILURE, PlainDraft } from "../testing/plain-draft.js";
import { leaseTask, resumeTask } from "./grants.js";
import { compileGraph } from "./graph.js";
import { type LeaseEvent, leaseEvent, type Receipt } from "./lease-events.js";
import type { TaskRun } from "./model.js";
import type { DecisionLimits, HostEffect } from "./run-draft.js";
import { advance, cancelRun, loseSession, timeOut } from "./run-machine.js";
import { slotsHeld } from "./task-run.js";

const LIMITS: DecisionLimits = {
  maxPatchBytes: 100,
  maxContextBytes: 200,
  maxFailureBytes: 60,
  maxLossesHeld: 3,
  maxLossesDeferred: 30,
};
const GRAPH = compileGraph({
  name: "w",
  description: "",
  tags: {},
  tasks: [
    { id: "a", dependencies: [], timeoutMs: 1_000 },
    { id: "b", dependencies: ["a"], timeoutMs: 0 },
  ],
});
const LEASE = "r1.0.1";
const FAILURE = { code: "TASK_FAILED", type: "E", message: "no", stack: "at" };

let draft: PlainDraft;
let effects: HostEffect[];
let now: number;

beforeEach(() => {
  effects = [];
  now = 100;
  draft = PlainDraft.started(GRAPH, LIMITS, now);
  leaseTask(draft, 0, { id: "s1", hostId: "h1" }, LIMITS, now);
});

function say(event: LeaseEvent, sessionId = "s1"): Receipt {
  return leaseEvent(draft, sessionId, event, effects, LIMITS, now);
}

function defer(n = 1, more: Partial<Extract<LeaseEvent, { type: "defer" }>> = {}): Receipt {
  return say({
    type: "defer",
    leaseId: LEASE,
    n,
    pollIntervalMs: 5,
    maxWaitMs: 0,
    description: "rain",
    patch: null,
    ...more,
  });
}

function complete(set: Record<string, string> | null = null, leaseId = LEASE): Receipt {
  return say({ type: "complete", leaseId, patch: set === null ? null : { set, removed: [] } });
}

const fail = (): Receipt => say({ type: "fail", leaseId: LEASE, failure: FAILURE, kind: PLAIN_FAILURE });
const reclaim = (n = 1): Receipt => say({ type: "reclaim", leaseId: LEASE, n });
const stopped = (): Receipt => say({ type: "stopped", leaseId: LEASE });
const decline = (): Receipt => say({ type: "decline", leaseId: LEASE, patch: null, reason: "drains" });
const checkpoint = (set: Record<string, string>): Receipt =>
  say({ type: "checkpoint", leaseId: LEASE, patch: { set, removed: [] } });

function grant(): void {
  effects.push(resumeTask(draft, 0, LIMITS, now));
}

function task(): TaskRun {
  return draft.task(0);
}

/** Everything that the host was told, and forgets it. */
function told(): string[] {
  return effects.splice(0).map((e) => (e.type === "deferred" || e.type === "granted" ? `${e.type} ${e.n}` : e.type));
}

/** The event changed nothing: neither the run, nor its log, nor a task run. */
function expectUnchanged(act: () => Receipt): Receipt {
  const before = structuredClone([draft.run(), draft.tasks(), draft.events]);
  const receipt = act();
  expect([draft.run(), draft.tasks(), draft.events]).toEqual(before);
  return receipt;
}

const EVENTS: Readonly<Record<LeaseEvent["type"], (leaseId: string) => LeaseEvent>> = {
  complete: (leaseId) => ({ type: "complete", leaseId, patch: null }),
  fail: (leaseId) => ({ type: "fail", leaseId, failure: FAILURE, kind: PLAIN_FAILURE }),
  defer: (leaseId) => ({
    type: "defer",
    leaseId,
    n: 1,
    pollIntervalMs: 1,
    maxWaitMs: 0,
    description: "",
    patch: { set: { big: JSON.stringify("x".repeat(200)) }, removed: [] },
  }),
  reclaim: (leaseId) => ({ type: "reclaim", leaseId, n: 1 }),
  checkpoint: (leaseId) => ({ type: "checkpoint", leaseId, patch: { set: { n: "1" }, removed: [] } }),
  stopped: (leaseId) => ({ type: "stopped", leaseId }),
  decline: (leaseId) => ({ type: "decline", leaseId, patch: null, reason: "" }),
};
const TYPES = Object.keys(EVENTS) as LeaseEvent["type"][];

describe("P3: an event about a lease that is not current changes nothing, and is answered STALE and Revoked", () => {
  it.each(TYPES)("%s of a lease that nobody gave out", (type) => {
    for (const leaseId of ["", "nonsense", "r1.0.2", "r1.7.1", "r1.1.1"]) {
      const receipt = expectUnchanged(() => say(EVENTS[type](leaseId)));
      expect(receipt).toMatchObject({ result: "STALE", error: { code: "LEASE_STALE" } });
      expect(effects.splice(0)).toMatchObject([{ type: "revoked", sessionId: "s1", leaseId }]);
    }
  });

  it.each(TYPES)("%s about a run that is not known", (type) => {
    const receipt = leaseEvent(null, "s1", EVENTS[type]("r9.0.1"), effects, LIMITS, now);
    expect(receipt.result).toBe("STALE");
    expect(told()).toEqual(["revoked"]);
  });

  it.each(TYPES)("%s from another session", (type) => {
    expect(expectUnchanged(() => say(EVENTS[type](LEASE), "s2")).result).toBe("STALE");
    expect(effects).toMatchObject([{ type: "revoked", sessionId: "s2", leaseId: LEASE }]);
  });

  it.each(TYPES)("%s of a lease whose session was lost, while another holds the task", (type) => {
    loseSession(draft, "s1", "expired", LIMITS, now);
    leaseTask(draft, 0, { id: "s2", hostId: "h2" }, LIMITS, now);
    expect(expectUnchanged(() => say(EVENTS[type](LEASE))).result).toBe("STALE");
    expect(told()).toEqual(["revoked"]);
    expect(task().lease).toMatchObject({ id: "r1.0.2", sessionId: "s2" });
  });

  it.each(TYPES)("%s of a fenced lease, from another session", (type) => {
    cancelRun(draft, "enough", now);
    expect(expectUnchanged(() => say(EVENTS[type](LEASE), "s2")).result).toBe("STALE");
    expect(slotsHeld(task())).toBe(1);
  });
});

describe("P4: receipts", () => {
  it("the same outcome again is a DUPLICATE with the first answer, another one a CONFLICT", () => {
    expect(complete({ n: "1", m: "2" }).result).toBe("APPLIED");
    expect(expectUnchanged(() => complete({ m: "2", n: "1" }))).toEqual({ result: "DUPLICATE" });
    for (const other of [() => complete({ n: "2" }), () => complete(), fail, decline]) {
      expect(expectUnchanged(other)).toMatchObject({ result: "CONFLICT", error: { code: "OUTCOME_CONFLICT" } });
    }
    expect(told()).toEqual([]);
    // What is no outcome is about a lease that has ended.
    for (const late of [defer, reclaim, stopped, () => checkpoint({ n: "1" })]) {
      expect(expectUnchanged(() => late()).result).toBe("STALE");
    }
    expect(told()).toEqual(["revoked", "revoked", "revoked", "revoked"]);
  });

  it("a failure tells that it is final, also when it is repeated; its stack does not count", () => {
    expect(fail()).toEqual({ result: "APPLIED", failure: { final: true } });
    const again = say({
      type: "fail",
      leaseId: LEASE,
      failure: { ...FAILURE, stack: "elsewhere" },
      kind: PLAIN_FAILURE,
    });
    expect(again).toEqual({ result: "DUPLICATE", failure: { final: true } });
    expect(
      say({ type: "fail", leaseId: LEASE, failure: { ...FAILURE, message: "yes" }, kind: PLAIN_FAILURE }).result,
    ).toBe("CONFLICT");
    expect(draft.run()).toMatchObject({ status: "FAILED", failed: 1, open: 0 });
  });

  it("a long failure is cut to the limit, the stack first, at a whole character", () => {
    const failure = { ...FAILURE, message: "é".repeat(25), stack: "ü".repeat(500) };
    expect(say({ type: "fail", leaseId: LEASE, failure, kind: PLAIN_FAILURE }).result).toBe("APPLIED");
    const { message = "", stack = "" } = task().failure ?? {};
    expect(message).toBe("é".repeat(25));
    expect(stack).toMatch(/^ü*…$/);
    expect(Buffer.byteLength(message + stack)).toBeLessThanOrEqual(LIMITS.maxFailureBytes);
    expect(say({ type: "fail", leaseId: LEASE, failure, kind: PLAIN_FAILURE }).result).toBe("DUPLICATE");
  });

  it("a message over the limit leaves no room for a stack", () => {
    say({
      type: "fail",
      leaseId: LEASE,
      failure: { ...FAILURE, message: "m".repeat(500), stack: "s" },
      kind: PLAIN_FAILURE,
    });
    const { message = "", stack = "" } = task().failure ?? {};
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(LIMITS.maxFailureBytes);
    expect(message.endsWith("m…")).toBe(true);
    expect(Buffer.byteLength(message + stack)).toBeLessThanOrEqual(LIMITS.maxFailureBytes + 3);
  });

  it("Stopped of a current lease is refused: it has not ended", () => {
    expect(expectUnchanged(stopped)).toMatchObject({ result: "REJECTED", error: { code: "REQUEST_INVALID" } });
    expect(slotsHeld(task())).toBe(1);
  });
});

describe("P8: a deferral", () => {
  it("gives the slot back, reclaims, gets it again, and goes on; numbers grow", () => {
    expect(defer().result).toBe("APPLIED");
    expect([told(), slotsHeld(task()), task().state]).toEqual([["deferred 1"], 0, "DEFERRED"]);
    now += 10;
    expect(reclaim().result).toBe("APPLIED");
    expect([told(), slotsHeld(task()), task().state]).toEqual([[], 0, "RECLAIMING"]);
    now += 25;
    grant();
    expect(effects.splice(0)).toEqual([
      { type: "granted", sessionId: "s1", leaseId: LEASE, n: 1, outcome: "MET", waitedMs: 25 },
    ]);
    expect([slotsHeld(task()), task().state, task().attempt, task().fence]).toEqual([1, "LEASED", 1, 1]);
    expect(defer(2).result).toBe("APPLIED");
    expect(told()).toEqual(["deferred 2"]);
    reclaim(2);
    grant();
    expect(complete().result).toBe("APPLIED");
    expect(draft.slotsByLog()).toBe(0);
  });

  it("a lower or equal number is a DUPLICATE; the last one is answered again as far as it has come", () => {
    defer();
    told();
    expect(expectUnchanged(() => defer())).toEqual({ result: "DUPLICATE" });
    expect(told()).toEqual(["deferred 1"]);
    reclaim();
    expect(expectUnchanged(() => defer()).result).toBe("DUPLICATE");
    // It waits for its slot: there is nothing to tell yet.
    expect(told()).toEqual([]);
    expect(expectUnchanged(() => reclaim()).result).toBe("DUPLICATE");
    grant();
    told();
    expect(expectUnchanged(() => reclaim()).result).toBe("DUPLICATE");
    expect(told()).toEqual(["granted 1"]);
    expect(expectUnchanged(() => defer()).result).toBe("DUPLICATE");
    expect(told()).toEqual(["granted 1"]);
    defer(2);
    told();
    expect(expectUnchanged(() => defer(1)).result).toBe("DUPLICATE");
    expect(expectUnchanged(() => reclaim(1)).result).toBe("DUPLICATE");
    expect(told()).toEqual([]);
  });

  it("a number that is not due is refused", () => {
    for (const n of [0, 2, 7]) {
      const receipt = expectUnchanged(() => defer(n));
      expect(receipt).toMatchObject({ result: "REJECTED", error: { code: "DEFERRAL_OUT_OF_ORDER" } });
      expect(receipt.error?.message).toContain("expected 1");
    }
    expect(expectUnchanged(() => reclaim(1))).toMatchObject({
      result: "REJECTED",
      error: { code: "DEFERRAL_OUT_OF_ORDER", message: expect.stringContaining("no deferral") },
    });
    defer();
    expect(expectUnchanged(() => reclaim(2)).error?.code).toBe("DEFERRAL_OUT_OF_ORDER");
    expect(expectUnchanged(() => reclaim(0)).error?.code).toBe("DEFERRAL_OUT_OF_ORDER");
  });

  it("while it is open the task can neither complete nor defer again, and it can fail and checkpoint", () => {
    defer();
    for (const open of [() => complete(), () => defer(2)]) {
      expect(expectUnchanged(open)).toMatchObject({ result: "REJECTED", error: { code: "DEFERRAL_OPEN" } });
    }
    reclaim();
    expect(expectUnchanged(() => complete()).error?.code).toBe("DEFERRAL_OPEN");
    expect(checkpoint({ n: "1" }).result).toBe("APPLIED");
    expect(fail().result).toBe("APPLIED");
    expect(draft.slotsByLog()).toBe(0);
    expect(task()).toMatchObject({ state: "FAILED", patch: { set: { n: "1" }, removed: [] } });
  });

  it("commits its checkpoint with it", () => {
    defer(1, { patch: { set: { half: "1" }, removed: [] } });
    expect(task().checkpoint).toEqual({ set: { half: "1" }, removed: [] });
  });
});

describe("P8: races", () => {
  const stages = {
    deferring: () => {},
    deferred: () => void defer(),
    reclaiming: () => {
      defer();
      reclaim();
    },
    resumed: () => {
      defer();
      reclaim();
      grant();
    },
  };

  it.each([
    // The cancellation came first: the deferral that was on its way finds a fenced lease.
    ["deferring", 1],
    ["deferred", 0],
    ["reclaiming", 0],
    ["resumed", 1],
  ] as const)("cancel while %s: the lease is fenced, and holds %i slots until the host has stopped", (stage, held) => {
    stages[stage]();
    told();
    effects.push(...cancelRun(draft, "enough", now));
    expect(told()).toEqual(["cancel"]);
    expect(task()).toMatchObject({ state: "CANCELLED", lease: null });
    expect([slotsHeld(task()), draft.slotsByLog()]).toEqual([held, held]);
    for (const late of [() => defer(), () => reclaim(), () => checkpoint({ n: "1" })]) {
      expect(expectUnchanged(late).result).toBe("STALE");
    }
    told();
    expect(stopped().result).toBe("APPLIED");
    expect([slotsHeld(task()), draft.slotsByLog(), task().ending]).toEqual([0, 0, []]);
    expect(told()).toEqual([]);
    expect(expectUnchanged(stopped).result).toBe("STALE");
  });

  it.each([
    ["Complete", () => complete({ n: "1" })],
    ["Fail", fail],
    ["Decline", decline],
  ])("a late %s after a cancellation frees the slot and counts for nothing", (_name, late) => {
    cancelRun(draft, "enough", now);
    expect(slotsHeld(task())).toBe(1);
    expect(late()).toMatchObject({ result: "STALE", error: { message: expect.stringContaining("RUN_CANCELLED") } });
    expect([slotsHeld(task()), draft.slotsByLog()]).toEqual([0, 0]);
    expect(task()).toMatchObject({ state: "CANCELLED", patch: null, failure: null, declinedBy: [], ending: [] });
    expect(draft.run().status).toBe("CANCELLED");
    expect(expectUnchanged(late).result).toBe("STALE");
  });

  it("Complete first, then the cancellation: the completion stands", () => {
    complete({ n: "1" });
    effects.push(...cancelRun(draft, "enough", now));
    expect(told()).toEqual([]);
    expect(task()).toMatchObject({ state: "SUCCEEDED", ending: [] });
    expect(draft.task(1).state).toBe("CANCELLED");
    expect(complete({ n: "1" }).result).toBe("DUPLICATE");
  });

  it("max_wait first, then Reclaim: a DUPLICATE, and the outcome is MAX_WAIT", () => {
    defer(1, { maxWaitMs: 10 });
    advance(draft, 0, { type: "reclaim", outcome: "MAX_WAIT" }, LIMITS, now);
    expect(expectUnchanged(() => reclaim()).result).toBe("DUPLICATE");
    grant();
    expect(effects.at(-1)).toMatchObject({ type: "granted", outcome: "MAX_WAIT" });
    told();
    // The grant was lost on the wire, and the host reclaims again.
    expect(reclaim().result).toBe("DUPLICATE");
    expect(effects).toMatchObject([{ type: "granted", outcome: "MAX_WAIT", n: 1 }]);
  });

  it("a timeout that fires just before the deferral: the lease is fenced and holds its slot", () => {
    effects.push(...timeOut(draft, 0, LIMITS, now));
    expect(effects.splice(0)).toMatchObject([{ type: "cancel", reason: "TIMEOUT", leaseId: LEASE }]);
    expect(expectUnchanged(() => defer()).result).toBe("STALE");
    expect(slotsHeld(task())).toBe(1);
    expect(complete().result).toBe("STALE");
    expect(slotsHeld(task())).toBe(0);
    expect(task()).toMatchObject({ state: "FAILED", failure: { code: "TASK_TIMEOUT" } });
  });

  it("a deferral just before the timeout would fire: there is nothing to time out", () => {
    defer();
    expect(timeOut(draft, 0, LIMITS, now + 5_000)).toEqual([]);
    expect(task().state).toBe("DEFERRED");
  });

  it.each(["deferring", "deferred", "reclaiming", "resumed"] as const)("the session is lost while %s", (stage) => {
    stages[stage]();
    const held = slotsHeld(task());
    loseSession(draft, "s1", "expired", LIMITS, now);
    expect(task()).toMatchObject({
      state: "READY",
      recovery: 1,
      lossesHeld: held,
      lossesDeferred: 1 - held,
      lease: null,
    });
    expect(draft.slotsByLog()).toBe(0);
    expect(expectUnchanged(() => reclaim()).result).toBe("STALE");
  });

  it.each(["deferring", "deferred", "reclaiming", "resumed"] as const)("P12: decline while %s", (stage) => {
    stages[stage]();
    told();
    expect(decline().result).toBe("APPLIED");
    expect(task()).toMatchObject({ state: "READY", attempt: 1, recovery: 0, declinedBy: ["s1"], lossesHeld: 0 });
    expect(draft.slotsByLog()).toBe(0);
    expect(expectUnchanged(decline).result).toBe("DUPLICATE");
    expect(expectUnchanged(() => reclaim()).result).toBe("STALE");
  });
});

describe("P10: a patch over the limit is REJECTED and final", () => {
  const big = { big: JSON.stringify("x".repeat(200)) };
  const patch = { set: big, removed: [] };

  it.each([
    ["complete", () => complete(big)],
    ["checkpoint", () => checkpoint(big)],
    ["defer", () => defer(1, { patch })],
    ["decline", () => say({ type: "decline", leaseId: LEASE, patch, reason: "" })],
  ])("with %s", (_name, act) => {
    const receipt = act();
    expect(receipt).toMatchObject({
      result: "REJECTED",
      error: { code: "CONTEXT_TOO_LARGE", message: expect.stringContaining("the limit is 100") },
      failure: { final: true },
    });
    expect(task()).toMatchObject({ state: "FAILED", patch: null, checkpoint: null });
    expect([draft.task(1).state, draft.run().status, draft.slotsByLog()]).toEqual(["SKIPPED", "FAILED", 0]);
    expect(told()).toEqual([]);
  });

  it.each([
    ["complete", (set: Record<string, string>) => complete(set)],
    ["checkpoint", (set: Record<string, string>) => checkpoint(set)],
    ["defer", (set: Record<string, string>) => defer(1, { patch: { set, removed: [] } })],
    [
      "decline",
      (set: Record<string, string>) =>
        say({ type: "decline", leaseId: LEASE, patch: { set, removed: [] }, reason: "" }),
    ],
  ])("with %s, what was committed before counted in", (_name, act) => {
    const half = JSON.stringify("x".repeat(55));
    expect(checkpoint({ a: half })).toEqual({ result: "APPLIED" });
    // The same key again takes no more room.
    expect(checkpoint({ a: half })).toEqual({ result: "APPLIED" });
    expect(act({ b: half })).toMatchObject({ result: "REJECTED", error: { code: "CONTEXT_TOO_LARGE" } });
    // What it had committed stays.
    expect(task()).toMatchObject({ state: "FAILED", patch: { set: { a: half }, removed: [] } });
  });

  it.each([
    ["complete", () => complete(big)],
    ["decline", () => say({ type: "decline", leaseId: LEASE, patch, reason: "" })],
  ])("a %s that is sent again is a DUPLICATE with the first answer (P4)", (_name, act) => {
    const { error } = act();
    expect(expectUnchanged(act)).toEqual({ result: "DUPLICATE", error, failure: { final: true } });
    expect(expectUnchanged(() => complete({ small: "1" })).result).toBe("CONFLICT");
    expect(expectUnchanged(() => complete()).result).toBe("CONFLICT");
  });

  it("one of exactly the limit is fine", () => {
    expect(complete({ n: `"${"x".repeat(LIMITS.maxPatchBytes - 16 - 3)}"` }).result).toBe("APPLIED");
  });

  it("one byte more is not", () => {
    expect(complete({ n: `"${"x".repeat(LIMITS.maxPatchBytes - 16 - 2)}"` }).error?.code).toBe("CONTEXT_TOO_LARGE");
  });

  it("keys count, however small they are", () => {
    const set = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [String(n), "1"]));
    expect(complete(set).error).toMatchObject({
      code: "CONTEXT_TOO_LARGE",
      message: expect.stringContaining("has 180 bytes"),
    });
  });

  it("a malformed patch is REJECTED with every problem, changes nothing, and the task goes on", () => {
    const bad = { set: { n: "monday", ok: "1" }, removed: ["ok"] };
    const receipt = expectUnchanged(() => say({ type: "complete", leaseId: LEASE, patch: bad }));
    expect(receipt).toMatchObject({ result: "REJECTED", error: { code: "CONTEXT_VALUE_INVALID" } });
    expect(receipt.error?.problems).toHaveLength(2);
    expect(receipt.error?.problems[0]?.field).toContain("complete.patch");
    expect(expectUnchanged(() => defer(1, { patch: bad })).error?.problems[0]?.field).toContain("defer");
    expect(complete().result).toBe("APPLIED");
  });
});
