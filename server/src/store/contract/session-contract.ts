/** P1 and P6: opening, resuming, taking over. */
import { expect, it } from "vitest";
import type { TheWorld } from "./store-contract.js";
import { TTL_MS } from "./world.js";

export function sessionContract(theWorld: TheWorld): void {
  it("opens a session with what its host says, and shows it", async () => {
    const world = theWorld();
    const { session, resumed, ended, verdicts } = await world.host("h", { slots: 3, labels: { zone: "b" } });
    expect({ resumed, ended, verdicts }).toEqual({ resumed: false, ended: null, verdicts: [] });
    expect(session).toMatchObject({ generation: 1, draining: false, createdAt: world.clock.now() });
    expect(session.spec).toMatchObject({ hostId: "h", slots: 3, labels: { zone: "b" }, buildId: "7" });
    expect(world.store.session(session.id)).toEqual(session);
    expect(world.store.session("session0")).toBeNull();
    const views = world.store.listSessions("default");
    expect(views.map(({ held, leases, lastHeard }) => ({ held, leases, lastHeard }))).toEqual([
      { held: 0, leases: [], lastHeard: world.clock.now() },
    ]);
    expect(world.store.listSessions("other")).toEqual([]);
  });

  it("gives each item its own result, in order, in one commit", async () => {
    const { store } = theWorld();
    const first = await theWorld().host("a");
    const item = { resumeToken: "", held: [], takeoverAfterTtl: 1 };
    const results = await store.openSessions([
      { ...item, spec: { ...first.session.spec, hostId: "b", instanceId: "b-instance" } },
      { ...item, spec: { ...first.session.spec, instanceId: "another" } },
      { ...item, spec: first.session.spec, resumeToken: first.session.resumeToken },
    ]);
    expect(results.map((r) => (r instanceof Error ? r.code : r.session.spec.hostId))).toEqual([
      "b",
      "HOST_ID_IN_USE",
      "a",
    ]);
  });

  it("resumes a session of the same instance with its token: one generation up, with the new offer", async () => {
    const world = theWorld();
    const first = await world.host("h", { slots: 1 });
    const second = await world.again(first, { slots: 5 });
    const third = await world.again(second, { slots: 2 });
    expect([second.resumed, third.resumed]).toEqual([true, true]);
    expect(third.session).toEqual({
      ...first.session,
      generation: 3,
      spec: { ...first.session.spec, slots: 2 },
    });
    expect(world.store.listSessions("default")).toHaveLength(1);
  });

  it("refuses the same instance with a wrong token, and changes nothing", async () => {
    const world = theWorld();
    const { session } = await world.host("h");
    for (const resumeToken of ["", "guess"]) {
      const refused = await world.tryHost("h", { resumeToken, slots: 9 });
      expect(refused).toMatchObject({ code: "RESUME_TOKEN_INVALID" });
    }
    expect(world.store.session(session.id)).toEqual(session);
  });

  it("keeps a drain over a reconnect", async () => {
    const world = theWorld();
    const first = await world.host("h");
    await world.store.updateSessions([{ sessionId: first.session.id, draining: true }]);
    expect((await world.again(first)).session).toMatchObject({ draining: true, drainRequest: null });
    const drainRequest = { until: world.clock.now() + 5, reason: "a new version" };
    await world.store.updateSessions([{ sessionId: first.session.id, drainRequest }]);
    expect((await world.again(first)).session).toMatchObject({ draining: true, drainRequest });
  });

  it("P12: a request to drain drains, and lasts", async () => {
    const world = theWorld();
    const { session } = await world.host("h");
    const drainRequest = { until: world.clock.now() + 5, reason: "a new version" };
    await world.store.updateSessions([{ sessionId: session.id, drainRequest }]);
    await world.store.updateSessions([{ sessionId: session.id, slots: 7 }]);
    expect(world.store.session(session.id)).toMatchObject({ draining: true, drainRequest });
  });

  it("P1: how long silence must be goes by the TTL of the old session", async () => {
    const world = theWorld();
    await world.host("h", { ttlMs: 10 * TTL_MS });
    world.clock.move(5 * TTL_MS);
    const hasty = { instanceId: "another", ttlMs: 1_000, takeoverAfterTtl: 2 / 3 };
    expect(await world.tryHost("h", hasty)).toMatchObject({ code: "HOST_ID_IN_USE" });
    world.clock.move(7 * TTL_MS);
    expect(await world.tryHost("h", hasty)).toMatchObject({ resumed: false });
  });

  it("P1: refuses another instance while the old one showed life, and names both", async () => {
    const world = theWorld();
    const { session } = await world.host("h");
    world.clock.move(999);
    const refused = await world.tryHost("h", { instanceId: "another", takeoverAfterTtl: 1_000 / TTL_MS });
    expect(refused).toMatchObject({ code: "HOST_ID_IN_USE" });
    expect(String(refused)).toContain('"h-instance"');
    expect(world.store.session(session.id)).toEqual(session);
  });

  it("P1: another instance takes over after silence; the old session ends and its lease is a recovery", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const old = await world.host("h");
    const runId = await world.start("w");
    const lease = await world.lease();
    world.clock.move(1_000);
    const taken = await world.host("h", { instanceId: "another", takeoverAfterTtl: 1_000 / TTL_MS });
    expect(taken).toMatchObject({ resumed: false, ended: old.session.id });
    expect(taken.session.resumeToken).not.toBe(old.session.resumeToken);
    expect(world.store.session(old.session.id)).toBeNull();
    expect(await world.lease()).toMatchObject({ sessionId: taken.session.id, attempt: 1, recovery: 1, fence: 2 });
    expect((await world.complete(lease)).result).toBe("STALE");
    expect(await world.status(runId)).toBe("RUNNING");
  });

  it("keeps hosts of the same name apart by namespace", async () => {
    const world = theWorld();
    const here = await world.host("h");
    const there = await world.host("h", { namespace: "other", instanceId: "another" });
    expect(there).toMatchObject({ resumed: false, ended: null });
    expect(world.store.listSessions("other").map((v) => v.session.id)).toEqual([there.session.id]);
    expect(world.store.listSessions("default").map((v) => v.session.id)).toEqual([here.session.id]);
  });

  it("P6: answers each listed lease from the books, and never for another session", async () => {
    const world = theWorld();
    await world.register("w", { held: [], deferred: [], resumed: [], done: [], fenced: [] });
    await world.register("x", { other: [] });
    const host = await world.host("h", { slots: 5 });
    const stranger = await world.host("stranger", {
      implementations: [{ workflow: "x", version: null, tasks: null }],
    });
    await world.start("w");
    await world.start("x");
    const { leases } = await world.grant();
    const of = (taskId: string) => {
      const lease = leases.find((l) => l.taskId === taskId);
      if (lease === undefined) throw new Error(`no lease of ${taskId}`);
      return lease;
    };
    await world.defer(of("deferred"));
    await world.defer(of("resumed"));
    await world.reclaim(of("resumed"));
    await world.grant();
    await world.complete(of("done"));
    const doomed = await world.start("w", { priority: 1 });
    const [doomedLease] = (await world.grant({ limit: 1 })).leases;
    if (doomedLease === undefined) throw new Error("expected a lease");
    await world.cancel(doomed);
    const again = await world.again(host, {
      slots: 5,
      held: [
        world.listed(of("held"), "HELD"),
        world.listed(of("deferred"), "DEFERRING", 1),
        // The grant was lost on the wire.
        world.listed(of("resumed"), "RECLAIMING", 1),
        world.listed(of("done"), "FINISHED"),
        world.listed(doomedLease, "HELD"),
        world.listed(of("other"), "HELD"),
        { leaseId: "made.0.1", state: "HELD", deferral: 0 },
        { leaseId: "no lease at all", state: "HELD", deferral: 0 },
      ],
    });
    expect(again.verdicts.map((v) => [v.state, v.deferral, v.outcome, v.cancelReason])).toEqual([
      ["HELD", 0, null, null],
      ["DEFERRED", 1, null, null],
      ["HELD", 1, "MET", null],
      ["FINISHED", 0, null, null],
      ["ENDING", 0, null, "RUN_CANCELLED"],
      ["REVOKED", 0, null, null],
      ["REVOKED", 0, null, null],
      ["REVOKED", 0, null, null],
    ]);
    expect(stranger.session.id).toBe(of("other").sessionId);
  });

  it("P6: what was sent and is not listed is sent again, uncounted", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: [] });
    const host = await world.host("h", { slots: 2 });
    await world.start("w", { context: { day: '"monday"' }, traceparent: "00-1" });
    const [a, b] = (await world.grant()).leases;
    if (a === undefined || b === undefined) throw new Error("expected two leases");
    await world.again(host, { held: [world.listed(a, "HELD")] });
    const again = await world.store.pendingFor(host.session.id, new Set([a.leaseId]));
    expect(again).toEqual([b]);
    expect((await world.complete(b)).result).toBe("APPLIED");
  });

  it("P6: a deferral that the host has forgotten is lost, a fenced lease that it forgot gives its slot back", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const host = await world.host("h", { slots: 1 });
    const deferred = await world.start("w");
    await world.defer(await world.lease());
    const fenced = await world.start("w");
    await world.lease();
    await world.cancel(fenced);
    expect(world.held(host.session.id)).toBe(1);
    await world.again(host);
    expect(await world.store.pendingFor(host.session.id, new Set())).toEqual([]);
    expect(world.held(host.session.id)).toBe(0);
    expect(await world.task(deferred, "a")).toMatchObject({
      state: "READY",
      recovery: 1,
      lossesDeferred: 1,
      lossesHeld: 0,
    });
    expect((await world.task(fenced, "a")).ending).toEqual([]);
  });

  it("passes over updates, pending and ends of sessions that are not there", async () => {
    const { store } = theWorld();
    await store.updateSessions([{ sessionId: "gone", slots: 3 }]);
    await store.endSessions(["gone"], "bye");
    store.touchSessions([["gone", 0]]);
    expect(await store.pendingFor("gone", new Set())).toEqual([]);
    expect(store.listSessions("default")).toEqual([]);
  });

  it("ends a session on request; its lease is leased elsewhere", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const host = await world.host("h");
    const runId = await world.start("w");
    await world.lease();
    await world.store.endSessions([host.session.id], "said goodbye");
    expect(world.store.session(host.session.id)).toBeNull();
    expect((await world.events(runId)).at(-1)).toMatchObject({
      type: "TASK_LOST",
      slotDelta: -1,
      reason: "said goodbye",
    });
    // The same instance may come back: as a new session.
    expect(await world.host("h")).toMatchObject({ resumed: false });
    expect(await world.lease()).toMatchObject({ recovery: 1, fence: 2 });
  });
}
