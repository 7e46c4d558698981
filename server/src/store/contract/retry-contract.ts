/** Retries: the delay is the store's to keep, whatever restarts in between (engine.md, Retries). */
import { expect, it } from "vitest";
import type { TheWorld } from "./store-contract.js";

const THRICE = { attempts: 3, backoff: "linear", delayMs: 100, jitter: false } as const;

export function retryContract(theWorld: TheWorld): void {
  it("a failed attempt is leased again when its delay is over, and not before", async () => {
    const world = theWorld();
    await world.register("w", { a: { retry: THRICE }, b: ["a"] });
    const { session } = await world.host("h");
    const runId = await world.start("w");
    const first = await world.lease();
    const failedAt = world.clock.now();
    expect(await world.fail(first)).toEqual({
      result: "APPLIED",
      failure: { final: false, retryInMs: 100, nextAttempt: 2 },
    });
    expect(await world.task(runId, "a")).toMatchObject({
      state: "RETRYING",
      attempt: 1,
      retryAt: failedAt + 100,
      failure: { message: "no rain" },
      lease: null,
    });
    expect(world.held(session.id)).toBe(0);
    expect(world.store.nextDue()).toBe(failedAt + 100);
    world.clock.move(99);
    await world.store.fireDue(10);
    expect((await world.grant()).leases).toEqual([]);
    world.clock.move(1);
    await world.store.fireDue(10);
    const second = await world.lease();
    expect(second).toMatchObject({ taskId: "a", attempt: 2, fence: 2, recovery: 0 });
    expect(second.leaseId).not.toBe(first.leaseId);
    await world.complete(second);
    expect(await world.task(runId, "a")).toMatchObject({ state: "SUCCEEDED", attempt: 2, failure: null });
    expect((await world.lease()).taskId).toBe("b");
    const types = (await world.events(runId)).filter((e) => e.task === 0).map((e) => e.type);
    expect(types).toEqual([
      "TASK_READY",
      "TASK_LEASED",
      "TASK_RETRYING",
      "TASK_READY",
      "TASK_LEASED",
      "TASK_SUCCEEDED",
    ]);
  });

  it("fails for good after its last retry, and tells so", async () => {
    const world = theWorld();
    await world.register("w", { a: { retry: THRICE } });
    await world.host("h");
    const runId = await world.start("w");
    for (const delay of [100, 200, 300]) {
      expect(await world.fail(await world.lease())).toMatchObject({ failure: { final: false, retryInMs: delay } });
      world.clock.move(delay);
      await world.store.fireDue(10);
    }
    const last = await world.lease();
    expect(last.attempt).toBe(4);
    expect(await world.fail(last)).toEqual({ result: "APPLIED", failure: { final: true } });
    expect(await world.status(runId)).toBe("FAILED");
    expect(world.store.nextDue()).not.toBe(world.clock.now());
  });

  it("P4: a failure that is said again gets the first answer again, with what is left of the delay", async () => {
    const world = theWorld();
    await world.register("w", { a: { retry: THRICE } });
    await world.host("h");
    await world.start("w");
    const lease = await world.lease();
    await world.fail(lease);
    world.clock.move(30);
    expect(await world.fail(lease)).toEqual({
      result: "DUPLICATE",
      failure: { final: false, retryInMs: 70, nextAttempt: 2 },
    });
    world.clock.move(70);
    await world.store.fireDue(10);
    const again = await world.lease();
    expect(await world.fail(lease)).toMatchObject({ result: "DUPLICATE", failure: { retryInMs: 0, nextAttempt: 2 } });
    await world.complete(again);
    expect((await world.fail(lease)).result).toBe("STALE");
  });

  it("what a host says of a failure counts: final, transient, its own delay", async () => {
    const world = theWorld();
    await world.register("w", { a: { retry: { ...THRICE, condition: "transient", maxDelayMs: 500 } } });
    await world.host("h", { slots: 9 });
    const runs = [await world.start("w"), await world.start("w"), await world.start("w"), await world.start("w")];
    const { leases } = await world.grant();
    const [final, plain, passing, slow] = leases;
    if (final === undefined || plain === undefined || passing === undefined || slow === undefined) throw new Error();
    expect(await world.fail(final, { final: true, transient: true })).toMatchObject({ failure: { final: true } });
    expect(await world.fail(plain)).toMatchObject({ failure: { final: true } });
    expect(await world.fail(passing, { transient: true })).toMatchObject({ failure: { retryInMs: 100 } });
    expect(await world.fail(slow, { transient: true, nextDelayMs: 9_000 })).toMatchObject({
      failure: { retryInMs: 500 },
    });
    expect(await Promise.all(runs.map((run) => world.status(run)))).toEqual(["FAILED", "FAILED", "RUNNING", "RUNNING"]);
  });

  it("P9: a timeout is retried as a transient failure, while the old code holds its slot until it stops", async () => {
    const world = theWorld();
    await world.register("w", { a: { timeoutMs: 50, retry: { ...THRICE, condition: "transient" } } });
    const { session } = await world.host("h");
    const runId = await world.start("w");
    const lease = await world.lease();
    world.clock.move(50);
    expect(await world.store.fireDue(10)).toMatchObject([{ type: "cancel", reason: "TIMEOUT" }]);
    expect(await world.task(runId, "a")).toMatchObject({ state: "RETRYING", failure: { code: "TASK_TIMEOUT" } });
    world.clock.move(100);
    await world.store.fireDue(10);
    // The only slot is held by code that has not stopped.
    expect((await world.grant()).leases).toEqual([]);
    expect((await world.complete(lease)).result).toBe("STALE");
    expect(world.held(session.id)).toBe(0);
    const second = await world.lease();
    expect(second).toMatchObject({ attempt: 2, timeoutRemainingMs: 50 });
  });

  it("each attempt starts from what was committed, with a timeout of its own, and losses keep their count", async () => {
    const world = theWorld();
    await world.register("w", { a: { timeoutMs: 100, retry: THRICE } });
    await world.host("h");
    const runId = await world.start("w");
    const first = await world.lease();
    await world.say(first.sessionId, {
      type: "checkpoint",
      leaseId: first.leaseId,
      patch: { set: { page: "7" }, removed: [] },
    });
    world.clock.move(60);
    await world.fail(first);
    world.clock.move(100);
    await world.store.fireDue(10);
    const second = await world.lease();
    expect(second).toMatchObject({ attempt: 2, checkpoint: { set: { page: "7" } }, timeoutRemainingMs: 100 });
    expect(await world.task(runId, "a")).toMatchObject({ slotHeldMs: 0 });
  });

  it("a deferred task that fails is retried as well; a cancelled run retries nothing", async () => {
    const world = theWorld();
    await world.register("w", { a: { retry: THRICE } });
    const { session } = await world.host("h");
    const runId = await world.start("w");
    const lease = await world.lease();
    await world.defer(lease);
    expect(await world.fail(lease)).toMatchObject({ failure: { final: false } });
    expect(world.held(session.id)).toBe(0);
    expect(await world.cancel(runId)).toBe("CANCELLED");
    expect(await world.task(runId, "a")).toMatchObject({ state: "CANCELLED", retryAt: null });
    world.clock.move(1_000);
    expect(await world.store.fireDue(10)).toEqual([]);
    expect((await world.grant()).leases).toEqual([]);
  });
}
