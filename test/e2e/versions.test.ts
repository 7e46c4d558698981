/** Versions of a workflow (P13): side by side, pinned, promoted, and replaced in a rolling deploy. */
import { Host, WorkflowBuilder } from "cloaca";
import { afterEach, expect, it } from "vitest";
import { newSignal } from "../support/signal.js";
import { nextEvent, useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();
/** A host that drains says so when it does; nothing tells the test. */
const PATIENCE = { timeout: 15_000 };

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A host that serves; drained after the test, if it is not before. */
async function serve(hostId: string, definition: ReturnType<WorkflowBuilder["build"]>) {
  const host = new Host({ url: scheduler.url, hostId, slots: 4, drainGraceMs: 60_000 });
  const version = host.bring(definition);
  const served = host.run({ handleSignals: false });
  stops.push(async () => {
    await host.drain(0);
    await served;
  });
  await host.ready();
  return { host, served, version: await version };
}

/** Two versions of one workflow: the second has another task in front of the last. */
function twoVersions(name: string, gate: Promise<void> = Promise.resolve()) {
  const first = new WorkflowBuilder(name)
    .addTask({ id: "begin" }, async (context) => {
      await gate;
      return context.set("begun", "by the first");
    })
    .addTask({ id: "end", dependencies: ["begin"] }, () => ({ ended: "by the first" }));
  const second = new WorkflowBuilder(name)
    .addTask({ id: "begin" }, (context) => context.set("begun", "by the second"))
    .addTask({ id: "check", dependencies: ["begin"] }, () => ({ checked: true }))
    .addTask({ id: "end", dependencies: ["check"] }, () => ({ ended: "by the second" }));
  return { first: first.build(), second: second.build() };
}

it("two versions with hosts of their own serve side by side, each run on its own", async () => {
  const { client } = scheduler;
  const { first, second } = twoVersions("side_by_side");
  const one = await serve("one", first);
  const two = await serve("two", second);
  expect(one.version).not.toBe(two.version);
  const runs = await Promise.all(
    [one, two, one, two].map(({ version }) => client.execute("side_by_side", {}, { version })),
  );
  expect(runs.map(({ context }) => context.get("ended"))).toEqual([
    "by the first",
    "by the second",
    "by the first",
    "by the second",
  ]);
  for (const [n, { runId, run }] of runs.entries()) {
    const [host, version] = n % 2 === 0 ? ["one", one.version] : ["two", two.version];
    expect(run.workflowVersion).toBe(version);
    for (const { hostId } of await client.tasks(runId)) expect(hostId).toBe(host);
  }
});

it("new runs take the newest version, or the one that was promoted; those that are there keep theirs", async () => {
  const { client } = scheduler;
  const { first, second } = twoVersions("promoted");
  const one = await serve("one", first);
  const current = async () => (await client.workflows()).find((w) => w.name === "promoted" && w.isCurrent);
  const versionOfNew = async () => (await client.start("promoted")).workflowVersion;
  expect(await versionOfNew()).toBe(one.version);

  const two = await serve("two", second);
  expect(await versionOfNew()).toBe(two.version);
  expect(await current()).toMatchObject({ version: two.version, isPromoted: false });

  // Back to the first, for example since the second turned out to be wrong.
  expect(await client.promote("promoted", one.version)).toMatchObject({ version: one.version, isCurrent: true });
  const pinned = await client.execute("promoted");
  expect(pinned.run.workflowVersion).toBe(one.version);
  expect(pinned.context.get("ended")).toBe("by the first");
  expect(await current()).toMatchObject({ version: one.version, isPromoted: true });

  // A newer one changes nothing while one is promoted; without a version, the newest is current again.
  const third = new WorkflowBuilder("promoted").addTask({ id: "only" }, () => ({ ended: "by the third" })).build();
  const three = await serve("three", third);
  expect(await versionOfNew()).toBe(one.version);
  await client.promote("promoted");
  expect(await versionOfNew()).toBe(three.version);

  await expect(client.promote("promoted", "0".repeat(64))).rejects.toMatchObject({
    code: "WORKFLOW_VERSION_NOT_FOUND",
  });
  await expect(client.promote("promotde")).rejects.toMatchObject({ code: "WORKFLOW_NOT_FOUND" });
});

it("a promotion leaves a run that has begun on its version, to its last task", async () => {
  const { client } = scheduler;
  const gate = newSignal();
  const { first, second } = twoVersions("kept", gate.told);
  const one = await serve("one", first);
  const { runId } = await client.start("kept");
  await nextEvent(client, runId, ({ type }) => type === "TASK_LEASED");
  const two = await serve("two", second);
  await client.promote("kept", two.version);
  gate.tell();
  const { context, run } = await client.result(runId);
  expect(run.workflowVersion).toBe(one.version);
  expect(context.toJSON()).toEqual({ begun: "by the first", ended: "by the first" });
});

it("a rolling deploy: new runs go to the new host, old ones end on the old one, which is drained then", async () => {
  const { client } = scheduler;
  const gate = newSignal();
  const { first, second } = twoVersions("rolling", gate.told);
  const old = await serve("old", first);
  const begun = await client.start("rolling");
  await nextEvent(client, begun.runId, ({ type }) => type === "TASK_LEASED");

  // The new host comes first, so that nobody waits.
  const next = await serve("new", second);
  const during = await client.execute("rolling");
  expect(during.run.workflowVersion).toBe(next.version);
  expect(await hostsOf(during.runId)).toEqual(["new", "new", "new"]);

  // Then the old runs end.
  gate.tell();
  expect((await client.result(begun.runId)).context.toJSON()).toEqual({ begun: "by the first", ended: "by the first" });
  expect(await hostsOf(begun.runId)).toEqual(["old", "old"]);

  // Nothing of the old version is open any more: its host has nothing to do, and goes.
  const open = await client.list({ workflow: "rolling", statuses: ["PENDING", "RUNNING", "PAUSED"] });
  expect(open.runs.filter(({ workflowVersion }) => workflowVersion === old.version)).toEqual([]);
  await old.host.drain();
  await old.served;
  expect(await hostsOf((await client.execute("rolling")).runId)).toEqual(["new", "new", "new"]);
});

it("a host that is drained too early ends what it has begun; the rest waits for its version, and says so", async () => {
  const { client } = scheduler;
  const gate = newSignal();
  const { first, second } = twoVersions("too_early", gate.told);
  const old = await serve("old", first);
  const begun = await client.start("too_early");
  await nextEvent(client, begun.runId, ({ type }) => type === "TASK_LEASED");
  const next = await serve("new", second);

  const drained = old.host.drain();
  await expect
    .poll(async () => (await client.hosts()).map(({ hostId, isDraining }) => ({ hostId, isDraining })), PATIENCE)
    .toContainEqual({ hostId: "old", isDraining: true });
  gate.tell();
  await drained;
  await old.served;
  await expect.poll(async () => (await client.hosts()).map(({ hostId }) => hostId), PATIENCE).not.toContain("old");
  const { tasks } = await client.explain(begun.runId);
  expect(tasks).toMatchObject([{ task: "end", state: "READY", reason: "NO_HOST_FOR_VERSION" }]);

  // A host may bring both versions; so the run ends.
  await next.host.bring(first);
  expect((await client.result(begun.runId)).context.toJSON()).toEqual({ begun: "by the first", ended: "by the first" });
  expect(await hostsOf(begun.runId)).toEqual(["old", "new"]);
});

it("a host that brings both versions runs each with its own code", async () => {
  const { client } = scheduler;
  const { first, second } = twoVersions("both");
  const { host, version } = await serve("both", first);
  const other = await host.bring(second);
  const [one, two] = await Promise.all([version, other].map((v) => client.execute("both", {}, { version: v })));
  expect(one?.context.get("ended")).toBe("by the first");
  expect(two?.context.get("ended")).toBe("by the second");
});

/** The host of each task of a run, in declared order. */
async function hostsOf(runId: string): Promise<string[]> {
  return (await scheduler.client.tasks(runId)).map(({ hostId }) => hostId);
}
