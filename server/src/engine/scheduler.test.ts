import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { leaseOf, SchedulerScene } from "../testing/scheduler-scene.js";
import { offering, workflowOf } from "../testing/scripted-host.js";

describe.each(["memory", "sqlite"] as const)("a scheduler on %s", (kind) => {
  let scene: SchedulerScene;
  let connect: SchedulerScene["connect"];
  let start: SchedulerScene["start"];
  let eventTypes: SchedulerScene["eventTypes"];

  beforeEach(() => {
    scene = new SchedulerScene(kind);
    ({ connect, start, eventTypes } = scene);
  });

  afterEach(async () => {
    expect(await scene.store.check()).toEqual([]);
    await scene.end();
  });

  it("runs a chain: leases, patches, results, the final state", async () => {
    const host = await connect(offering(workflowOf("etl", { a: [], b: ["a"] })));
    const runId = await start("etl", { context: { day: '"monday"' } });
    expect(host.leases.map((l) => [l.taskId, l.input])).toEqual([["a", { day: '"monday"' }]]);
    const seq = host.say({ type: "complete", leaseId: leaseOf(host, "a"), patch: { set: { n: "1" }, removed: [] } });
    await scene.time.settle();
    expect(host.result(seq)).toBe("APPLIED");
    expect(host.leases.at(-1)?.input).toEqual({ day: '"monday"', n: "1" });
    host.say({ type: "complete", leaseId: leaseOf(host, "b"), patch: null });
    await scene.time.settle();
    expect((await scene.store.readRun("default", runId))?.run.status).toBe("SUCCEEDED");
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
      await scene.time.settle();
    }
    expect(host.leases.map((l) => l.taskId)).toEqual(["a", "b", "c"]);
    host.say({ type: "reclaim", leaseId: leaseOf(host, "a"), n: 1 });
    host.say({ type: "reclaim", leaseId: leaseOf(host, "b"), n: 1 });
    await scene.time.settle();
    expect(host.all("granted")).toEqual([]);
    for (const task of ["c", "a", "b"]) {
      host.say({ type: "complete", leaseId: leaseOf(host, task), patch: null });
      await scene.time.settle();
    }
    expect(host.all("granted").map((g) => g.leaseId)).toEqual([leaseOf(host, "a"), leaseOf(host, "b")]);
    expect((await scene.store.readRun("default", runId))?.run.status).toBe("SUCCEEDED");
    const { chunks } = await scene.store.events({ namespace: "default", runId, after: 0, limit: 1000 });
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
    await scene.time.settle();
    expect([again, other, madeUp].map((seq) => host.result(seq))).toEqual(["DUPLICATE", "CONFLICT", "STALE"]);
    expect(host.all("revoked").map((r) => r.leaseId)).toEqual(["r.0.1"]);
  });

  it("P3: a cancelled lease holds its slot until its host says Stopped", async () => {
    const host = await connect(offering(workflowOf("one", { a: [] })));
    const first = await start("one");
    await start("one");
    const cancelled = scene.scheduler.controlRun({
      namespace: "default",
      runId: first,
      control: { type: "cancel", reason: "enough" },
    });
    await scene.time.settle();
    expect(await cancelled).toEqual({ status: "CANCELLED", resetTasks: [] });
    expect(host.all("cancel").map((c) => c.detail)).toEqual(["enough"]);
    expect(host.leases).toHaveLength(1);
    host.say({ type: "stopped", leaseId: leaseOf(host, "a") });
    await scene.time.settle();
    expect(host.leases).toHaveLength(2);
  });

  it("P7: a host's completion goes before a cancellation that came in the same turn, and before it", async () => {
    const host = await connect(offering(workflowOf("one", { a: [] })));
    const runId = await start("one");
    const cancelled = scene.scheduler.controlRun({
      namespace: "default",
      runId,
      control: { type: "cancel", reason: "" },
    });
    const seq = host.say({ type: "complete", leaseId: leaseOf(host, "a"), patch: null });
    const [status] = await Promise.all([cancelled, scene.time.settle()]);
    expect([status.status, host.result(seq), host.all("cancel")]).toEqual(["SUCCEEDED", "APPLIED", []]);
  });

  it("P2: held slots never go above the offer, and fewer slots than held revoke nothing", async () => {
    const host = await connect({ ...offering(workflowOf("one", { a: [] })), slots: 2 });
    for (let run = 0; run < 4; run++) await start("one");
    expect(host.leases).toHaveLength(2);
    host.setSlots(1);
    host.say({ type: "complete", leaseId: host.leases[0]?.leaseId ?? "", patch: null });
    await scene.time.settle();
    expect(host.leases).toHaveLength(2);
    host.say({ type: "complete", leaseId: host.leases[1]?.leaseId ?? "", patch: null });
    await scene.time.settle();
    expect(host.leases).toHaveLength(3);
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
    await scene.time.settle();
    expect([host.result(1), host.result(2)]).toEqual(["REJECTED", "APPLIED"]);
    expect(host.all("registered").map((e) => [e.seq, e.workflows.map((w) => w.name)])).toEqual([[2, ["etl"]]]);
    await start("etl");
    expect(host.leases.map((l) => l.taskId)).toEqual(["a"]);
  });

  it("starts once for one request id, and refuses another content under it", async () => {
    await connect(offering(workflowOf("one", { a: [] })));
    const first = await start("one", { requestId: "q", context: { n: "1" } });
    expect(await start("one", { requestId: "q", context: { n: "1" } })).toBe(first);
    await expect(start("one", { requestId: "q", context: { n: "2" } })).rejects.toMatchObject({
      code: "REQUEST_ID_CONFLICT",
    });
  });
});
