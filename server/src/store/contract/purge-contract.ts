/** Finished runs that need not stay: which go, in which order, in which steps, and what stays of them. */
import { expect, it } from "vitest";
import type { LeaseGrant } from "../../core/grants.js";
import type { RunEvent } from "../../core/model.js";
import { KEEP_ALL, type Retention } from "../store.js";
import type { TheWorld } from "./store-contract.js";
import type { World } from "./world.js";

const LARGE = 1_000;

function newest(count: number): Retention {
  return { forMs: null, newest: count };
}

function forMs(ms: number): Retention {
  return { forMs: ms, newest: null };
}

/** Purges until nothing is due; returns how many runs went. */
async function purgeAll({ store, clock }: World, retention: Retention, limit = LARGE): Promise<number> {
  let runs = 0;
  for (let due = store.nextPurge(retention); due !== null && due <= clock.now(); due = store.nextPurge(retention)) {
    runs += await store.purge(retention, limit);
  }
  return runs;
}

async function listed({ store }: World): Promise<string[]> {
  const query = { namespace: "default", workflow: "", statuses: [], pageSize: 1_000, pageToken: "" };
  return (await store.listRuns(query)).items.map(({ id }) => id);
}

/** Runs that the log has something of, in the order of their first events. */
async function logged({ store }: World): Promise<string[]> {
  const { chunks } = await store.events({ namespace: "default", runId: null, after: 0, limit: 100_000 });
  return [...new Set(chunks.map(({ runId }) => runId))];
}

/** Starts runs of one task and completes each, a millisecond after the other. */
async function finishRuns(world: World, count: number): Promise<string[]> {
  const runs: string[] = [];
  for (let i = 0; i < count; i++) {
    world.clock.move(1);
    runs.push(await world.start("w"));
    await world.complete(await world.lease());
  }
  return runs;
}

async function readable({ store }: World, runIds: readonly string[]): Promise<boolean[]> {
  return Promise.all(runIds.map(async (runId) => (await store.readRun("default", runId)) !== null));
}

