/** What people do to runs and workflows: pause, resume, retry, promote; and a run's own timeout. */
import { expect, it } from "vitest";
import type { TheWorld } from "./store-contract.js";
import type { World } from "./world.js";

export function controlContract(theWorld: TheWorld): void {
  it("a paused run gets no new lease; what is out goes on, and its deferred task gets its slot", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: [], c: ["a"] });
    await world.host("h", { slots: 1 });
    const runId = await world.start("w");
    const lease = await world.lease();
    expect(await world.control(runId, { type: "pause", reason: "a deploy" })).toEqual({
      status: "PAUSED",
      resetTasks: [],
    });
    expect((await world.view(runId)).run).toMatchObject({ status: "PAUSED", reason: "a deploy" });
    await world.defer(lease);
    expect((await world.grant()).leases).toEqual([]);
    await world.reclaim(lease);
    expect((await world.grant()).resumed).toHaveLength(1);
    await world.complete(lease);
    expect((await world.grant()).leases).toEqual([]);
    // Pausing again, and resuming what is not paused, change nothing.
    const events = (await world.events(runId)).length;
    await world.control(runId, { type: "pause", reason: "twice" });
    expect(await world.events(runId)).toHaveLength(events);
    expect(await world.control(runId, { type: "resume" })).toMatchObject({ status: "RUNNING" });
    expect((await world.view(runId)).run.reason).toBe("");
    const next = await world.lease();
    await world.control(runId, { type: "resume" });
    await world.complete(next);
    await world.complete(await world.lease());
    expect(await world.status(runId)).toBe("SUCCEEDED");
    expect(await world.control(runId, { type: "pause", reason: "" })).toMatchObject({ status: "SUCCEEDED" });
    const types = (await world.events(runId)).map((e) => e.type);
    expect(types.filter((t) => t === "RUN_PAUSED" || t === "RUN_RESUMED")).toEqual(["RUN_PAUSED", "RUN_RESUMED"]);
  });

  it("a run that is paused before its first lease is PENDING again when it is resumed", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h");
    const runId = await world.start("w");
    await world.control(runId, { type: "pause", reason: "" });
    expect((await world.grant()).leases).toEqual([]);
    expect(await world.control(runId, { type: "resume" })).toMatchObject({ status: "PENDING" });
    await world.complete(await world.lease());
    expect(await world.status(runId)).toBe("SUCCEEDED");
  });

  it("a paused run fires its deadlines and can be cancelled", async () => {
    const world = theWorld();
    await world.register("w", { a: { retry: { attempts: 1, delayMs: 10, jitter: false } } });
    await world.host("h");
    const runId = await world.start("w");
    await world.fail(await world.lease());
    await world.control(runId, { type: "pause", reason: "" });
    world.clock.move(10);
    await world.store.fireDue(10);
    expect(await world.task(runId, "a")).toMatchObject({ state: "READY", attempt: 2 });
    expect((await world.grant()).leases).toEqual([]);
    expect(await world.cancel(runId)).toBe("CANCELLED");
  });

  it("a paused workflow leases nothing of any of its runs and versions; runs may be started meanwhile", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.register("w", { a: [], b: [] });
    await world.register("x", { a: [] });
    const implementations = ["w", "x"].map((workflow) => ({ workflow, version: null, tasks: null }));
    await world.host("h", { slots: 9, implementations });
    const before = await world.start("w");
    const [record] = await world.store.updateWorkflows([{ namespace: "default", workflow: "w", paused: true }]);
    expect(record).toMatchObject({ paused: true, promoted: false, current: true });
    await world.start("w");
    await world.start("x");
    expect((await world.grant()).leases.map((l) => l.run.workflow)).toEqual(["x"]);
    expect((await world.store.readWorkflow("default", "w", ""))?.paused).toBe(true);
    expect(await world.status(before)).toBe("PENDING");
    await world.store.updateWorkflows([{ namespace: "default", workflow: "w", paused: false }]);
    expect((await world.grant()).leases.map((l) => l.taskId)).toEqual(["a", "b", "a", "b"]);
  });

  it("P13: new runs take the promoted version, also after a newer one is registered, until it is let go", async () => {
    const world = theWorld();
    const old = await world.register("w", { a: [] });
    const newer = await world.register("w", { a: [], b: [] });
    const version = async () => (await world.view(await world.start("w"))).run.version;
    const promote = (to: string) => world.store.updateWorkflows([{ namespace: "default", workflow: "w", promote: to }]);
    expect(await version()).toBe(newer);
    expect(await promote(old)).toMatchObject([{ graph: { version: old }, promoted: true, current: true }]);
    expect(await version()).toBe(old);
    const newest = await world.register("w", { a: [], b: [], c: [] });
    expect(await version()).toBe(old);
    expect(await promote("v0")).toMatchObject([{ code: "WORKFLOW_VERSION_NOT_FOUND" }]);
    expect(await promote("")).toMatchObject([{ graph: { version: newest }, promoted: false }]);
    expect(await version()).toBe(newest);
    const [unknown] = await world.store.updateWorkflows([{ namespace: "default", workflow: "v", paused: true }]);
    expect(unknown).toMatchObject({ code: "WORKFLOW_NOT_FOUND" });
  });

  it("a run is cancelled when it is not over within its timeout", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const { session } = await world.host("h", { ttlMs: 1_000_000 });
    const runId = await world.start("w", { timeoutMs: 500 });
    const quick = await world.start("w", { timeoutMs: 500 });
    const lease = await world.lease();
    expect((await world.view(runId)).run).toMatchObject({ timeoutMs: 500, deadlineAt: world.clock.now() + 500 });
    world.clock.move(499);
    expect(await world.store.fireDue(10)).toEqual([]);
    world.clock.move(1);
    expect(await world.store.fireDue(10)).toMatchObject([
      { type: "cancel", sessionId: session.id, leaseId: lease.leaseId, reason: "RUN_TIMEOUT" },
    ]);
    for (const id of [runId, quick]) expect(await world.status(id)).toBe("CANCELLED");
    expect((await world.view(runId)).run.reason).toContain("timeout of 500 ms");
    expect(world.held(session.id)).toBe(1);
    await world.stopped(lease);
    expect(world.held(session.id)).toBe(0);
  });

  it("a failed run is taken up from where it failed: failed tasks and all after them begin anew, the rest stays", async () => {
    const world = theWorld();
    await world.register("w", {
      a: [],
      b: { after: ["a"], retry: { attempts: 1, delayMs: 0, jitter: false } },
      c: ["b"],
      d: { after: ["b"], rule: { kind: "always" } },
      e: ["a"],
    });
    await world.host("h", { slots: 1 });
    const runId = await world.start("w");
    await finish(world, { a: "complete", b: "fail", d: "complete", e: "complete" });
    expect((await world.view(runId)).run).toMatchObject({ status: "FAILED", failed: 1, open: 0 });
    expect(await states(world, runId)).toEqual(["SUCCEEDED", "FAILED", "SKIPPED", "SUCCEEDED", "SUCCEEDED"]);
    const before = await world.view(runId);
    expect(await world.control(runId, { type: "retry", requestId: "q" })).toEqual({
      status: "RUNNING",
      resetTasks: ["b", "c", "d"],
    });
    expect(await states(world, runId)).toEqual(["SUCCEEDED", "READY", "WAITING", "WAITING", "SUCCEEDED"]);
    expect((await world.view(runId)).run).toMatchObject({ failed: 0, open: 3, finishedAt: null, reason: "" });
    // The same request again, even in a later turn, changes nothing.
    expect(await world.control(runId, { type: "retry", requestId: "q" })).toEqual({
      status: "RUNNING",
      resetTasks: [],
    });
    const again = await world.lease();
    const fence = before.tasks[1]?.fence ?? 0;
    expect(again).toMatchObject({ taskId: "b", attempt: 3, fence: fence + 1 });
    // A fresh budget.
    expect(await world.fail(again)).toMatchObject({ failure: { final: false, nextAttempt: 4 } });
    await world.store.fireDue(10);
    await finish(world, { b: "complete", c: "complete", d: "complete" });
    expect(await world.status(runId)).toBe("SUCCEEDED");
    expect(await states(world, runId)).toEqual(new Array(5).fill("SUCCEEDED"));
    expect(await world.control(runId, { type: "retry", requestId: "" })).toMatchObject({ code: "RUN_NOT_FAILED" });
  });

  it("retries a run twice in one turn only once, and counts its timeout anew", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h");
    const runId = await world.start("w", { timeoutMs: 1_000 });
    await world.fail(await world.lease());
    world.clock.move(5_000);
    expect(await world.store.fireDue(10)).toEqual([]);
    const retry = { type: "retry", requestId: "" } as const;
    const [first, second] = await Promise.all([world.control(runId, retry), world.control(runId, retry)]);
    expect(first).toMatchObject({ resetTasks: ["a"] });
    expect(second).toMatchObject({ code: "RUN_NOT_FAILED" });
    expect((await world.view(runId)).run.deadlineAt).toBe(world.clock.now() + 1_000);
    await world.complete(await world.lease());
    expect((await world.view(runId)).run).toMatchObject({ status: "SUCCEEDED", deadlineAt: null });
    const { items } = await world.store.listRuns({
      namespace: "default",
      workflow: "",
      statuses: [],
      pageSize: 9,
      pageToken: "",
    });
    expect(items.map((run) => [run.id, run.status])).toEqual([[runId, "SUCCEEDED"]]);
  });

  it("a run that fails and is taken up again in one turn keeps its new timeout, and knows the request again", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h");
    const runId = await world.start("w", { timeoutMs: 1_000 });
    const lease = await world.lease();
    world.clock.move(400);
    const retry = { type: "retry", requestId: "q" } as const;
    const [, taken] = await Promise.all([world.fail(lease), world.control(runId, retry)]);
    expect(taken).toEqual({ status: "RUNNING", resetTasks: ["a"] });
    expect((await world.view(runId)).run).toMatchObject({ deadlineAt: world.clock.now() + 1_000, retriedBy: "q" });
    expect(await world.control(runId, retry)).toEqual({ status: "RUNNING", resetTasks: [] });
    world.clock.move(999);
    expect(await world.store.fireDue(10)).toEqual([]);
    await world.complete(await world.lease());
    expect(await world.status(runId)).toBe("SUCCEEDED");
  });

  it("a run that is paused anew in one turn keeps the last reason", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const runId = await world.start("w");
    await world.control(runId, { type: "pause", reason: "first" });
    await Promise.all([
      world.control(runId, { type: "resume" }),
      world.control(runId, { type: "pause", reason: "second" }),
    ]);
    expect((await world.view(runId)).run).toMatchObject({ status: "PAUSED", reason: "second" });
  });

  it("a failure that a rule handles does not fail the run, and its fallback sees what was committed", async () => {
    const world = theWorld();
    await world.register("w", {
      a: [],
      fallback: { after: ["a"], rule: { kind: "failed", task: "a" } },
      after: { after: ["a"], rule: { kind: "succeeded", task: "a" } },
      below: ["after"],
    });
    await world.host("h");
    const runId = await world.start("w");
    const lease = await world.lease();
    const patch = { set: { half: "1" }, removed: [] };
    await world.say(lease.sessionId, { type: "checkpoint", leaseId: lease.leaseId, patch });
    await world.fail(lease);
    const fallback = await world.lease();
    expect(fallback).toMatchObject({ taskId: "fallback", input: { half: "1" } });
    expect(await world.task(runId, "after")).toMatchObject({ state: "SKIPPED", skip: "RULE" });
    expect(await world.task(runId, "below")).toMatchObject({ state: "SKIPPED", skip: "RULE" });
    await world.complete(fallback);
    expect((await world.view(runId)).run).toMatchObject({ status: "SUCCEEDED", failed: 1 });
  });
}

/** Grants one lease after the other and ends each as told. */
async function finish(world: World, how: Readonly<Record<string, "complete" | "fail">>): Promise<void> {
  for (;;) {
    const { leases } = await world.grant();
    if (leases.length === 0) return;
    for (const lease of leases) {
      if (how[lease.taskId] === "fail") await world.fail(lease);
      else await world.complete(lease);
    }
    await world.store.fireDue(10);
  }
}

async function states(world: World, runId: string): Promise<string[]> {
  return (await world.view(runId)).tasks.map((task) => task.state);
}
