import { afterEach, describe, expect, it } from "vitest";
import { controlRun } from "../core/run-control.js";
import { KEEP_ALL, type Retention } from "../store/store.js";
import { leaseOf, SchedulerScene } from "../testing/scheduler-scene.js";
import { offering, type ScriptedHost, workflowOf } from "../testing/scripted-host.js";
import { DEFAULT_LIMITS } from "./limits.js";

interface Logged {
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

describe.each(["memory", "sqlite"] as const)("the upkeep of a scheduler on %s", (kind) => {
  let scene: SchedulerScene;
  let logged: Logged[];
  let steps: number;

  afterEach(async () => {
    expect(await scene.store.check()).toEqual([]);
    await scene.end();
  });

  function begin(retention: Retention): void {
    logged = [];
    const note = (event: string, fields: Logged["fields"]) => void logged.push({ event, fields });
    scene = new SchedulerScene(kind, { retention, log: { info: note, warn: note, error: note } });
    steps = 0;
    observe();
  }

  function observe(): void {
    const { store } = scene;
    const purge = store.purge.bind(store);
    store.purge = (...args) => {
      steps++;
      return purge(...args);
    };
  }

  const of = (event: string): Logged["fields"][] => logged.filter((l) => l.event === event).map(({ fields }) => fields);

  async function host(slots: number): Promise<ScriptedHost> {
    return scene.connect({ ...offering(workflowOf("w", { a: [] })), slots });
  }

  /** Starts runs and completes them, all within the same millisecond. */
  async function finish(on: ScriptedHost, count: number): Promise<string[]> {
    const runs: string[] = [];
    for (let i = 0; i < count; i++) {
      runs.push(await scene.start("w"));
      on.say({ type: "complete", leaseId: leaseOf(on, "a"), patch: null });
      await scene.time.settle();
    }
    return runs;
  }

  const there = async (runs: readonly string[]): Promise<string[]> => {
    const found: string[] = [];
    for (const id of runs) if ((await scene.store.readRun("default", id)) !== null) found.push(id);
    return found;
  };

  it("keeps the newest, and tells each round once", async () => {
    begin({ forMs: null, newest: 2 });
    const one = await host(1);
    const runs = await finish(one, 5);
    await scene.time.advance(50);
    expect(await there(runs)).toEqual(runs.slice(3));
    expect(of("runs_purged")).toEqual([{ runs: 3, finishedRuns: 2, purgedRuns: 3 }]);
    // What finishes soon after waits for the next round.
    runs.push(...(await finish(one, 1)), ...(await finish(one, 1)));
    await scene.time.advance(500);
    expect((await there(runs)).length).toBe(4);
    await scene.time.advance(1_000);
    expect(await there(runs)).toEqual(runs.slice(5));
    expect(of("runs_purged").map((fields) => fields["runs"])).toEqual([3, 2]);
  });

  it("wakes when a run's time is over, and not before", async () => {
    begin({ forMs: 60_000, newest: null });
    const one = await host(1);
    await scene.time.advance(5_000);
    const idle = steps;
    const runs = await finish(one, 2);
    await scene.time.advance(55_000);
    // One look for which run is first, at the most.
    expect(steps).toBeLessThanOrEqual(idle + 1);
    expect(await there(runs)).toEqual(runs);
    await scene.time.advance(5_100);
    expect(await there(runs)).toEqual([]);
    const after = steps;
    await scene.time.advance(600_000);
    expect(steps).toBe(after);
  });

  it("does nothing at all when everything is kept", async () => {
    begin(KEEP_ALL);
    await finish(await host(1), 3);
    await scene.time.advance(600_000);
    expect(steps).toBe(0);
  });

  it("lets turns go between its steps", async () => {
    begin({ forMs: null, newest: 0 });
    const one = await host(1);
    await finish(one, 200);
    const runId = await scene.start("w");
    await scene.time.advance(10);
    const first = steps;
    expect(first).toBeGreaterThan(0);
    expect(scene.store.stats().finishedRuns).toBeGreaterThan(0);
    const seq = one.say({ type: "complete", leaseId: leaseOf(one, "a"), patch: null });
    await scene.time.settle();
    expect(one.result(seq)).toBe("APPLIED");
    expect(steps).toBe(first);
    await scene.time.advance(2_000);
    expect(steps).toBeGreaterThan(first + 3);
    expect(await there([runId])).toEqual([]);
    expect(scene.store.stats()).toMatchObject({ finishedRuns: 0, purgedRuns: 201 });
  });

  it("takes half of the time, and says how far it is, when there is more than that pace takes", async () => {
    begin({ forMs: null, newest: 0 });
    await host(0);
    const { store } = scene;
    const run = { namespace: "default", workflow: "w", version: "", requestId: "", traceparent: "", labels: {} };
    const starts = Array.from({ length: 11_000 }, () => ({ ...run, context: {}, priority: 0, timeoutMs: 0 }));
    const started = await store.startRuns(starts);
    const commands = started.map((result) => ({ runId: result instanceof Error ? null : result.runId }));
    const cancel = { type: "cancel", reason: "" } as const;
    await store.transact(commands, (draft) => draft === null || controlRun(draft, cancel, [], DEFAULT_LIMITS, 0));
    const at = scene.time.now();
    await scene.start("w");
    while (store.stats().finishedRuns > 0) await scene.time.advance(50);
    // At ease, 10 ms apart, they would take twice as long.
    expect(steps).toBeGreaterThan(200);
    expect(scene.time.now() - at).toBeLessThan(steps * 6);
    await scene.time.advance(1_000);
    expect(of("runs_purged").length).toBeGreaterThan(1);
  });

  it("tries again later when the store fails, and the work goes on", async () => {
    begin({ forMs: null, newest: 0 });
    const one = await host(1);
    const runs = await finish(one, 1);
    const { purge } = scene.store;
    scene.store.purge = () => Promise.reject(new Error("the disk is full"));
    await scene.time.advance(100);
    expect(of("purge_failed")).toEqual([{ error: "the disk is full" }]);
    scene.store.purge = purge;
    runs.push(...(await finish(one, 1)));
    await scene.time.advance(4_000);
    expect(await there(runs)).toEqual(runs);
    await scene.time.advance(1_100);
    expect(await there(runs)).toEqual([]);
  });

  it("a failed run that was purged cannot be retried any more", async () => {
    begin({ forMs: null, newest: 0 });
    const one = await host(1);
    const runId = await scene.start("w");
    const failure = { code: "TASK_FAILED", type: "", message: "no", stack: "" };
    const kind = { transient: false, final: true, nextDelayMs: 0 };
    one.say({ type: "fail", leaseId: leaseOf(one, "a"), failure, kind });
    await scene.time.settle();
    await scene.time.advance(50);
    const retry = scene.scheduler.controlRun({
      namespace: "default",
      runId,
      control: { type: "retry", requestId: "" },
    });
    const refused = expect(retry).rejects.toMatchObject({
      code: "RUN_NOT_FOUND",
      message: `namespace "default" has no run "${runId}"; it may be among the finished runs that were purged (1 so far)`,
    });
    await scene.time.settle();
    await refused;
  });

  it("begins no step once the scheduler has stopped", async () => {
    begin({ forMs: null, newest: 0 });
    const runs = await finish(await host(1), 3);
    await scene.scheduler.stop(100);
    await scene.time.advance(10_000);
    expect([steps, await there(runs)]).toEqual([0, runs]);
  });
});

it("goes on with what was left when the scheduler died, even when everything is kept from then on", async () => {
  const scene = new SchedulerScene("sqlite", { retention: KEEP_ALL });
  try {
    const tasks = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`t${i}`, []]));
    const host = await scene.connect({ ...offering(workflowOf("wide", tasks)), slots: 50 });
    await scene.start("wide");
    for (const { leaseId } of host.leases) host.say({ type: "complete", leaseId, patch: null });
    await scene.time.settle();
    while (scene.store.stats().purgedRuns === 0) await scene.store.purge({ forMs: null, newest: 0 }, 2);
    await scene.scheduler.stop(100);
    await scene.store.close();
    scene.reopen();
    expect(scene.store.nextPurge(KEEP_ALL)).not.toBeNull();
    await scene.time.settle();
    await scene.time.advance(1_000);
    expect(scene.store.nextPurge(KEEP_ALL)).toBeNull();
  } finally {
    await scene.end();
  }
});
