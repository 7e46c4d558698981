import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { leaseOf, SchedulerScene } from "../testing/scheduler-scene.js";
import { offering, workflowOf } from "../testing/scripted-host.js";
import { DEFAULT_LIMITS } from "./limits.js";

describe.each(["memory", "sqlite"] as const)("sessions of a scheduler on %s", (kind) => {
  let scene: SchedulerScene;
  let connect: SchedulerScene["connect"];
  let start: SchedulerScene["start"];
  let eventTypes: SchedulerScene["eventTypes"];
  let reopen: SchedulerScene["reopen"];

  beforeEach(() => {
    scene = new SchedulerScene(kind);
    ({ connect, start, eventTypes, reopen } = scene);
  });

  afterEach(async () => {
    expect(await scene.store.check()).toEqual([]);
    await scene.end();
  });

  it("P5: a session that stays silent expires, and its attempt is leased again elsewhere as a recovery", async () => {
    const offer = offering(workflowOf("one", { a: [] }));
    const lost = await connect(offer);
    await start("one");
    lost.connection.ended(false);
    const other = await connect({ ...offer, hostId: "other", instanceId: "instance-2" });
    await scene.time.advance(DEFAULT_LIMITS.sessionTtlMs - 1);
    expect(other.leases).toEqual([]);
    other.connection.receive([{ seq: 0, type: "heartbeat", nonce: 1n, mainLoopLagMs: 0 }]);
    await scene.time.settle();
    await scene.time.advance(2);
    expect(other.leases.map(({ attempt, recovery, fence }) => ({ attempt, recovery, fence }))).toEqual([
      { attempt: 1, recovery: 1, fence: 2 },
    ]);
  });

  it("P5: a session expires a TTL after it was last heard, and not after the turn that notes it", async () => {
    const host = await connect(offering(workflowOf("one", { a: [] })));
    const { id = "" } = host.welcome?.session ?? {};
    await scene.time.advance(1_000);
    // Takes no turn: the next one is when the session would have expired without it.
    host.connection.receive([{ seq: 0, type: "heartbeat", nonce: 1n, mainLoopLagMs: 0 }]);
    host.connection.ended(false);
    await scene.time.advance(DEFAULT_LIMITS.sessionTtlMs - 1);
    expect(scene.store.session(id)).not.toBeNull();
    await scene.time.advance(1);
    expect(scene.store.session(id)).toBeNull();
  });

  it("P5: a deadline that is overdue when it is set is no stall: it gives nobody another TTL", async () => {
    const definition = workflowOf("slow", { a: [] });
    const timed = { ...definition, tasks: definition.tasks.map((task) => ({ ...task, timeoutMs: 2_000 })) };
    const silent = await connect({ ...offering(timed), hostId: "silent", instanceId: "instance-2", slots: 0 });
    const host = await connect(offering(timed));
    await start("slow");
    const leaseId = host.leases[0]?.leaseId ?? "";
    // The loop stands still, and the task gives its slot back only after its timeout.
    host.say({ type: "defer", leaseId, n: 1, pollIntervalMs: 10, maxWaitMs: 0, description: "", patch: null });
    await scene.time.stall(4_000);
    await scene.time.advance(1);
    const { id = "" } = silent.welcome?.session ?? {};
    const heard = scene.store.listSessions("default").find((v) => v.session.id === id)?.lastHeard ?? 0;
    await scene.time.advance(5_000);
    host.say({ type: "reclaim", leaseId, n: 1 });
    await scene.time.settle();
    await scene.time.advance(1);
    expect(host.all("cancel")).toHaveLength(1);
    expect(scene.store.listSessions("default").find((v) => v.session.id === id)?.lastHeard).toBe(heard);
  });

  it("P5: time in which the loop stood still is nobody's silence: each session has a full TTL after it", async () => {
    const host = await connect(offering(workflowOf("one", { a: [] })));
    const { id = "" } = host.welcome?.session ?? {};
    await scene.time.stall(4 * DEFAULT_LIMITS.sessionTtlMs);
    await scene.time.advance(DEFAULT_LIMITS.sessionTtlMs - 1);
    expect(scene.store.session(id)).not.toBeNull();
    await scene.time.advance(1);
    expect(scene.store.session(id)).toBeNull();
    expect(host.closedWith?.code).toBe("SESSION_EXPIRED");
  });

  it("P6: a lease that was sent and is not listed is sent again, uncounted; a listed one goes on", async () => {
    const offer = offering(workflowOf("pair", { a: [], b: [] }));
    const before = await connect({ ...offer, slots: 2 });
    await start("pair");
    before.connection.ended(false);
    const held = [{ leaseId: leaseOf(before, "a"), state: "HELD" as const, deferral: 0 }];
    const after = await connect({ ...offer, slots: 2, resumeToken: before.welcome?.session.resumeToken ?? "", held });
    expect(after.welcome?.resumed).toBe(true);
    expect(after.welcome?.verdicts.map((v) => v.state)).toEqual(["HELD"]);
    expect(after.leases.map((l) => [l.taskId, l.leaseId, l.recovery])).toEqual([["b", leaseOf(before, "b"), 0]]);
  });

  it("P12: a host that is asked to drain is told at once, or as soon as it connects, also by the next scheduler", async () => {
    const etl = offering(workflowOf("etl", { a: [] }));
    const host = await connect(etl);
    const { id, resumeToken } = host.welcome?.session ?? { id: "", resumeToken: "" };
    await scene.scheduler.drainHost(id, 500, "a new version");
    const drain = { graceMs: 500, reason: "a new version", reconnect: false, reconnectAfterMs: 0 };
    expect(host.all("drain").map((e) => e.drain)).toEqual([drain]);
    await start("etl");
    expect(host.leases).toEqual([]);
    host.connection.ended(false);
    await scene.time.advance(200);
    const again = await connect({ ...etl, resumeToken });
    expect(again.heard.slice(0, 2).map((e) => e.type)).toEqual(["welcome", "drain"]);
    expect(again.all("drain").map((e) => e.drain)).toEqual([{ ...drain, graceMs: 300 }]);
    if (kind === "memory") return;
    await scene.scheduler.stop(0);
    await scene.store.close();
    reopen();
    await scene.time.advance(400);
    const after = await connect({ ...etl, resumeToken });
    expect(after.all("drain").map((e) => e.drain)).toEqual([{ ...drain, graceMs: 0 }]);
    expect(after.leases).toEqual([]);
  });

  it("P12: a host that drains gets no new leases, may hand back what it holds, and says goodbye at the end", async () => {
    const etl = offering(workflowOf("etl", { a: [], b: [] }));
    const host = await connect(etl);
    const runId = await start("etl");
    host.connection.receive([{ seq: 1, type: "drain", reason: "a new version" }]);
    await scene.time.settle();
    const other = await connect({ ...etl, hostId: "other", instanceId: "instance-2" });
    const leaseId = leaseOf(host, "a");
    expect(other.leases.map((l) => l.taskId)).toEqual(["b"]);
    const decline = { seq: 2, type: "lease_event" as const };
    host.connection.receive([{ ...decline, event: { type: "decline", leaseId, patch: null, reason: "draining" } }]);
    host.connection.ended(true);
    await scene.time.settle();
    expect(scene.store.listSessions("default").map((v) => v.session.spec.hostId)).toEqual(["other"]);
    other.say({ type: "complete", leaseId: leaseOf(other, "b"), patch: null });
    await scene.time.settle();
    expect(other.leases.at(-1)).toMatchObject({ taskId: "a", attempt: 1, recovery: 0, fence: 2 });
    expect(await eventTypes(runId)).toContain("TASK_DECLINED");
  });

  // The memory store forgets with its process: there is nothing to carry on with.
  if (kind === "memory") return;

  it("carries on after a restart: runs, sessions, a running and a deferred lease", async () => {
    const offer = offering(workflowOf("pair", { a: [], b: [], c: ["a", "b"] }));
    const before = await connect({ ...offer, slots: 2 });
    const runId = await start("pair");
    const wait = { n: 1, pollIntervalMs: 10, maxWaitMs: 0, description: "", patch: null };
    before.say({ type: "defer", leaseId: leaseOf(before, "a"), ...wait });
    await scene.time.settle();
    await scene.store.close();
    reopen();
    const held = [
      { leaseId: leaseOf(before, "a"), state: "DEFERRED" as const, deferral: 1 },
      { leaseId: leaseOf(before, "b"), state: "HELD" as const, deferral: 0 },
    ];
    const after = await connect({ ...offer, slots: 2, resumeToken: before.welcome?.session.resumeToken ?? "", held });
    expect(after.welcome?.verdicts.map((v) => v.state)).toEqual(["DEFERRED", "HELD"]);
    after.say({ type: "reclaim", leaseId: leaseOf(before, "a"), n: 1 });
    after.say({ type: "complete", leaseId: leaseOf(before, "b"), patch: null });
    await scene.time.settle();
    after.say({ type: "complete", leaseId: leaseOf(before, "a"), patch: null });
    await scene.time.settle();
    after.say({ type: "complete", leaseId: leaseOf(after, "c"), patch: null });
    await scene.time.settle();
    const view = await scene.store.readRun("default", runId);
    expect(view?.run.status).toBe("SUCCEEDED");
    expect(view?.tasks.map((t) => [t.attempt, t.recovery, t.fence])).toEqual([
      [1, 0, 1],
      [1, 0, 1],
      [1, 0, 1],
    ]);
    const { chunks } = await scene.store.events({ namespace: "default", runId, after: 0, limit: 1000 });
    const events = chunks.flatMap((c) => c.events);
    expect(events.map((e) => e.seq)).toEqual(events.map((_, index) => index + 1));
  });

  it("P9: the pauses of several restarts count towards no timeout, and what came before each does", async () => {
    const timed = workflowOf("slow", { a: [] });
    const slow = { ...timed, tasks: timed.tasks.map((task) => ({ ...task, timeoutMs: 2_000 })) };
    const offer = { ...offering(slow, workflowOf("one", { a: [] })), slots: 1 };
    let host = await connect(offer);
    await start("slow");
    const { leaseId = "" } = host.leases[0] ?? {};
    await scene.time.advance(500);
    for (let restarts = 0; restarts < 2; restarts++) {
      // Something happens just before, so that the log tells until when the scheduler ran.
      await start("one");
      await scene.scheduler.stop(0);
      await scene.store.close();
      await scene.time.advance(10_000);
      reopen();
      const held = [{ leaseId, state: "HELD" as const, deferral: 0 }];
      host = await connect({ ...offer, resumeToken: host.welcome?.session.resumeToken ?? "", held });
    }
    await scene.time.advance(1_499);
    expect(host.all("cancel")).toEqual([]);
    await scene.time.advance(1);
    expect(host.all("cancel")).toMatchObject([{ leaseId, reason: "TIMEOUT" }]);
  });
});
