/** Workflows and their versions, starting runs, deciding about them. */
import { expect, it } from "vitest";
import { compileGraph } from "../../core/graph.js";
import { controlRun } from "../../core/run-control.js";
import type { TheWorld } from "./store-contract.js";
import { definition, FAILURE, LIMITS } from "./world.js";

export function runContract(theWorld: TheWorld): void {
  it("registers each version once; the one whose first registration is newest is current (P13)", async () => {
    const world = theWorld();
    const { store, clock } = world;
    const one = compileGraph(definition("w", { a: [] }));
    const two = compileGraph(definition("w", { a: [], b: ["a"] }));
    const register = async (graph: typeof one) => (await store.registerWorkflows([{ namespace: "default", graph }]))[0];
    expect(await register(one)).toEqual({ name: "w", version: one.version, created: true });
    const firstAt = clock.now();
    clock.move(10);
    expect(await register(two)).toMatchObject({ created: true });
    clock.move(10);
    // Registering the older one again does not make it current.
    expect(await register(one)).toEqual({ name: "w", version: one.version, created: false });
    expect(await store.readWorkflow("default", "w", "")).toMatchObject({
      graph: { version: two.version },
      current: true,
    });
    expect(await store.readWorkflow("default", "w", one.version)).toMatchObject({
      current: false,
      registeredAt: firstAt,
    });
    expect(await store.readWorkflow("default", "w", "nope")).toBeNull();
    expect(await store.readWorkflow("other", "w", "")).toBeNull();
    const started = [await world.tryStart("w"), await world.tryStart("w", { version: one.version })];
    expect(started.map((s) => (s instanceof Error ? s.code : s.version))).toEqual([two.version, one.version]);
  });

  it("keeps the order of registrations, whatever the clock says", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    world.clock.move(-60_000);
    const newest = await world.register("w", { b: [] });
    await world.register("x", { a: [] });
    expect((await world.store.readWorkflow("default", "w", ""))?.graph.version).toBe(newest);
  });

  it("registers several at once, two versions of one workflow among them", async () => {
    const { store } = theWorld();
    const graphs = [definition("w", { a: [] }), definition("w", { b: [] }), definition("v", { a: [] })].map((d) =>
      compileGraph(d),
    );
    const done = await store.registerWorkflows(graphs.map((graph) => ({ namespace: "default", graph })));
    expect(done.map((d) => [d.name, d.created])).toEqual([
      ["w", true],
      ["w", true],
      ["v", true],
    ]);
    const { items } = await store.listWorkflows("default", 10, "");
    expect(items.map((i) => [i.graph.definition.name, i.graph.version, i.current])).toEqual([
      ["v", graphs[2]?.version, true],
      ["w", graphs[1]?.version, true],
      ["w", graphs[0]?.version, false],
    ]);
  });

  it("starts a run: pending, its roots ready, its content kept", async () => {
    const world = theWorld();
    const version = await world.register("w", { a: [], b: ["a"], c: [] });
    const at = world.clock.now();
    const runId = await world.start("w", {
      context: { day: '"monday"' },
      priority: -3,
      labels: { team: "x" },
      traceparent: "00-1",
      requestId: "q",
    });
    world.clock.move(50);
    const { run, tasks } = await world.view(runId);
    expect(run).toEqual({
      id: runId,
      namespace: "default",
      workflow: "w",
      version,
      status: "PENDING",
      priority: -3,
      labels: { team: "x" },
      traceparent: "00-1",
      requestId: "q",
      input: { day: '"monday"' },
      createdAt: at,
      startedAt: null,
      finishedAt: null,
      timeoutMs: 0,
      deadlineAt: null,
      retriedBy: "",
      reason: "",
      open: 3,
      failed: 0,
      eventSeq: 3,
    });
    expect(tasks.map((t) => [t.state, t.remaining, t.readyAt])).toEqual([
      ["READY", 0, at],
      ["WAITING", 1, null],
      ["READY", 0, at],
    ]);
    expect(await world.store.readRun("other", runId)).toBeNull();
    expect(await world.store.readRun("default", "nope")).toBeNull();
  });

  it("starts what can start, and tells for each item why it cannot", async () => {
    const world = theWorld();
    await world.register("etl", { a: [] });
    const item = {
      namespace: "default",
      version: "",
      context: {},
      priority: 0,
      labels: {},
      traceparent: "",
      requestId: "",
      timeoutMs: 0,
    };
    const results = await world.store.startRuns([
      { ...item, workflow: "elt" },
      { ...item, workflow: "etl" },
      { ...item, workflow: "etl", version: "v0" },
      { ...item, workflow: "etl", namespace: "other" },
    ]);
    expect(results.map((r) => (r instanceof Error ? r.code : "started"))).toEqual([
      "WORKFLOW_NOT_FOUND",
      "started",
      "WORKFLOW_VERSION_NOT_FOUND",
      "WORKFLOW_NOT_FOUND",
    ]);
    expect(String(results[0])).toContain('"etl"');
  });

  it("starts once for a request id: in one batch, later, and after the run has ended", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h");
    const item = {
      namespace: "default",
      workflow: "w",
      version: "",
      priority: 0,
      labels: {},
      traceparent: "",
      timeoutMs: 0,
    };
    const twice = await world.store.startRuns([
      { ...item, requestId: "q", context: { n: "1" } },
      { ...item, requestId: "q", context: { n: "1" } },
      { ...item, requestId: "q", context: { n: "2" } },
    ]);
    const runId = twice[0] instanceof Error ? "" : (twice[0]?.runId ?? "");
    expect(twice[1]).toMatchObject({ runId, existing: true });
    expect(twice[2]).toMatchObject({ code: "REQUEST_ID_CONFLICT" });
    await world.complete(await world.lease());
    expect(await world.status(runId)).toBe("SUCCEEDED");
    expect(await world.tryStart("w", { requestId: "q", context: { n: "1" } })).toMatchObject({ runId, existing: true });
    for (const other of [{ priority: 1 }, { labels: { a: "b" } }, { context: {} }, { workflow: "x" }]) {
      const refused = await world.tryStart("w", { requestId: "q", context: { n: "1" }, ...other });
      expect(refused).toMatchObject({ code: "REQUEST_ID_CONFLICT" });
    }
  });

  it("keeps request ids apart by namespace", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.register("w", { a: [] }, "other");
    const here = await world.start("w", { requestId: "q" });
    const there = await world.tryStart("w", { requestId: "q", namespace: "other" });
    expect(there).toMatchObject({ existing: false });
    expect(await world.tryStart("w", { requestId: "q" })).toMatchObject({ runId: here, existing: true });
  });

  it("passes patches along the graph and finishes the run", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: ["a"], c: ["a"], d: ["b", "c"] });
    await world.host("h");
    const runId = await world.start("w", { context: { day: '"monday"', gone: "1" } });
    const a = await world.lease();
    await world.say(a.sessionId, {
      type: "complete",
      leaseId: a.leaseId,
      patch: { set: { n: "1" }, removed: ["gone"] },
    });
    const b = await world.lease();
    expect([b.taskId, b.input]).toEqual(["b", { day: '"monday"', n: "1" }]);
    await world.complete(b, { n: "2" });
    await world.complete(await world.lease());
    const d = await world.lease();
    expect([d.taskId, d.input]).toEqual(["d", { day: '"monday"', n: "2" }]);
    world.clock.move(7);
    await world.complete(d);
    const { run, tasks } = await world.view(runId);
    expect(run).toMatchObject({ status: "SUCCEEDED", open: 0, failed: 0, finishedAt: world.clock.now() });
    expect(tasks[0]).toMatchObject({ state: "SUCCEEDED", patch: { set: { n: "1" }, removed: ["gone"] }, lease: null });
  });

  it("keeps keys that JavaScript finds special, and text of every kind", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: ["a"] });
    await world.host("h");
    const special = { toString: "1", constructor: "2", "é 😀\u0000": '"\\u2028😀"' };
    // What no context has, a label may.
    const labels = { ...special, ["__proto__"]: "3" };
    const runId = await world.start("w", { context: special, labels, requestId: "q" });
    const a = await world.lease();
    expect(Object.entries(a.input)).toEqual(Object.entries(special));
    const patch = { set: { toString: "3" }, removed: ["constructor"] };
    await world.say(a.sessionId, { type: "complete", leaseId: a.leaseId, patch });
    const b = await world.lease();
    expect(Object.entries(b.input).sort()).toEqual(
      Object.entries({ ...special, toString: "3" })
        .filter(([key]) => key !== "constructor")
        .sort(),
    );
    await world.complete(b);
    const { run } = await world.view(runId);
    expect(Object.entries(run.input)).toEqual(Object.entries(special));
    expect(Object.entries(run.labels)).toEqual(Object.entries(labels));
    expect(await world.tryStart("w", { context: special, labels, requestId: "q" })).toMatchObject({
      existing: true,
    });
    expect(await world.tryStart("w", { context: {}, labels, requestId: "q" })).toMatchObject({
      code: "REQUEST_ID_CONFLICT",
    });
  });

  it("skips what stands behind a failure; the run fails when all has ended", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: ["a"], c: ["b"], d: [] });
    await world.host("h", { slots: 2 });
    const runId = await world.start("w");
    const [a, d] = (await world.grant()).leases;
    if (a === undefined || d === undefined) throw new Error("expected two leases");
    expect(await world.fail(a)).toEqual({ result: "APPLIED", failure: { final: true } });
    expect(await world.status(runId)).toBe("RUNNING");
    await world.complete(d);
    const { run, tasks } = await world.view(runId);
    expect(run).toMatchObject({ status: "FAILED", failed: 1, open: 0, reason: 'task "a" failed: no rain' });
    expect(tasks.map((t) => [t.state, t.skip])).toEqual([
      ["FAILED", null],
      ["SKIPPED", "UPSTREAM_FAILED"],
      ["SKIPPED", "UPSTREAM_FAILED"],
      ["SUCCEEDED", null],
    ]);
    expect(tasks[0]?.failure).toEqual(FAILURE);
  });

  it("P10: fails a task whose merged input is over the limit, with no attempt", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: [], c: ["a", "b"] });
    await world.host("h");
    const runId = await world.start("w", { context: { base: JSON.stringify("x".repeat(500)) } });
    for (const key of ["a", "b"]) await world.complete(await world.lease(), { [key]: JSON.stringify("y".repeat(800)) });
    expect((await world.grant()).leases).toEqual([]);
    const c = await world.task(runId, "c");
    expect(c).toMatchObject({ state: "FAILED", attempt: 0, fence: 0, failure: { code: "CONTEXT_TOO_LARGE" } });
    expect(c.failure?.message).toContain(String(LIMITS.maxContextBytes));
    expect(await world.status(runId)).toBe("FAILED");
  });

  it("P4: an outcome is remembered after the run has ended: the same is a DUPLICATE, another a CONFLICT", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h");
    await world.start("w");
    const lease = await world.lease();
    const said = [
      await world.complete(lease, { n: "1" }),
      await world.complete(lease, { n: "1" }),
      await world.complete(lease, { n: "2" }),
      await world.fail(lease),
      await world.say("someone else", { type: "complete", leaseId: lease.leaseId, patch: null }),
    ];
    expect(said.map((r) => r.result)).toEqual(["APPLIED", "DUPLICATE", "CONFLICT", "CONFLICT", "STALE"]);
  });

  it("P3: cancels at once; the slot comes back with Stopped, or with a late Complete that counts for nothing", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: ["a"] });
    const { session } = await world.host("h", { slots: 2 });
    const [first, second] = [await world.start("w"), await world.start("w")];
    const [a, b] = (await world.grant()).leases;
    if (a === undefined || b === undefined) throw new Error("expected two leases");
    expect([await world.cancel(first), await world.cancel(second)]).toEqual(["CANCELLED", "CANCELLED"]);
    expect(world.effects.map((e) => [e.type, e.leaseId])).toEqual([
      ["cancel", a.leaseId],
      ["cancel", b.leaseId],
    ]);
    expect(world.held(session.id)).toBe(2);
    await world.start("w");
    expect((await world.grant()).leases).toEqual([]);
    expect((await world.stopped(a)).result).toBe("APPLIED");
    expect(world.held(session.id)).toBe(1);
    expect((await world.complete(b, { n: "1" })).result).toBe("STALE");
    expect(world.held(session.id)).toBe(0);
    expect(await world.task(second, "a")).toMatchObject({ state: "CANCELLED", patch: null, ending: [] });
    expect((await world.events(first)).map((e) => [e.type, e.slotDelta ?? 0])).toEqual([
      ["RUN_STARTED", 0],
      ["TASK_READY", 0],
      ["TASK_LEASED", 1],
      ["TASK_CANCELLED", 0],
      ["TASK_CANCELLED", 0],
      ["RUN_CANCELLED", 0],
      ["LEASE_ENDED", -1],
    ]);
    expect((await world.grant()).leases).toHaveLength(1);
    expect(await world.cancel(first)).toBe("CANCELLED");
    expect(await world.cancel("nope")).toBeUndefined();
  });

  it("decides several commands about one run in order, each on what the one before left", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const runId = await world.start("w");
    const commands = [
      { runId, control: { type: "pause" as const, reason: "" } },
      { runId, control: { type: "resume" as const } },
      { runId: null, control: { type: "resume" as const } },
    ];
    const seen = await world.store.transact(commands, (draft, { control }, now) => {
      if (draft === null) return -1;
      const before = draft.run().eventSeq;
      controlRun(draft, control, [], LIMITS, now);
      return before;
    });
    expect(seen).toEqual([2, 3, -1]);
  });

  it("takes a turn back when a decision throws; what comes after works", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h");
    const runId = await world.start("w");
    const broken = world.store.transact([{ runId }], (draft) => {
      draft?.log({ at: 0, type: "TASK_CHECKPOINTED" });
      throw new Error("a defect");
    });
    await expect(broken).rejects.toThrow("a defect");
    expect((await world.events(runId)).map((e) => e.type)).toEqual(["RUN_STARTED", "TASK_READY"]);
    expect((await world.view(runId)).run.eventSeq).toBe(2);
    await world.complete(await world.lease());
    expect(await world.status(runId)).toBe("SUCCEEDED");
  });
}
