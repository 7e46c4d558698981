/** P8 and P9: timeouts and longest waits. */
import { expect, it } from "vitest";
import type { TheWorld } from "./store-contract.js";
import { TTL_MS } from "./world.js";

export function deadlineContract(theWorld: TheWorld): void {
  it("P9: fails an attempt that held its slot for its timeout; the slot stays until the host has stopped", async () => {
    const world = theWorld();
    await world.register("w", { a: { timeoutMs: 100 }, b: ["a"] });
    const { session } = await world.host("h");
    const runId = await world.start("w");
    const lease = await world.lease();
    expect(world.store.nextDue()).toBe(world.clock.now() + 100);
    world.clock.move(99);
    expect(await world.store.fireDue(10)).toEqual([]);
    world.clock.move(1);
    const effects = await world.store.fireDue(10);
    expect(effects).toMatchObject([
      { type: "cancel", sessionId: session.id, leaseId: lease.leaseId, reason: "TIMEOUT", failure: { final: true } },
    ]);
    expect(await world.task(runId, "a")).toMatchObject({
      state: "FAILED",
      failure: { code: "TASK_TIMEOUT" },
      ending: [{ id: lease.leaseId, reason: "TIMEOUT", holdsSlot: true }],
    });
    expect(await world.status(runId)).toBe("FAILED");
    expect(world.held(session.id)).toBe(1);
    expect((await world.complete(lease)).result).toBe("STALE");
    expect(world.held(session.id)).toBe(0);
    expect(await world.task(runId, "a")).toMatchObject({ state: "FAILED", ending: [] });
  });

  it("P9: says again after a reconnect what follows from a timeout; what comes later does not change it", async () => {
    const world = theWorld();
    const retry = {
      attempts: 1,
      backoff: "fixed",
      delayMs: 400,
      maxDelayMs: 400,
      condition: "all",
      jitter: false,
    } as const;
    await world.register("w", { again: { timeoutMs: 100, retry }, last: { timeoutMs: 100 }, open: [] });
    const host = await world.host("h", { slots: 5 });
    const runId = await world.start("w");
    const leases = (await world.grant()).leases;
    const listed = leases.map((lease) => world.listed(lease, "HELD"));
    const timedOut = (task: string) => `task "${task}" held a slot for longer than its timeout of 100 ms`;
    world.clock.move(100);
    expect(await world.store.fireDue(10)).toMatchObject([
      { detail: timedOut("again"), failure: { final: false, retryInMs: 400, nextAttempt: 2 } },
      { detail: timedOut("last"), failure: { final: true } },
    ]);
    world.clock.move(150);
    const fenced = { state: "ENDING", cancelReason: "TIMEOUT" };
    expect((await world.again(host, { slots: 5, held: listed })).verdicts).toMatchObject([
      { ...fenced, detail: timedOut("again"), failure: { final: false, retryInMs: 250, nextAttempt: 2 } },
      { ...fenced, detail: timedOut("last"), failure: { final: true } },
      { state: "HELD", detail: "" },
    ]);
    // The next attempt has begun, and the run is over.
    world.clock.move(250);
    await world.store.fireDue(10);
    expect(await world.lease()).toMatchObject({ attempt: 2 });
    await world.cancel(runId);
    const { verdicts } = await world.again(host, { slots: 5, held: listed });
    expect(verdicts).toMatchObject([
      { ...fenced, failure: { final: false, retryInMs: 0, nextAttempt: 2 } },
      { ...fenced, failure: { final: true } },
      { state: "ENDING", cancelReason: "RUN_CANCELLED", detail: "enough" },
    ]);
    expect(verdicts[2]).not.toHaveProperty("failure");
  });

  it("P9: counts only time in which the attempt holds a slot: not the deferral, not the wait for a slot", async () => {
    const world = theWorld();
    await world.register("w", { a: { timeoutMs: 100 } });
    await world.register("x", { a: [] });
    const implementations = ["w", "x"].map((workflow) => ({ workflow, version: null, tasks: null }));
    const host = await world.host("h", { implementations, ttlMs: 1_000_000 });
    const runId = await world.start("w");
    const lease = await world.lease();
    world.clock.move(60);
    await world.defer(lease);
    world.clock.move(5_000);
    await world.start("x");
    const other = await world.lease();
    await world.reclaim(lease);
    world.clock.move(5_000);
    await world.complete(other);
    expect((await world.grant()).resumed).toHaveLength(1);
    expect(await world.task(runId, "a")).toMatchObject({ state: "LEASED", slotHeldMs: 60 });
    expect(world.store.nextDue()).toBe(world.clock.now() + 40);
    world.clock.move(39);
    expect(await world.store.fireDue(10)).toEqual([]);
    world.clock.move(1);
    expect(await world.store.fireDue(10)).toHaveLength(1);
    expect(await world.task(runId, "a")).toMatchObject({ state: "FAILED", slotHeldMs: 100 });
    expect(host.session.spec.ttlMs).toBe(1_000_000);
  });

  it("P9: a lease that is sent again tells what is left of its timeout", async () => {
    const world = theWorld();
    await world.register("w", { a: { timeoutMs: 100 } });
    const host = await world.host("h");
    await world.start("w");
    const lease = await world.lease();
    world.clock.move(30);
    const [again] = await world.store.pendingFor(host.session.id, new Set());
    expect(again).toEqual({ ...lease, timeoutRemainingMs: 70 });
  });

  it("P9: a recovery and a decline start the timeout anew", async () => {
    const world = theWorld();
    await world.register("w", { a: { timeoutMs: 100 } });
    await world.host("g");
    const runId = await world.start("w");
    const first = await world.lease();
    world.clock.move(90);
    await world.decline(first);
    await world.host("h");
    const second = await world.lease();
    expect(second.timeoutRemainingMs).toBe(100);
    world.clock.move(90);
    expect(await world.store.fireDue(10)).toEqual([]);
    await world.store.endSessions([second.sessionId], "gone");
    await world.host("i");
    expect((await world.lease()).timeoutRemainingMs).toBe(100);
    expect((await world.task(runId, "a")).slotHeldMs).toBe(0);
  });

  it("P9: a completion before the deadline disarms it", async () => {
    const world = theWorld();
    await world.register("w", { a: { timeoutMs: 100 } });
    await world.host("h", { ttlMs: 1_000_000 });
    const runId = await world.start("w");
    await world.complete(await world.lease());
    world.clock.move(1_000);
    expect(await world.store.fireDue(10)).toEqual([]);
    expect(await world.status(runId)).toBe("SUCCEEDED");
  });

  it("P8: when max_wait is over the task reclaims by itself, with MAX_WAIT, and does not fail", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h");
    const runId = await world.start("w");
    const lease = await world.lease();
    await world.defer(lease, 300);
    expect(world.store.nextDue()).toBe(world.clock.now() + 300);
    world.clock.move(299);
    await world.store.fireDue(10);
    expect(await world.task(runId, "a")).toMatchObject({ state: "DEFERRED" });
    world.clock.move(1);
    expect(await world.store.fireDue(10)).toEqual([]);
    expect(await world.task(runId, "a")).toMatchObject({ state: "RECLAIMING" });
    // The host's own Reclaim comes too late to change that.
    expect((await world.reclaim(lease)).result).toBe("DUPLICATE");
    const { resumed } = await world.grant();
    expect(resumed).toMatchObject([{ type: "granted", leaseId: lease.leaseId, n: 1, outcome: "MAX_WAIT" }]);
    expect((await world.complete(lease)).result).toBe("APPLIED");
    expect(await world.status(runId)).toBe("SUCCEEDED");
  });

  it("P8: max_wait ends when the reclaim commits", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h");
    const runId = await world.start("w");
    const lease = await world.lease();
    await world.defer(lease, 300);
    await world.start("w");
    const other = await world.lease();
    world.clock.move(299);
    await world.reclaim(lease);
    world.clock.move(5_000);
    await world.store.fireDue(10);
    await world.complete(other);
    expect((await world.grant()).resumed).toMatchObject([{ outcome: "MET", waitedMs: 5_000 }]);
    expect((await world.task(runId, "a")).lease?.deferral?.n).toBe(1);
  });

  it("each deferral has a max_wait of its own", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h", { ttlMs: 1_000_000 });
    const runId = await world.start("w");
    const lease = await world.lease();
    await world.defer(lease, 100, 1);
    await world.reclaim(lease, 1);
    await world.grant();
    await world.defer(lease, 0, 2);
    world.clock.move(1_000);
    await world.store.fireDue(10);
    expect(await world.task(runId, "a")).toMatchObject({
      state: "DEFERRED",
      lease: { deferral: { n: 2, outcome: null } },
    });
    await world.reclaim(lease, 2);
    await world.grant();
    await world.defer(lease, 100, 3);
    expect(world.store.nextDue()).toBe(world.clock.now() + 100);
    world.clock.move(100);
    await world.store.fireDue(10);
    expect(await world.task(runId, "a")).toMatchObject({ state: "RECLAIMING" });
  });

  it("fires what is due, the earliest first and no more than asked for", async () => {
    const world = theWorld();
    await world.register("w", {
      a: { timeoutMs: 30 },
      b: { timeoutMs: 10 },
      c: { timeoutMs: 20 },
      d: { timeoutMs: 90 },
    });
    await world.host("h", { slots: 4 });
    const runId = await world.start("w");
    await world.grant();
    world.clock.move(50);
    expect(await world.store.fireDue(2)).toHaveLength(2);
    const states = async () => (await world.view(runId)).tasks.map((t) => t.state);
    expect(await states()).toEqual(["LEASED", "FAILED", "FAILED", "LEASED"]);
    expect(await world.store.fireDue(2)).toHaveLength(1);
    expect(await states()).toEqual(["FAILED", "FAILED", "FAILED", "LEASED"]);
  });

  it("nextDue is the next deadline or expiry, and null when there is none", async () => {
    const world = theWorld();
    expect(world.store.nextDue()).toBeNull();
    await world.register("w", { a: { timeoutMs: TTL_MS * 3 } });
    const { session } = await world.host("h");
    await world.start("w");
    await world.lease();
    expect(world.store.nextDue()).toBe(world.clock.now() + TTL_MS);
    await world.store.endSessions([session.id], "gone");
    await world.store.expireSessions(10);
    expect(world.store.nextDue()).toBeNull();
  });
}
