/** P5: silence, expiry, and what becomes of the leases. */
import { expect, it } from "vitest";
import type { TheWorld } from "./store-contract.js";
import { TTL_MS } from "./world.js";

export function recoveryContract(theWorld: TheWorld): void {
  it("expires a session that was silent for its TTL, not before, and for good", async () => {
    const world = theWorld();
    const { session } = await world.host("h");
    world.clock.move(TTL_MS - 1);
    expect(await world.store.expireSessions(10)).toEqual([]);
    world.clock.move(1);
    expect(await world.store.expireSessions(10)).toEqual([session.id]);
    expect(world.store.session(session.id)).toBeNull();
    world.store.touchSessions([[session.id, 0]]);
    expect(await world.store.expireSessions(10)).toEqual([]);
    expect(await world.tryHost("h", { resumeToken: session.resumeToken })).toMatchObject({ resumed: false });
  });

  it("whoever was heard has a full TTL again; touchAll gives it to everybody", async () => {
    const world = theWorld();
    const { store, clock } = world;
    const loud = await world.host("loud");
    const quiet = await world.host("quiet");
    clock.move(TTL_MS - 1);
    store.touchSessions([[loud.session.id, 0]]);
    clock.move(1);
    expect(await store.expireSessions(10)).toEqual([quiet.session.id]);
    clock.move(TTL_MS);
    store.touchAllSessions();
    expect(await store.expireSessions(10)).toEqual([]);
    expect(store.session(loud.session.id)).not.toBeNull();
  });

  it("a reconnect is life, and a shorter TTL counts from then on", async () => {
    const world = theWorld();
    const host = await world.host("h");
    world.clock.move(TTL_MS - 1);
    await world.again(host, { ttlMs: 50 });
    expect(world.store.nextDue()).toBeLessThanOrEqual(world.clock.now() + 50);
    world.clock.move(49);
    expect(await world.store.expireSessions(10)).toEqual([]);
    world.clock.move(1);
    expect(await world.store.expireSessions(10)).toEqual([host.session.id]);
  });

  it("expires no more sessions than asked for, and the others next time", async () => {
    const world = theWorld();
    for (const name of ["a", "b", "c"]) await world.host(name);
    world.clock.move(TTL_MS);
    // In one turn: a store that is opened again gives everybody a full TTL.
    const [first, second] = await Promise.all([world.store.expireSessions(2), world.store.expireSessions(2)]);
    expect([first.length, second.length]).toEqual([2, 1]);
  });

  it("leases the attempt again, as a recovery: same attempt, higher fence, from the checkpoint", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h");
    const runId = await world.start("w", { context: { n: "1" } });
    const lost = await world.lease();
    const patch = { set: { half: "2" }, removed: ["n"] };
    await world.say(lost.sessionId, { type: "checkpoint", leaseId: lost.leaseId, patch });
    await world.expire();
    expect(await world.task(runId, "a")).toMatchObject({ state: "READY", lease: null, lossesHeld: 1, recovery: 1 });
    const other = await world.host("g");
    const again = await world.lease();
    expect(again).toMatchObject({
      sessionId: other.session.id,
      attempt: 1,
      recovery: 1,
      fence: 2,
      input: { n: "1" },
      checkpoint: patch,
    });
    // P3: what the lost host still says changes nothing.
    for (const said of [await world.complete(lost), await world.defer(lost), await world.stopped(lost)]) {
      expect(said.result).toBe("STALE");
    }
    expect((await world.complete(again)).result).toBe("APPLIED");
    expect((await world.events(runId)).map((e) => [e.type, e.slotDelta ?? 0, e.recovery ?? 0])).toEqual([
      ["RUN_STARTED", 0, 0],
      ["TASK_READY", 0, 0],
      ["TASK_LEASED", 1, 0],
      ["TASK_CHECKPOINTED", 0, 0],
      ["TASK_LOST", -1, 1],
      ["TASK_LEASED", 1, 1],
      ["TASK_SUCCEEDED", -1, 1],
      ["RUN_SUCCEEDED", 0, 0],
    ]);
  });

  it("3 losses while it held a slot are final: HOST_LOST, and what depends on it is skipped", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: ["a"] });
    const runId = await world.start("w");
    const losses: unknown[] = [];
    for (let loss = 1; loss <= 3; loss++) {
      const { session } = await world.host("h", { instanceId: `instance-${loss}` });
      const lease = await world.lease();
      expect(lease).toMatchObject({ recovery: loss - 1, fence: loss, attempt: 1 });
      await world.expire();
      losses.push({
        hostId: "h",
        sessionId: session.id,
        leaseId: lease.leaseId,
        attempt: 1,
        at: world.clock.now(),
        slotHeld: true,
        reason: "its session expired",
      });
      expect((await world.task(runId, "a")).losses).toEqual(losses);
    }
    expect(await world.task(runId, "a")).toMatchObject({
      state: "FAILED",
      lossesHeld: 3,
      failure: {
        code: "HOST_LOST",
        message: '3 hosts were lost while they executed it: "h", "h", "h"',
        losses,
      },
      lease: null,
    });
    const failed = (await world.events(runId)).find(({ type }) => type === "TASK_FAILED");
    expect(failed?.failure?.losses).toEqual(losses);
    expect(await world.task(runId, "b")).toMatchObject({ state: "SKIPPED", skip: "UPSTREAM_FAILED" });
    expect(await world.status(runId)).toBe("FAILED");
  });

  it("30 losses while it was deferred are final, and 29 are not; they are counted apart from the others", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const runId = await world.start("w");
    for (let loss = 1; loss <= 30; loss++) {
      expect(await world.status(runId)).toBe(loss === 1 ? "PENDING" : "RUNNING");
      await world.host("h", { instanceId: `instance-${loss}` });
      const lease = await world.lease();
      await world.defer(lease);
      // A reclaim that waits holds no slot either.
      if (loss % 2 === 0) await world.reclaim(lease);
      await world.expire();
    }
    expect(await world.task(runId, "a")).toMatchObject({
      state: "FAILED",
      lossesHeld: 0,
      lossesDeferred: 30,
      failure: { code: "HOST_LOST" },
    });
  });

  it("a session that ends takes its fenced leases with it", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const { session } = await world.host("h");
    const runId = await world.start("w");
    const lease = await world.lease();
    await world.cancel(runId);
    await world.expire();
    expect(world.store.session(session.id)).toBeNull();
    expect((await world.task(runId, "a")).ending).toEqual([]);
    expect((await world.events(runId)).at(-1)).toMatchObject({
      type: "LEASE_ENDED",
      leaseId: lease.leaseId,
      slotDelta: -1,
    });
    expect(await world.status(runId)).toBe("CANCELLED");
  });

  it("loses nothing of other sessions", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: [] });
    await world.host("lost");
    const kept = await world.host("kept", { ttlMs: TTL_MS * 10 });
    const runId = await world.start("w");
    const { leases } = await world.grant();
    await world.expire();
    const mine = leases.find((l) => l.sessionId === kept.session.id);
    expect(await world.task(runId, mine?.taskId ?? "")).toMatchObject({ state: "LEASED", recovery: 0 });
    expect(world.held(kept.session.id)).toBe(1);
  });
}
