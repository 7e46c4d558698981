import { beforeEach, describe, expect, it } from "vitest";
import { LEASE, LeaseScene, LIMITS } from "../testing/lease-scene.js";
import { advance, cancelRun, loseSession, timeOut } from "./run-machine.js";
import { slotsHeld } from "./task-run.js";

const scene = new LeaseScene();
const { defer, complete, fail, reclaim, stopped, decline, checkpoint, grant, task, told, expectUnchanged } = scene;

beforeEach(() => {
  scene.begin();
});

describe("P8: a deferral", () => {
  it("gives the slot back, reclaims, gets it again, and goes on; numbers grow", () => {
    expect(defer().result).toBe("APPLIED");
    expect([told(), slotsHeld(task()), task().state]).toEqual([["deferred 1"], 0, "DEFERRED"]);
    scene.now += 10;
    expect(reclaim().result).toBe("APPLIED");
    expect([told(), slotsHeld(task()), task().state]).toEqual([[], 0, "RECLAIMING"]);
    scene.now += 25;
    grant();
    expect(scene.effects.splice(0)).toEqual([
      { type: "granted", sessionId: "s1", leaseId: LEASE, n: 1, outcome: "MET", waitedMs: 25 },
    ]);
    expect([slotsHeld(task()), task().state, task().attempt, task().fence]).toEqual([1, "LEASED", 1, 1]);
    expect(defer(2).result).toBe("APPLIED");
    expect(told()).toEqual(["deferred 2"]);
    reclaim(2);
    grant();
    expect(complete().result).toBe("APPLIED");
    expect(scene.draft.slotsByLog()).toBe(0);
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
    expect(scene.draft.slotsByLog()).toBe(0);
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
    scene.effects.push(...cancelRun(scene.draft, "enough", scene.now));
    expect(told()).toEqual(["cancel"]);
    expect(task()).toMatchObject({ state: "CANCELLED", lease: null });
    expect([slotsHeld(task()), scene.draft.slotsByLog()]).toEqual([held, held]);
    for (const late of [() => defer(), () => reclaim(), () => checkpoint({ n: "1" })]) {
      expect(expectUnchanged(late).result).toBe("STALE");
    }
    told();
    expect(stopped().result).toBe("APPLIED");
    expect([slotsHeld(task()), scene.draft.slotsByLog(), task().ending]).toEqual([0, 0, []]);
    expect(told()).toEqual([]);
    expect(expectUnchanged(stopped).result).toBe("STALE");
  });

  it.each([
    ["Complete", () => complete({ n: "1" })],
    ["Fail", fail],
    ["Decline", decline],
  ])("a late %s after a cancellation frees the slot and counts for nothing", (_name, late) => {
    cancelRun(scene.draft, "enough", scene.now);
    expect(slotsHeld(task())).toBe(1);
    expect(late()).toMatchObject({ result: "STALE", error: { message: expect.stringContaining("RUN_CANCELLED") } });
    expect([slotsHeld(task()), scene.draft.slotsByLog()]).toEqual([0, 0]);
    expect(task()).toMatchObject({ state: "CANCELLED", patch: null, failure: null, declinedBy: [], ending: [] });
    expect(scene.draft.run().status).toBe("CANCELLED");
    expect(expectUnchanged(late).result).toBe("STALE");
  });

  it("Complete first, then the cancellation: the completion stands", () => {
    complete({ n: "1" });
    scene.effects.push(...cancelRun(scene.draft, "enough", scene.now));
    expect(told()).toEqual([]);
    expect(task()).toMatchObject({ state: "SUCCEEDED", ending: [] });
    expect(scene.draft.task(1).state).toBe("CANCELLED");
    expect(complete({ n: "1" }).result).toBe("DUPLICATE");
  });

  it("max_wait first, then Reclaim: a DUPLICATE, and the outcome is MAX_WAIT", () => {
    defer(1, { maxWaitMs: 10 });
    advance(scene.draft, 0, { type: "reclaim", outcome: "MAX_WAIT" }, LIMITS, scene.now);
    expect(expectUnchanged(() => reclaim()).result).toBe("DUPLICATE");
    grant();
    expect(scene.effects.at(-1)).toMatchObject({ type: "granted", outcome: "MAX_WAIT" });
    told();
    // The grant was lost on the wire, and the host reclaims again.
    expect(reclaim().result).toBe("DUPLICATE");
    expect(scene.effects).toMatchObject([{ type: "granted", outcome: "MAX_WAIT", n: 1 }]);
  });

  it("a timeout that fires just before the deferral: the lease is fenced and holds its slot", () => {
    scene.effects.push(...timeOut(scene.draft, 0, LIMITS, scene.now));
    expect(scene.effects.splice(0)).toMatchObject([{ type: "cancel", reason: "TIMEOUT", leaseId: LEASE }]);
    expect(expectUnchanged(() => defer()).result).toBe("STALE");
    expect(slotsHeld(task())).toBe(1);
    expect(complete().result).toBe("STALE");
    expect(slotsHeld(task())).toBe(0);
    expect(task()).toMatchObject({ state: "FAILED", failure: { code: "TASK_TIMEOUT" } });
  });

  it("a deferral just before the timeout would fire: there is nothing to time out", () => {
    defer();
    expect(timeOut(scene.draft, 0, LIMITS, scene.now + 5_000)).toEqual([]);
    expect(task().state).toBe("DEFERRED");
  });

  it.each(["deferring", "deferred", "reclaiming", "resumed"] as const)("the session is lost while %s", (stage) => {
    stages[stage]();
    const held = slotsHeld(task());
    loseSession(scene.draft, "s1", "expired", LIMITS, scene.now);
    expect(task()).toMatchObject({
      state: "READY",
      recovery: 1,
      lossesHeld: held,
      lossesDeferred: 1 - held,
      lease: null,
    });
    expect(scene.draft.slotsByLog()).toBe(0);
    expect(expectUnchanged(() => reclaim()).result).toBe("STALE");
  });

  it.each(["deferring", "deferred", "reclaiming", "resumed"] as const)("P12: decline while %s", (stage) => {
    stages[stage]();
    told();
    expect(decline().result).toBe("APPLIED");
    expect(task()).toMatchObject({ state: "READY", attempt: 1, recovery: 0, declinedBy: ["s1"], lossesHeld: 0 });
    expect(scene.draft.slotsByLog()).toBe(0);
    expect(expectUnchanged(decline).result).toBe("DUPLICATE");
    expect(expectUnchanged(() => reclaim()).result).toBe("STALE");
  });
});