export function purgeContract(theWorld: TheWorld): void {
  it("keeps the newest, in the order in which they finished, and nobody sees the others again", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h", { slots: 9 });
    const first = await world.start("w");
    const slow = await world.lease();
    const [second = "", third = "", fourth = ""] = await finishRuns(world, 3);
    await world.complete(slow);
    // It began first, and finished last.
    expect(await purgeAll(world, newest(2))).toBe(2);
    expect(await readable(world, [first, second, third, fourth])).toEqual([true, false, false, true]);
    expect(await listed(world)).toEqual([fourth, first]);
    expect(await logged(world)).toEqual([first, fourth]);
    expect(await world.events(second)).toEqual([]);
    expect(world.store.stats()).toMatchObject({ finishedRuns: 2, purgedRuns: 2 });
    expect(await purgeAll(world, newest(2))).toBe(0);
    expect(await purgeAll(world, newest(0))).toBe(2);
    expect([await listed(world), await logged(world)]).toEqual([[], []]);
    expect(world.store.stats()).toMatchObject({ finishedRuns: 0, purgedRuns: 4 });
  });

  it("keeps a run for its time after its end, and says when the next one is due", async () => {
    const world = theWorld();
    const { store, clock } = world;
    expect(store.nextPurge(KEEP_ALL)).toBeNull();
    await purgeAll(world, forMs(100));
    expect(store.nextPurge(forMs(100))).toBeNull();
    await world.register("w", { a: [] });
    await world.host("h", { slots: 9 });
    const begun = clock.now();
    const runs = await finishRuns(world, 2);
    await purgeAll(world, forMs(100));
    expect(await listed(world)).toEqual([...runs].reverse());
    expect(store.nextPurge(forMs(100))).toBe(begun + 101);
    expect(store.nextPurge(KEEP_ALL)).toBeNull();
    clock.move(98);
    expect(await store.purge(forMs(100), LARGE)).toBe(0);
    clock.move(1);
    expect(await purgeAll(world, forMs(100))).toBe(1);
    expect(await listed(world)).toEqual([runs[1]]);
    expect(store.nextPurge(forMs(100))).toBe(begun + 102);
    clock.move(1);
    expect(await purgeAll(world, forMs(100))).toBe(1);
    expect(store.nextPurge(forMs(100))).toBeNull();
    await finishRuns(world, 1);
    await purgeAll(world, forMs(100));
    expect(store.nextPurge(forMs(100))).toBe(clock.now() + 100);
  });

  it("purges what one of both rules does not keep", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h", { slots: 9 });
    const runs = await finishRuns(world, 4);
    // Ends are 3, 2, 1 and 0 ms ago.
    expect(await purgeAll(world, { forMs: 3, newest: 3 })).toBe(1);
    expect(await purgeAll(world, { forMs: 2, newest: 3 })).toBe(1);
    expect(await purgeAll(world, { forMs: 2, newest: 1 })).toBe(1);
    expect(await listed(world)).toEqual([runs[3]]);
  });

  it("purges no run that goes on, nor one with a fenced lease, until it is stopped", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: ["a"] });
    await world.host("h", { slots: 9 });
    const [cancelled, leased, waiting] = [await world.start("w"), await world.start("w"), await world.start("w")];
    const { leases } = await world.grant({ limit: 2 });
    const fenced = leases.find(({ run }) => run.id === cancelled) as LeaseGrant;
    await world.cancel(cancelled);
    world.clock.move(1_000);
    const both = { forMs: 0, newest: 0 };
    expect(await purgeAll(world, both)).toBe(0);
    expect(await readable(world, [cancelled, leased, waiting])).toEqual([true, true, true]);
    expect(await world.stopped(fenced)).toEqual({ result: "APPLIED" });
    expect(await purgeAll(world, both)).toBe(1);
    expect(await readable(world, [cancelled, leased, waiting])).toEqual([false, true, true]);
  });

  it("P3: a lease of a purged run is stale, whatever is said of it, and no control finds the run", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const host = await world.host("h", { slots: 9 });
    const failed = await world.start("w");
    const lease = await world.lease();
    await world.fail(lease);
    expect(await purgeAll(world, newest(0))).toBe(1);
    world.effects.length = 0;
    for (const receipt of [
      await world.fail(lease),
      await world.complete(lease),
      await world.defer(lease),
      await world.stopped(lease),
    ]) {
      expect(receipt).toMatchObject({ result: "STALE", error: { code: "LEASE_STALE" } });
    }
    expect(world.effects).toMatchObject(
      world.effects.map(() => ({ type: "revoked", leaseId: lease.leaseId, sessionId: lease.sessionId })),
    );
    const again = await world.again(host, { held: [world.listed(lease, "FINISHED")] });
    expect(again.verdicts).toMatchObject([{ leaseId: lease.leaseId, state: "REVOKED" }]);
    for (const type of ["cancel", "pause"] as const) {
      expect(await world.control(failed, { type, reason: "" })).toBeUndefined();
    }
    expect(await world.control(failed, { type: "retry", requestId: "" })).toBeUndefined();
    expect(await readable(world, [failed])).toEqual([false]);
  });

  it("gives out nothing of a purged run again: its request id, its place in lists and in the log", async () => {
    const world = theWorld();
    const { store } = world;
    await world.register("w", { a: [] });
    await world.register("w", { a: [] }, "other");
    await world.host("h", { slots: 9 });
    const runId = await world.start("w", { requestId: "once" });
    await world.complete(await world.lease());
    const kept = await world.start("w");
    const { position } = store.stats();
    const query = { namespace: "default", workflow: "", statuses: [], pageSize: 1, pageToken: "" };
    const { nextPageToken } = await store.listRuns(query);
    await world.complete(await world.lease());
    expect(await purgeAll(world, newest(0))).toBe(2);
    const refused = await world.tryStart("w", { requestId: "once" });
    expect(refused).toMatchObject({ code: "REQUEST_ID_CONFLICT", message: expect.stringContaining(runId) });
    expect(await listed(world)).toEqual([]);
    // Another namespace has request ids of its own.
    expect(await world.tryStart("w", { requestId: "once", namespace: "other" })).toMatchObject({ existing: false });
    const next = await world.start("w");
    expect([runId, kept]).not.toContain(next);
    const { chunks } = await store.events({ namespace: "default", runId: null, after: position, limit: 10 });
    expect(chunks.map((chunk) => chunk.runId)).toEqual([next]);
    // Numbers grow, whatever was purged: the new run does not come after the old page.
    expect((await store.listRuns({ ...query, pageToken: nextPageToken })).items).toEqual([]);
  });

  it("takes a large run out of sight at once, and removes it in small steps", async () => {
    const world = theWorld();
    const { store } = world;
    const tasks = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`t${i}`, []]));
    await world.register("large", tasks);
    await world.register("w", { a: [] });
    const implementations = ["w", "large"].map((workflow) => ({ workflow, version: null, tasks: null }));
    await world.host("h", { slots: 9, implementations });
    const [before = ""] = await finishRuns(world, 1);
    const large = await world.start("large");
    for (let leases = (await world.grant()).leases; leases.length > 0; leases = (await world.grant()).leases) {
      for (const lease of leases) await world.complete(lease);
    }
    const [after = ""] = await finishRuns(world, 1);
    const whole = await world.events(large);
    const kept = [await world.events(before), await world.events(after)];
    let [steps, went] = [0, 0];
    for (; store.nextPurge(newest(1)) !== null; steps++) {
      went += await store.purge(newest(1), 20);
      const isThere = (await readable(world, [large]))[0];
      const events = await world.events(large);
      expect(events).toEqual(isThere === true ? whole : []);
      expect((await listed(world)).includes(large)).toBe(isThere);
      expect((await logged(world)).includes(large)).toBe(isThere);
      expect(await world.events(after)).toEqual(kept[1]);
    }
    expect([went, await listed(world)]).toEqual([2, [after]]);
    // Walking along the log, and removing what was found.
    expect(steps).toBeGreaterThan(5);
    // Even without a rule: what was begun is brought to its end.
    while (store.stats().finishedRuns > 0) await store.purge(newest(0), 1);
    expect(store.nextPurge(KEEP_ALL)).toBe(world.clock.now());
    expect(await purgeAll(world, KEEP_ALL, 1)).toBe(0);
    expect(store.nextPurge(KEEP_ALL)).toBeNull();
  });

  it("a run that is retried goes on, and counts from its last end", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h", { slots: 9 });
    const failed = await world.start("w");
    await world.fail(await world.lease());
    const [other = ""] = await finishRuns(world, 1);
    await purgeAll(world, newest(2));
    await world.control(failed, { type: "retry", requestId: "" });
    expect(world.store.stats()).toMatchObject({ finishedRuns: 1 });
    expect(await purgeAll(world, newest(1))).toBe(0);
    await world.fail(await world.lease());
    expect(world.store.stats()).toMatchObject({ finishedRuns: 2 });
    expect(await purgeAll(world, newest(1))).toBe(1);
    expect(await readable(world, [failed, other])).toEqual([true, false]);
  });

  it("within one turn, a run that is taken up stays, and one that was purged is gone", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h", { slots: 9 });
    const fail = async (requestId: string) => {
      const runId = await world.start("w", { requestId });
      await world.fail(await world.lease());
      return runId;
    };
    const [first, second, third] = [await fail("1"), await fail("2"), await fail("3")];
    const retry = { type: "retry" as const, requestId: "" };
    // The oldest goes on, so only one is too much, and it is the second.
    const [taken, went] = await Promise.all([world.control(first, retry), world.store.purge(newest(1), LARGE)]);
    expect([taken, went]).toMatchObject([{ status: "RUNNING" }, 1]);
    expect(await readable(world, [first, second, third])).toEqual([true, false, true]);
    const [purged, twice, control, start] = await Promise.all([
      world.store.purge(newest(0), LARGE),
      world.store.purge(newest(0), LARGE),
      world.control(third, retry),
      world.tryStart("w", { requestId: "3" }),
    ]);
    expect([purged, twice, control]).toEqual([1, 0, undefined]);
    expect(start).toMatchObject({ code: "REQUEST_ID_CONFLICT" });
    expect(await listed(world)).toEqual([first]);
    await world.complete(await world.lease());
    expect(await purgeAll(world, newest(0))).toBe(1);
  });

  it("whoever reads the log from an old cursor goes on, and misses nothing that is there", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h", { slots: 9 });
    const goesOn = await world.start("w");
    const slow = await world.lease();
    await finishRuns(world, 5);
    await purgeAll(world, newest(2));
    await world.complete(slow);
    const all: RunEvent[] = [];
    const whole = await world.store.events({ namespace: "default", runId: null, after: 0, limit: LARGE });
    for (let after = 0; after < world.store.stats().position; after++) {
      const { chunks, position } = await world.store.events({ namespace: "default", runId: null, after, limit: LARGE });
      expect(chunks).toEqual(whole.chunks.filter((chunk) => chunk.position > after));
      expect(position).toBe(whole.position);
      if (after === 0) all.push(...chunks.filter(({ runId }) => runId === goesOn).flatMap(({ events }) => events));
    }
    expect(all.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  });
}
