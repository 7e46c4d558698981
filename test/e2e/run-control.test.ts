/** What people do to runs, over the wire: cancel, pause, resume, retry, in each state that a task can be in. */
import { CancelledError, Host, type RunEventName, type TaskRunStateName, WorkflowBuilder } from "cloaca";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newSignal, type Signal } from "../support/signal.js";
import { nextEvent, useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

/** What a run of `worked` does, by the key `way` of its input. */
interface Way {
  readonly goOn: Signal;
  readonly told: Signal<unknown>;
}
const ways = new Map<string, Way>();
let made = 0;

const worked = new WorkflowBuilder("worked")
  .addTask({ id: "work", retryAttempts: 1, retryDelayMs: 2_000, retryJitter: false }, async (context, handle) => {
    const { goOn, told } = ways.get(context.require<string>("way")) ?? { goOn: newSignal(), told: newSignal() };
    handle.signal.addEventListener("abort", () => told.tell(handle.signal.reason));
    const kind = context.require<TaskRunStateName>("kind");
    if (kind === "LEASED") await Promise.race([goOn.told, told.told]);
    else if (kind === "RETRYING" && handle.attempt === 1) throw new Error("once");
    else if (kind !== "RETRYING") await handle.deferUntil(() => goOn.isTold, 5);
    handle.signal.throwIfAborted();
    return { worked: true };
  })
  .addTask({ id: "after", dependencies: ["work"] }, () => ({ after: true }))
  .build();

/** Another workflow, whose runs use the only slot. */
const other = new WorkflowBuilder("other")
  .addTask({ id: "use_slot" }, async (context) => {
    await ways.get(context.get("way", ""))?.goOn.told;
  })
  .build();

let host: Host;
let served: Promise<void>;

beforeAll(async () => {
  host = new Host({ url: scheduler.url, hostId: "one-slot", slots: 1 }).register(worked).register(other);
  served = host.run({ handleSignals: false });
  await host.ready();
});

afterAll(async () => {
  await host.drain(0);
  await served;
});

const REACHED = {
  LEASED: "TASK_LEASED",
  DEFERRED: "TASK_DEFERRED",
  RECLAIMING: "TASK_RECLAIMING",
  RETRYING: "TASK_RETRYING",
} as const satisfies Partial<Record<TaskRunStateName, RunEventName>>;
type Kind = keyof typeof REACHED;
const KINDS = Object.keys(REACHED) as Kind[];

function newWay(): { readonly way: string } & Way {
  const way = `way ${++made}`;
  const signals = { goOn: newSignal(), told: newSignal<unknown>() };
  ways.set(way, signals);
  return { way, ...signals };
}

/** A run whose first task is in that state; `goOn` lets it end. */
async function reach(kind: Kind) {
  const { client } = scheduler;
  const { way, goOn, told } = newWay();
  const { runId } = await client.start("worked", { kind, way });
  if (kind === "RECLAIMING") {
    // Another run has the slot that this one wants back.
    await nextEvent(client, runId, ({ type }) => type === "TASK_DEFERRED");
    const busy = newWay();
    const { runId: busyId } = await client.start("other", { way: busy.way });
    await nextEvent(client, busyId, ({ type }) => type === "TASK_LEASED");
    goOn.tell();
    await nextEvent(client, runId, ({ type }) => type === "TASK_RECLAIMING");
    return { runId, told, goOn: busy.goOn };
  }
  await nextEvent(client, runId, ({ type }) => type === REACHED[kind]);
  return { runId, told, goOn };
}

const stateOf = async (runId: string) => (await scheduler.client.tasks(runId)).map(({ state }) => state);

describe.each(KINDS)("a run whose task is %s", (kind) => {
  it("is cancelled: its task is told, and its slot is free for others", async () => {
    const { client } = scheduler;
    const { runId, told, goOn } = await reach(kind);
    expect(await stateOf(runId)).toEqual([kind, "WAITING"]);
    expect(await client.cancel(runId, "not needed")).toBe("CANCELLED");
    expect(await client.get(runId)).toMatchObject({ status: "CANCELLED", reason: "not needed" });
    expect(await stateOf(runId)).toEqual(["CANCELLED", "CANCELLED"]);
    if (kind !== "RETRYING") {
      expect(await told.told).toBeInstanceOf(CancelledError);
      expect(await told.told).toMatchObject({ reason: "RUN_CANCELLED" });
    }
    goOn.tell();
    await client.execute("other");
    await expect(client.result(runId)).rejects.toMatchObject({ code: "RUN_FAILED", status: "CANCELLED" });
    // Once more changes nothing, and a run that is over cannot be paused.
    expect(await client.cancel(runId, "again")).toBe("CANCELLED");
    expect(await client.pause(runId)).toBe("CANCELLED");
    expect(await client.get(runId)).toMatchObject({ reason: "not needed" });
  });

  it("is paused: what has begun ends, nothing begins until it is resumed", async () => {
    const { client } = scheduler;
    const { runId, goOn } = await reach(kind);
    expect(await client.pause(runId, "lunch")).toBe("PAUSED");
    expect(await client.get(runId)).toMatchObject({ status: "PAUSED", reason: "lunch" });
    goOn.tell();
    // A retry becomes due, but is a new lease; the others had theirs, and their slot.
    const task = kind === "RETRYING" ? "work" : "after";
    const isNext = kind === "RETRYING" ? 2 : 0;
    await nextEvent(client, runId, (e) => e.type === "TASK_READY" && e.task === task && e.attempt === isNext);
    // The slot is free, and goes to another run.
    await client.execute("other");
    expect(await stateOf(runId)).toEqual(kind === "RETRYING" ? ["READY", "WAITING"] : ["SUCCEEDED", "READY"]);
    const { tasks } = await client.explain(runId);
    expect(tasks.find(({ state }) => state === "READY")).toMatchObject({ task, reason: "RUN_PAUSED" });
    expect((await client.list({ statuses: ["PAUSED"] })).runs.map((run) => run.runId)).toContain(runId);

    expect(await client.resume(runId)).toBe("RUNNING");
    expect((await client.result(runId)).context.toJSON()).toMatchObject({ worked: true, after: true });
  });
});

it("a task that ignores its cancellation keeps its slot until it stops, and its result changes nothing", async () => {
  const { client } = scheduler;
  const { way, goOn } = newWay();
  const { runId } = await client.start("other", { way });
  await nextEvent(client, runId, ({ type }) => type === "TASK_LEASED");
  await client.cancel(runId);
  const next = await client.start("other");
  // The host's slot is still held by the fenced lease.
  const [ours] = await client.hosts();
  expect(ours).toMatchObject({ held: 1, leases: [{ isEnding: true, task: "use_slot" }] });
  expect(await stateOf(next.runId)).toEqual(["READY"]);
  goOn.tell();
  await client.result(next.runId);
  const log = await scheduler.log(runId);
  expect(log.map(({ type }) => type)).toEqual([
    "RUN_STARTED",
    "TASK_READY",
    "TASK_LEASED",
    "TASK_CANCELLED",
    "RUN_CANCELLED",
    "LEASE_ENDED",
  ]);
  expect(log.reduce((held, { slotDelta }) => held + slotDelta, 0)).toBe(0);
});

describe("a failed run", () => {
  const executed: string[] = [];
  let isRepaired = false;
  const broken = new WorkflowBuilder("broken")
    .addTask({ id: "load" }, (context) => {
      executed.push("load");
      context.set("rows", 3);
    })
    .addTask({ id: "aside" }, () => {
      executed.push("aside");
    })
    .addTask({ id: "send", dependencies: ["load"], retryAttempts: 1, retryDelayMs: 0 }, (context, handle) => {
      executed.push(`send ${handle.attempt} ${handle.fence}`);
      if (!isRepaired) throw new Error("the receiver is away");
      return { sent: context.get<number>("rows") ?? 0 };
    })
    .addTask({ id: "report", dependencies: ["send", "aside"] }, (context) => {
      executed.push("report");
      return { reported: context.get<number>("sent") ?? 0 };
    })
    .build();

  it("is retried from where it failed: what succeeded stays, with fresh retries and a growing fence", async () => {
    const { client } = scheduler;
    await host.bring(broken);
    const { runId } = await client.start("broken");
    await expect(client.result(runId)).rejects.toMatchObject({ status: "FAILED" });
    expect(executed.splice(0).toSorted()).toEqual(["aside", "load", "send 1 1", "send 2 2"]);
    expect(await stateOf(runId)).toEqual(["SUCCEEDED", "SUCCEEDED", "FAILED", "SKIPPED"]);

    // In vain: it fails again, after as many retries as the first time.
    expect((await client.retry(runId)).resetTasks).toEqual(["send", "report"]);
    await expect(client.result(runId)).rejects.toMatchObject({ status: "FAILED" });
    expect(executed.splice(0)).toEqual(["send 3 3", "send 4 4"]);

    isRepaired = true;
    const asked = { requestId: "once" };
    expect(await client.retry(runId, asked)).toEqual({ status: "RUNNING", resetTasks: ["send", "report"] });
    const { context } = await client.result(runId);
    expect(context.toJSON()).toEqual({ rows: 3, sent: 3, reported: 3 });
    expect(executed.splice(0)).toEqual(["send 5 5", "report"]);

    // The same request again changes nothing; another one is refused, with what would be right.
    expect(await client.retry(runId, asked)).toEqual({ status: "SUCCEEDED", resetTasks: [] });
    await expect(client.retry(runId)).rejects.toMatchObject({
      code: "RUN_NOT_FAILED",
      message: expect.stringContaining("SUCCEEDED"),
    });
    const retried = (await scheduler.log(runId)).filter(({ type }) => type === "RUN_RETRIED");
    expect(retried).toHaveLength(2);
  });
});

it("a paused workflow starts no task of any run; others go on; a resumed one makes up for it", async () => {
  const { client } = scheduler;
  await host.bring(new WorkflowBuilder("paused").addTask({ id: "only" }, () => ({ done: true })).build());
  expect(await client.pauseWorkflow("paused")).toMatchObject({ name: "paused", isPaused: true });
  const runs = await Promise.all([client.start("paused"), client.start("paused")]);
  await client.execute("other");
  for (const { runId } of runs) {
    expect(await client.get(runId)).toMatchObject({ status: "PENDING" });
    expect((await client.explain(runId)).tasks).toMatchObject([{ task: "only", reason: "WORKFLOW_PAUSED" }]);
  }
  expect(await client.resumeWorkflow("paused")).toMatchObject({ isPaused: false });
  for (const { runId } of runs) expect((await client.result(runId)).context.get<boolean>("done")).toBe(true);
  await expect(client.pauseWorkflow("pausd")).rejects.toMatchObject({ code: "WORKFLOW_NOT_FOUND" });
});

it("a run of a higher priority goes first, however late it was started", async () => {
  const { client } = scheduler;
  const order: string[] = [];
  const prioritised = new WorkflowBuilder("prioritised").addTask({ id: "only" }, (context) => {
    order.push(context.require<string>("name"));
  });
  await host.bring(prioritised.build());
  const busy = newWay();
  const { runId } = await client.start("other", { way: busy.way });
  await nextEvent(client, runId, ({ type }) => type === "TASK_LEASED");
  const runs = [];
  for (const [name, priority] of [
    ["low", -1],
    ["normal", 0],
    ["high", 5],
  ] as const) {
    runs.push(await client.start("prioritised", { name }, { priority }));
  }
  busy.goOn.tell();
  for (const run of runs) await client.result(run.runId);
  expect(order).toEqual(["high", "normal", "low"]);
});

it("a run's own deadline cancels it, wherever it is", async () => {
  const { client } = scheduler;
  const { way, told } = newWay();
  const { runId } = await client.start("worked", { kind: "DEFERRED", way }, { timeoutMs: 1_000 });
  const run = await client.wait(runId);
  expect(run).toMatchObject({ status: "CANCELLED", reason: expect.stringContaining("1000 ms") });
  expect(await told.told).toMatchObject({ reason: "RUN_TIMEOUT" });
});
