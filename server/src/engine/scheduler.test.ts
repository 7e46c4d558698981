import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStore } from "../store/open-store.js";
import type { StartRun, Store } from "../store/store.js";
import { CountingIds, ManualTime } from "../testing/manual-time.js";
import { offering, ScriptedHost, workflowOf } from "../testing/scripted-host.js";
import { DEFAULT_LIMITS } from "./limits.js";
import { Scheduler } from "./scheduler.js";

const quiet = { info() {}, warn() {}, error() {} };

describe.each(["memory", "sqlite"] as const)("a scheduler on %s", (kind) => {
  let folder: string;
  let time: ManualTime;
  let store: Store;
  let scheduler: Scheduler;
  let opened = 0;

  function open(): void {
    const url = kind === "memory" ? "memory:" : `sqlite://${join(folder, "runs.db")}`;
    store = openStore(url, { clock: time, ids: new CountingIds(`${++opened}-`), limits: DEFAULT_LIMITS }, "");
    scheduler = new Scheduler({
      store,
      clock: time,
      runtime: time,
      limits: DEFAULT_LIMITS,
      log: quiet,
      checkBooks: true,
    });
    scheduler.start();
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-scheduler-"));
    time = new ManualTime();
    open();
  });

  afterEach(async () => {
    expect(await store.check()).toEqual([]);
    await store.close();
    rmSync(folder, { recursive: true });
  });

  async function connect(hello: Parameters<ScriptedHost["hello"]>[0]): Promise<ScriptedHost> {
    const host = new ScriptedHost(scheduler);
    host.hello(hello);
    await time.settle();
    return host;
  }

  async function start(workflow: string, more: Partial<StartRun> = {}): Promise<string> {
    const started = scheduler.startRun({
      namespace: "default",
      workflow,
      version: "",
      context: {},
      priority: 0,
      labels: {},
      traceparent: "",
      requestId: "",
      timeoutMs: 0,
      ...more,
    });
    const [{ runId }] = await Promise.all([started, time.settle()]);
    return runId;
  }

  async function eventTypes(runId: string): Promise<string[]> {
    const { chunks } = await store.events({ namespace: "default", runId, after: 0, limit: 1000 });
    return chunks.flatMap((c) => c.events).map((e) => e.type);
  }

  function leaseOf(host: ScriptedHost, taskId: string): string {
    return host.leases.findLast((lease) => lease.taskId === taskId)?.leaseId ?? `no lease of ${taskId}`;
  }

  it("runs a chain: leases, patches, results, the final state", async () => {
    const host = await connect(offering(workflowOf("etl", { a: [], b: ["a"] })));
    const runId = await start("etl", { context: { day: '"monday"' } });
    expect(host.leases.map((l) => [l.taskId, l.input])).toEqual([["a", { day: '"monday"' }]]);
    const seq = host.say({ type: "complete", leaseId: leaseOf(host, "a"), patch: { set: { n: "1" }, removed: [] } });
    await time.settle();
    expect(host.result(seq)).toBe("APPLIED");
    expect(host.leases.at(-1)?.input).toEqual({ day: '"monday"', n: "1" });
    host.say({ type: "complete", leaseId: leaseOf(host, "b"), patch: null });
    await time.settle();
    expect((await store.readRun("default", runId))?.run.status).toBe("SUCCEEDED");
    expect(await eventTypes(runId)).toEqual([
      "RUN_STARTED",
      "TASK_READY",
      "TASK_LEASED",
      "TASK_SUCCEEDED",
      "TASK_READY",
      "TASK_LEASED",
      "TASK_SUCCEEDED",
      "RUN_SUCCEEDED",
    ]);
  });

  it("P8: two deferred tasks give their one slot to a third, and get it back in order", async () => {
    const host = await connect(offering(workflowOf("wait", { a: [], b: [], c: [] })));
    const runId = await start("wait");
    const wait = { n: 1, pollIntervalMs: 10, maxWaitMs: 0, description: "", patch: null };
    for (const task of ["a", "b"]) {
      host.say({ type: "defer", leaseId: leaseOf(host, task), ...wait });
      await time.settle();
    }
    expect(host.leases.map((l) => l.taskId)).toEqual(["a", "b", "c"]);
    host.say({ type: "reclaim", leaseId: leaseOf(host, "a"), n: 1 });
    host.say({ type: "reclaim", leaseId: leaseOf(host, "b"), n: 1 });
    await time.settle();
    expect(host.all("granted")).toEqual([]);
    for (const task of ["c", "a", "b"]) {
      host.say({ type: "complete", leaseId: leaseOf(host, task), patch: null });
      await time.settle();
    }
    expect(host.all("granted").map((g) => g.leaseId)).toEqual([leaseOf(host, "a"), leaseOf(host, "b")]);
    expect((await store.readRun("default", runId))?.run.status).toBe("SUCCEEDED");
    const { chunks } = await store.events({ namespace: "default", runId, after: 0, limit: 1000 });
    let held = 0;
    for (const event of chunks.flatMap((c) => c.events)) {
      held += event.slotDelta ?? 0;
      expect(held).toBeGreaterThanOrEqual(0);
      expect(held).toBeLessThanOrEqual(1);
    }
    expect(held).toBe(0);
  });

  it("P4: the same outcome again is a DUPLICATE, another one a CONFLICT, a made-up lease STALE", async () => {
    const host = await connect(offering(workflowOf("one", { a: [] })));
    await start("one");
    const leaseId = leaseOf(host, "a");
    host.say({ type: "complete", leaseId, patch: { set: { n: "1" }, removed: [] } });
    const again = host.say({ type: "complete", leaseId, patch: { set: { n: "1" }, removed: [] } });
    const other = host.say({ type: "complete", leaseId, patch: { set: { n: "2" }, removed: [] } });
    const madeUp = host.say({ type: "complete", leaseId: "r.0.1", patch: null });
    await time.settle();
    expect([again, other, madeUp].map((seq) => host.result(seq))).toEqual(["DUPLICATE", "CONFLICT", "STALE"]);
    expect(host.all("revoked").map((r) => r.leaseId)).toEqual(["r.0.1"]);
  });

  it("P3: a cancelled lease holds its slot until its host says Stopped", async () => {
    const host = await connect(offering(workflowOf("one", { a: [] })));
    const first = await start("one");
    await start("one");
    const cancelled = scheduler.controlRun({
      namespace: "default",
      runId: first,
      control: { type: "cancel", reason: "enough" },
    });
    await time.settle();
    expect(await cancelled).toEqual({ status: "CANCELLED", resetTasks: [] });
    expect(host.all("cancel").map((c) => c.detail)).toEqual(["enough"]);
    expect(host.leases).toHaveLength(1);
    host.say({ type: "stopped", leaseId: leaseOf(host, "a") });
    await time.settle();
    expect(host.leases).toHaveLength(2);
  });

  it("P7: a host's completion goes before a cancellation that came in the same turn, and before it", async () => {
    const host = await connect(offering(workflowOf("one", { a: [] })));
    const runId = await start("one");
    const cancelled = scheduler.controlRun({ namespace: "default", runId, control: { type: "cancel", reason: "" } });
    const seq = host.say({ type: "complete", leaseId: leaseOf(host, "a"), patch: null });
    const [status] = await Promise.all([cancelled, time.settle()]);
    expect([status.status, host.result(seq), host.all("cancel")]).toEqual(["SUCCEEDED", "APPLIED", []]);
  });

  it("P5: a session that stays silent expires, and its attempt is leased again elsewhere as a recovery", async () => {
    const offer = offering(workflowOf("one", { a: [] }));
    const lost = await connect(offer);
    await start("one");
    lost.connection.ended(false);
    const other = await connect({ ...offer, hostId: "other", instanceId: "instance-2" });
    await time.advance(DEFAULT_LIMITS.sessionTtlMs - 1);
    expect(other.leases).toEqual([]);
    other.connection.receive([{ seq: 0, type: "heartbeat", nonce: 1n, mainLoopLagMs: 0 }]);
    await time.settle();
    await time.advance(2);
    expect(other.leases.map(({ attempt, recovery, fence }) => ({ attempt, recovery, fence }))).toEqual([
      { attempt: 1, recovery: 1, fence: 2 },
    ]);
  });

  it("P5: a session expires a TTL after it was last heard, and not after the turn that notes it", async () => {
    const host = await connect(offering(workflowOf("one", { a: [] })));
    const { id = "" } = host.welcome?.session ?? {};
    await time.advance(1_000);
    // Takes no turn: the next one is when the session would have expired without it.
    host.connection.receive([{ seq: 0, type: "heartbeat", nonce: 1n, mainLoopLagMs: 0 }]);
    host.connection.ended(false);
    await time.advance(DEFAULT_LIMITS.sessionTtlMs - 1);
    expect(store.session(id)).not.toBeNull();
    await time.advance(1);
    expect(store.session(id)).toBeNull();
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
    await time.stall(4_000);
    await time.advance(1);
    const { id = "" } = silent.welcome?.session ?? {};
    const heard = store.listSessions("default").find((v) => v.session.id === id)?.lastHeard ?? 0;
    await time.advance(5_000);
    host.say({ type: "reclaim", leaseId, n: 1 });
    await time.settle();
    await time.advance(1);
    expect(host.all("cancel")).toHaveLength(1);
    expect(store.listSessions("default").find((v) => v.session.id === id)?.lastHeard).toBe(heard);
  });

  it("P5: time in which the loop stood still is nobody's silence: each session has a full TTL after it", async () => {
    const host = await connect(offering(workflowOf("one", { a: [] })));
    const { id = "" } = host.welcome?.session ?? {};
    await time.stall(4 * DEFAULT_LIMITS.sessionTtlMs);
    await time.advance(DEFAULT_LIMITS.sessionTtlMs - 1);
    expect(store.session(id)).not.toBeNull();
    await time.advance(1);
    expect(store.session(id)).toBeNull();
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

  it("P2: held slots never go above the offer, and fewer slots than held revoke nothing", async () => {
    const host = await connect({ ...offering(workflowOf("one", { a: [] })), slots: 2 });
    for (let run = 0; run < 4; run++) await start("one");
    expect(host.leases).toHaveLength(2);
    host.setSlots(1);
    host.say({ type: "complete", leaseId: host.leases[0]?.leaseId ?? "", patch: null });
    await time.settle();
    expect(host.leases).toHaveLength(2);
    host.say({ type: "complete", leaseId: host.leases[1]?.leaseId ?? "", patch: null });
    await time.settle();
    expect(host.leases).toHaveLength(3);
  });

  it("P12: a host that is asked to drain is told at once, or as soon as it connects, also by the next scheduler", async () => {
    const etl = offering(workflowOf("etl", { a: [] }));
    const host = await connect(etl);
    const { id, resumeToken } = host.welcome?.session ?? { id: "", resumeToken: "" };
    await scheduler.drainHost(id, 500, "a new version");
    const drain = { graceMs: 500, reason: "a new version", reconnect: false, reconnectAfterMs: 0 };
    expect(host.all("drain").map((e) => e.drain)).toEqual([drain]);
    await start("etl");
    expect(host.leases).toEqual([]);
    host.connection.ended(false);
    await time.advance(200);
    const again = await connect({ ...etl, resumeToken });
    expect(again.heard.slice(0, 2).map((e) => e.type)).toEqual(["welcome", "drain"]);
    expect(again.all("drain").map((e) => e.drain)).toEqual([{ ...drain, graceMs: 300 }]);
    if (kind === "memory") return;
    await scheduler.stop(0);
    await store.close();
    open();
    await time.advance(400);
    const after = await connect({ ...etl, resumeToken });
    expect(after.all("drain").map((e) => e.drain)).toEqual([{ ...drain, graceMs: 0 }]);
    expect(after.leases).toEqual([]);
  });

  it("P11: a Hello that is wrong is refused with every problem and its place", async () => {
    const host = await connect({ ...offering(workflowOf("one", { a: ["b"], c: ["c"] })), hostId: "1" });
    expect(host.closedWith?.code).toBe("DEFINITION_INVALID");
    expect(host.closedWith?.problems.map((p) => p.field)).toEqual([
      "hello.host_id",
      "hello.definitions[0].tasks[0].dependencies[0]",
      "hello.definitions[0].tasks[1].dependencies[0]",
    ]);
  });

  it("P11: texts about a host, its labels and the tasks that it names are checked, all at once", async () => {
    const host = await connect({
      labels: { note: "x".repeat(20_000) },
      buildId: "b".repeat(257),
      capabilities: ["fine", "c".repeat(257)],
      slots: 100_001,
      instanceId: "short",
      implementations: [{ workflow: "etl", tasks: ["load", "1st"], version: "", anyVersion: true }],
    });
    expect(host.closedWith?.problems.map((p) => p.field)).toEqual([
      "hello.instance_id",
      "hello.slots",
      "hello.labels",
      "hello.build_id",
      "hello.capabilities[1]",
      "hello.implementations[0].tasks[1]",
    ]);
  });

  it("Register in a running session: what is wrong changes nothing; what is right is leased from then on", async () => {
    const host = await connect({});
    const register = (seq: number, offer: ReturnType<typeof workflowOf>) =>
      host.connection.receive([{ seq, type: "register", offer: offering(offer) }]);
    register(1, workflowOf("etl", { a: ["b"] }));
    register(2, workflowOf("etl", { a: [] }));
    await time.settle();
    expect([host.result(1), host.result(2)]).toEqual(["REJECTED", "APPLIED"]);
    expect(host.all("registered").map((e) => [e.seq, e.workflows.map((w) => w.name)])).toEqual([[2, ["etl"]]]);
    await start("etl");
    expect(host.leases.map((l) => l.taskId)).toEqual(["a"]);
  });

  it("P12: a host that drains gets no new leases, may hand back what it holds, and says goodbye at the end", async () => {
    const etl = offering(workflowOf("etl", { a: [], b: [] }));
    const host = await connect(etl);
    const runId = await start("etl");
    host.connection.receive([{ seq: 1, type: "drain", reason: "a new version" }]);
    await time.settle();
    const other = await connect({ ...etl, hostId: "other", instanceId: "instance-2" });
    const leaseId = leaseOf(host, "a");
    expect(other.leases.map((l) => l.taskId)).toEqual(["b"]);
    const decline = { seq: 2, type: "lease_event" as const };
    host.connection.receive([{ ...decline, event: { type: "decline", leaseId, patch: null, reason: "draining" } }]);
    host.connection.ended(true);
    await time.settle();
    expect(store.listSessions("default").map((v) => v.session.spec.hostId)).toEqual(["other"]);
    other.say({ type: "complete", leaseId: leaseOf(other, "b"), patch: null });
    await time.settle();
    expect(other.leases.at(-1)).toMatchObject({ taskId: "a", attempt: 1, recovery: 0, fence: 2 });
    expect(await eventTypes(runId)).toContain("TASK_DECLINED");
  });

  it("starts once for one request id, and refuses another content under it", async () => {
    await connect(offering(workflowOf("one", { a: [] })));
    const first = await start("one", { requestId: "q", context: { n: "1" } });
    expect(await start("one", { requestId: "q", context: { n: "1" } })).toBe(first);
    await expect(start("one", { requestId: "q", context: { n: "2" } })).rejects.toMatchObject({
      code: "REQUEST_ID_CONFLICT",
    });
  });

  // The memory store forgets with its process: there is nothing to carry on with.
  if (kind === "memory") return;

  it("carries on after a restart: runs, sessions, a running and a deferred lease", async () => {
    const offer = offering(workflowOf("pair", { a: [], b: [], c: ["a", "b"] }));
    const before = await connect({ ...offer, slots: 2 });
    const runId = await start("pair");
    const wait = { n: 1, pollIntervalMs: 10, maxWaitMs: 0, description: "", patch: null };
    before.say({ type: "defer", leaseId: leaseOf(before, "a"), ...wait });
    await time.settle();
    await store.close();
    open();
    const held = [
      { leaseId: leaseOf(before, "a"), state: "DEFERRED" as const, deferral: 1 },
      { leaseId: leaseOf(before, "b"), state: "HELD" as const, deferral: 0 },
    ];
    const after = await connect({ ...offer, slots: 2, resumeToken: before.welcome?.session.resumeToken ?? "", held });
    expect(after.welcome?.verdicts.map((v) => v.state)).toEqual(["DEFERRED", "HELD"]);
    after.say({ type: "reclaim", leaseId: leaseOf(before, "a"), n: 1 });
    after.say({ type: "complete", leaseId: leaseOf(before, "b"), patch: null });
    await time.settle();
    after.say({ type: "complete", leaseId: leaseOf(before, "a"), patch: null });
    await time.settle();
    after.say({ type: "complete", leaseId: leaseOf(after, "c"), patch: null });
    await time.settle();
    const view = await store.readRun("default", runId);
    expect(view?.run.status).toBe("SUCCEEDED");
    expect(view?.tasks.map((t) => [t.attempt, t.recovery, t.fence])).toEqual([
      [1, 0, 1],
      [1, 0, 1],
      [1, 0, 1],
    ]);
    const { chunks } = await store.events({ namespace: "default", runId, after: 0, limit: 1000 });
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
    await time.advance(500);
    for (let restarts = 0; restarts < 2; restarts++) {
      // Something happens just before, so that the log tells until when the scheduler ran.
      await start("one");
      await scheduler.stop(0);
      await store.close();
      await time.advance(10_000);
      open();
      const held = [{ leaseId, state: "HELD" as const, deferral: 0 }];
      host = await connect({ ...offer, resumeToken: host.welcome?.session.resumeToken ?? "", held });
    }
    await time.advance(1_499);
    expect(host.all("cancel")).toEqual([]);
    await time.advance(1);
    expect(host.all("cancel")).toMatchObject([{ leaseId, reason: "TIMEOUT" }]);
  });
});
