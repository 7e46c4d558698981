import { beforeEach, describe, expect, it } from "vitest";
import { FAILURE, LEASE, LeaseScene, LIMITS } from "../testing/lease-scene.js";
import { PLAIN_FAILURE } from "../testing/plain-draft.js";
import { leaseTask } from "./grants.js";
import { type LeaseEvent, leaseEvent } from "./lease-events.js";
import { cancelRun, loseSession } from "./run-machine.js";
import { slotsHeld } from "./task-run.js";

const scene = new LeaseScene();
const { say, defer, complete, fail, reclaim, stopped, decline, checkpoint, task, told, expectUnchanged } = scene;

beforeEach(() => {
  scene.begin();
});

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
      expect(scene.effects.splice(0)).toMatchObject([{ type: "revoked", sessionId: "s1", leaseId }]);
    }
  });

  it.each(TYPES)("%s about a run that is not known", (type) => {
    const receipt = leaseEvent(null, "s1", EVENTS[type]("r9.0.1"), scene.effects, LIMITS, scene.now);
    expect(receipt.result).toBe("STALE");
    expect(told()).toEqual(["revoked"]);
  });

  it.each(TYPES)("%s from another session", (type) => {
    expect(expectUnchanged(() => say(EVENTS[type](LEASE), "s2")).result).toBe("STALE");
    expect(scene.effects).toMatchObject([{ type: "revoked", sessionId: "s2", leaseId: LEASE }]);
  });

  it.each(TYPES)("%s of a lease whose session was lost, while another holds the task", (type) => {
    loseSession(scene.draft, "s1", "expired", LIMITS, scene.now);
    leaseTask(scene.draft, 0, { id: "s2", hostId: "h2" }, LIMITS, scene.now);
    expect(expectUnchanged(() => say(EVENTS[type](LEASE))).result).toBe("STALE");
    expect(told()).toEqual(["revoked"]);
    expect(task().lease).toMatchObject({ id: "r1.0.2", sessionId: "s2" });
  });

  it.each(TYPES)("%s of a fenced lease, from another session", (type) => {
    cancelRun(scene.draft, "enough", scene.now);
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
    expect(scene.draft.run()).toMatchObject({ status: "FAILED", failed: 1, open: 0 });
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
    expect([scene.draft.task(1).state, scene.draft.run().status, scene.draft.slotsByLog()]).toEqual([
      "SKIPPED",
      "FAILED",
      0,
    ]);
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
