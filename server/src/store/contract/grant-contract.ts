/** P2, P12, P13: who may get a slot, and what it is given. */
import { expect, it } from "vitest";
import type { TheWorld } from "./store-contract.js";

export function grantContract(theWorld: TheWorld): void {
  it("leases a ready task with all that its host needs", async () => {
    const world = theWorld();
    const version = await world.register("w", { a: { timeoutMs: 500 } });
    const { session } = await world.host("h");
    const runId = await world.start("w", {
      context: { n: "1" },
      priority: 4,
      labels: { team: "x" },
      traceparent: "00-1",
    });
    const grants = await world.grant();
    expect(grants).toMatchObject({ resumed: [], more: false });
    expect(grants.leases).toHaveLength(1);
    const [lease] = grants.leases;
    expect(lease).toMatchObject({
      sessionId: session.id,
      taskId: "a",
      attempt: 1,
      recovery: 0,
      fence: 1,
      input: { n: "1" },
      checkpoint: null,
      timeoutRemainingMs: 500,
    });
    expect(lease?.run).toMatchObject({ id: runId, version, priority: 4, labels: { team: "x" }, traceparent: "00-1" });
    expect(await world.task(runId, "a")).toMatchObject({ state: "LEASED", hostId: "h", attempt: 1, fence: 1 });
    expect(await world.view(runId)).toMatchObject({ run: { status: "RUNNING", startedAt: world.clock.now() } });
    expect((await world.grant()).leases).toEqual([]);
  });

  it("P2: never grants above the slots; fewer slots than held revoke nothing and grant nothing", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: [], c: [], d: [], e: [] });
    const { session } = await world.host("h", { slots: 3 });
    await world.start("w");
    const { leases } = await world.grant();
    expect(leases.map((l) => l.taskId)).toEqual(["a", "b", "c"]);
    const [a, b, c] = leases;
    if (a === undefined || b === undefined || c === undefined) throw new Error("expected three leases");
    await world.store.updateSessions([{ sessionId: session.id, slots: 1 }]);
    expect(world.held(session.id)).toBe(3);
    for (const lease of [a, b]) {
      await world.complete(lease);
      expect((await world.grant()).leases).toEqual([]);
    }
    await world.complete(c);
    expect((await world.grant()).leases.map((l) => l.taskId)).toEqual(["d"]);
    await world.store.updateSessions([{ sessionId: session.id, slots: 2 }]);
    expect((await world.grant()).leases.map((l) => l.taskId)).toEqual(["e"]);
  });

  it("P2: a shrunk offer keeps reclaims waiting, in their place", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: [], c: [] });
    const { session } = await world.host("h", { slots: 2 });
    await world.start("w");
    const [a, b] = (await world.grant()).leases;
    if (a === undefined || b === undefined) throw new Error("expected two leases");
    await world.defer(a);
    const c = await world.lease();
    await world.store.updateSessions([{ sessionId: session.id, slots: 1 }]);
    await world.reclaim(a);
    await world.complete(b);
    expect(await world.grant()).toMatchObject({ leases: [], resumed: [] });
    await world.complete(c);
    expect((await world.grant()).resumed.map((r) => r.leaseId)).toEqual([a.leaseId]);
  });

  it("a host without slots gets nothing", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h", { slots: 0 });
    await world.start("w");
    expect((await world.grant()).leases).toEqual([]);
  });

  it("P2: max_leases withholds new leases, deferred ones counted, and never a reclaim", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: [], c: [] });
    await world.host("h", { slots: 2, maxLeases: 2 });
    await world.start("w");
    const [a, b] = (await world.grant()).leases;
    if (a === undefined || b === undefined) throw new Error("expected two leases");
    await world.defer(a);
    await world.defer(b);
    expect((await world.grant()).leases).toEqual([]);
    await world.reclaim(a);
    expect((await world.grant()).resumed.map((r) => r.leaseId)).toEqual([a.leaseId]);
    await world.complete(a);
    expect((await world.grant()).leases.map((l) => l.taskId)).toEqual(["c"]);
  });

  it("P2: max_leases counts a fenced lease as long as the host has not stopped it", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h", { slots: 2, maxLeases: 1 });
    const doomed = await world.start("w");
    const lease = await world.lease();
    await world.cancel(doomed);
    await world.start("w");
    expect((await world.grant()).leases).toEqual([]);
    await world.stopped(lease);
    expect((await world.grant()).leases).toHaveLength(1);
  });

  it("P12: a draining host gets no new leases; its reclaims go on", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: [] });
    const { session } = await world.host("h");
    await world.start("w");
    const lease = await world.lease();
    await world.defer(lease);
    await world.store.updateSessions([{ sessionId: session.id, draining: true }]);
    expect((await world.grant()).leases).toEqual([]);
    await world.reclaim(lease);
    expect((await world.grant()).resumed).toHaveLength(1);
    expect((await world.complete(lease)).result).toBe("APPLIED");
    expect((await world.grant()).leases).toEqual([]);
  });

  it("P12: a declined lease is leased again, uncounted, and never to that session", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: [] });
    const first = await world.host("h");
    const runId = await world.start("w");
    const a = await world.lease();
    const said = await world.say(a.sessionId, {
      type: "decline",
      leaseId: a.leaseId,
      patch: { set: { half: "1" }, removed: [] },
      reason: "drains",
    });
    expect(said.result).toBe("APPLIED");
    // It passes over what it declined, and takes what stands behind it.
    const b = await world.lease();
    expect([b.sessionId, b.taskId]).toEqual([first.session.id, "b"]);
    await world.complete(b);
    expect((await world.grant()).leases).toEqual([]);
    const second = await world.host("g");
    expect(await world.lease()).toMatchObject({
      sessionId: second.session.id,
      taskId: "a",
      attempt: 1,
      recovery: 0,
      fence: 2,
      checkpoint: { set: { half: "1" }, removed: [] },
    });
    expect((await world.task(runId, "a")).declinedBy).toEqual([first.session.id]);
    // P4: it said that it hands the lease back; now it says something else.
    expect((await world.decline(a)).result).toBe("CONFLICT");
    expect((await world.complete(a)).result).toBe("CONFLICT");
    expect(await world.task(runId, "a")).toMatchObject({ state: "LEASED", fence: 2 });
  });

  it("P1: gives nothing to sessions that cannot be reached, neither leases nor slots", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: [] });
    const { session } = await world.host("h");
    await world.start("w");
    const a = await world.lease();
    await world.defer(a);
    await world.reclaim(a);
    world.unreachable.add(session.id);
    expect(await world.grant()).toMatchObject({ leases: [], resumed: [], more: false });
    const other = await world.host("g");
    expect(await world.lease()).toMatchObject({ sessionId: other.session.id, taskId: "b" });
    world.unreachable.clear();
    expect((await world.grant()).resumed).toHaveLength(1);
  });

  it("P13: an exact version comes before any-version, even when it is busy; without one, any-version serves", async () => {
    const world = theWorld();
    const version = await world.register("w", { a: [], b: [] });
    const any = await world.host("any", { slots: 5 });
    const exact = await world.host("exact", { implementations: [{ workflow: "w", version, tasks: null }] });
    await world.start("w");
    const a = await world.lease();
    expect([a.sessionId, a.taskId]).toEqual([exact.session.id, "a"]);
    expect((await world.grant()).leases).toEqual([]);
    // Another version has no exact host.
    const newer = await world.register("w", { c: [] });
    await world.start("w", { version: newer });
    expect(await world.lease()).toMatchObject({ sessionId: any.session.id, taskId: "c" });
    await world.store.endSessions([exact.session.id], "gone");
    const { leases } = await world.grant();
    expect(leases.map((l) => [l.sessionId, l.taskId]).sort()).toEqual([
      [any.session.id, "a"],
      [any.session.id, "b"],
    ]);
  });

  it("P13: exact hosts that all drain leave the work to any-version hosts", async () => {
    const world = theWorld();
    const version = await world.register("w", { a: [], b: [], c: [] });
    const implementations = [{ workflow: "w", version, tasks: null }];
    const any = await world.host("any");
    const [one, two] = [await world.host("one", { implementations }), await world.host("two", { implementations })];
    await world.start("w");
    expect((await world.grant()).leases.map((l) => l.sessionId).sort()).toEqual(
      [one.session.id, two.session.id].sort(),
    );
    const drain = ({ session }: typeof one) => world.store.updateSessions([{ sessionId: session.id, draining: true }]);
    await drain(one);
    expect((await world.grant()).leases).toEqual([]);
    await drain(two);
    expect((await world.grant()).leases.map((l) => [l.sessionId, l.taskId])).toEqual([[any.session.id, "c"]]);
    // A new exact host takes the place of those that drain.
    await world.start("w");
    const fresh = await world.host("fresh", { implementations, slots: 3 });
    await world.store.updateSessions([{ sessionId: any.session.id, slots: 9 }]);
    const { leases } = await world.grant();
    expect(leases.map((l) => l.sessionId)).toEqual([fresh.session.id, fresh.session.id, fresh.session.id]);
  });

  it("P13: a host gets only the tasks that it implements, in its namespace; more after it registered more", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: [] });
    await world.register("w", { a: [] }, "other");
    const { session } = await world.host("h", {
      slots: 9,
      implementations: [{ workflow: "w", version: null, tasks: ["b"] }],
    });
    await world.host("none", { slots: 9, implementations: [] });
    await world.start("w");
    await world.start("w", { namespace: "other" });
    expect((await world.grant()).leases.map((l) => l.taskId)).toEqual(["b"]);
    const implementations = [{ workflow: "w", version: null, tasks: null }];
    await world.store.updateSessions([{ sessionId: session.id, implementations }]);
    expect((await world.grant()).leases.map((l) => [l.run.namespace, l.taskId])).toEqual([["default", "a"]]);
  });

  it("spreads work over the hosts with a free slot", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: [], c: [], d: [] });
    await world.host("g", { slots: 4 });
    await world.host("h", { slots: 4 });
    await world.start("w");
    const { leases } = await world.grant();
    const counts = new Map<string, number>();
    for (const { sessionId } of leases) counts.set(sessionId, (counts.get(sessionId) ?? 0) + 1);
    expect([...counts.values()]).toEqual([2, 2]);
  });

  it("stops at the limit and says that there is more", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: [], c: [] });
    await world.host("h", { slots: 9 });
    await world.start("w");
    const first = await world.grant({ limit: 2 });
    expect([first.leases.length, first.more]).toEqual([2, true]);
    const second = await world.grant({ limit: 2 });
    expect([second.leases.length, second.more]).toEqual([1, false]);
  });
}
