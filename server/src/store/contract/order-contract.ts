/** P8: reclaims before new leases, oldest first, with the bound that keeps new work moving; priority and arrival. */
import { expect, it } from "vitest";
import type { LeaseGrant } from "../../core/grants.js";
import type { TheWorld } from "./store-contract.js";
import type { World } from "./world.js";

/** Starts one-task runs and defers each as soon as it is leased. */
async function deferred(world: World, count: number, workflow = "w"): Promise<LeaseGrant[]> {
  const leases: LeaseGrant[] = [];
  for (let i = 0; i < count; i++) {
    await world.start(workflow);
    const lease = await world.lease();
    await world.defer(lease);
    leases.push(lease);
  }
  return leases;
}

export function orderContract(theWorld: TheWorld): void {
  it("gives the slot to the oldest reclaim, before new work, whatever the priority", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h");
    const leases = await deferred(world, 3);
    await world.start("w", { priority: 9 });
    const order = [leases[2], leases[0], leases[1]].filter((l) => l !== undefined);
    for (const lease of order) {
      world.clock.move(1);
      await world.reclaim(lease);
    }
    const granted: string[] = [];
    for (const lease of order) {
      world.clock.move(1);
      const { resumed, leases: fresh } = await world.grant();
      expect(fresh).toEqual([]);
      granted.push(...resumed.map((r) => r.leaseId));
      await world.complete(lease);
    }
    expect(granted).toEqual(order.map((l) => l.leaseId));
    expect((await world.grant()).leases.map((l) => l.run.priority)).toEqual([9]);
  });

  it("tells how the deferral ended and how long the slot was waited for", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const { session } = await world.host("h");
    const [lease] = await deferred(world, 1);
    if (lease === undefined) throw new Error("expected a lease");
    await world.start("w");
    const other = await world.lease();
    await world.reclaim(lease);
    world.clock.move(40);
    await world.complete(other);
    const { resumed } = await world.grant();
    expect(resumed).toEqual([
      { type: "granted", sessionId: session.id, leaseId: lease.leaseId, n: 1, outcome: "MET", waitedMs: 40 },
    ]);
  });

  it("after 8 reclaims in a row at a host with claimable work, one new lease, and so on", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const { session } = await world.host("h", { slots: 1 });
    const leases = await deferred(world, 20);
    for (const lease of leases) await world.reclaim(lease);
    for (let i = 0; i < 3; i++) await world.start("w");
    await world.store.updateSessions([{ sessionId: session.id, slots: 30 }]);
    // In one turn: how many came in a row is nothing that outlives a process.
    const grants = await Promise.all([8, 1, 8, 1, 2, 9].map((limit) => world.grant({ limit })));
    expect(grants.map(({ resumed, leases: fresh }) => [resumed.length, fresh.length])).toEqual([
      [8, 0],
      [0, 1],
      [8, 0],
      [0, 1],
      [2, 0],
      // Reclaims are all served: what is left goes to new work.
      [2, 1],
    ]);
    expect(grants.flatMap((g) => g.resumed.map((r) => r.leaseId))).toEqual(leases.map((l) => l.leaseId));
  });

  it("the bound counts in each session for itself, and only where there is work to claim", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.register("x", { a: [] });
    const { session } = await world.host("h", { slots: 1 });
    const leases = await deferred(world, 12);
    for (const lease of leases) await world.reclaim(lease);
    // Nobody implements it: it is not claimable work.
    await world.start("x");
    await world.store.updateSessions([{ sessionId: session.id, slots: 12 }]);
    const { resumed, leases: fresh } = await world.grant();
    expect([resumed.length, fresh.length]).toEqual([12, 0]);
  });

  it("the bound gives a task to an any-version host only while no exact host lives (P13)", async () => {
    const world = theWorld();
    const version = await world.register("w", { a: [] });
    const { session } = await world.host("any", { slots: 1 });
    const leases = await deferred(world, 9);
    for (const lease of leases) await world.reclaim(lease);
    await world.start("w");
    // One turn: an exact host comes, and the any-version host may take 9.
    const [opened, , grants] = await Promise.all([
      world.tryHost("exact", { implementations: [{ workflow: "w", version, tasks: null }] }),
      world.store.updateSessions([{ sessionId: session.id, slots: 9 }]),
      world.grant({ reachable: { has: (id: string) => id === session.id } }),
    ]);
    expect(opened).not.toBeInstanceOf(Error);
    expect([grants.resumed.length, grants.leases.length]).toEqual([9, 0]);
  });

  it("new work goes by priority, then by arrival", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const { session } = await world.host("h", { slots: 0 });
    const priorities = [0, 5, -1, 5, 0];
    const started: string[] = [];
    for (const priority of priorities) {
      world.clock.move(1);
      started.push(await world.start("w", { priority }));
    }
    await world.store.updateSessions([{ sessionId: session.id, slots: 9 }]);
    const { leases } = await world.grant();
    expect(leases.map((l) => started.indexOf(l.run.id))).toEqual([1, 3, 0, 4, 2]);
  });

  it("work that became ready first is leased first, across runs", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: ["a"] });
    const { session } = await world.host("h", { slots: 1 });
    const first = await world.start("w");
    const a = await world.lease();
    world.clock.move(1);
    const second = await world.start("w");
    world.clock.move(1);
    await world.complete(a);
    await world.store.updateSessions([{ sessionId: session.id, slots: 2 }]);
    const { leases } = await world.grant();
    expect(leases.map((l) => [l.run.id, l.taskId])).toEqual([
      [second, "a"],
      [first, "b"],
    ]);
  });
}
