/** P6: all state survives SIGKILL, and a scheduler's restart looks to a host like a broken stream. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DeferralOutcome,
  LeaseState,
  type RunEvent,
  RunEventType,
  RunService,
  RunStatus,
  WorkflowService,
} from "@cloaca/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SchedulerProcess } from "../support/scheduler-process.js";
import { Wire } from "../support/wire.js";

const PAIR = { name: "pair", tasks: [{ id: "a" }, { id: "b" }, { id: "c", dependencies: ["a", "b"] }] };
const OFFER = { definitions: [PAIR], implementations: [{ workflow: "pair" }] };

describe("a scheduler that is killed", () => {
  let folder: string;
  let store: string;
  const started: SchedulerProcess[] = [];
  const wires: Wire[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-restart-"));
    store = `sqlite://${join(folder, "runs.db")}`;
  });

  afterEach(async () => {
    for (const wire of wires.splice(0)) wire.close();
    for (const scheduler of started.splice(0)) await scheduler.end("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  async function open(): Promise<{ scheduler: SchedulerProcess; wire: Wire }> {
    const scheduler = await SchedulerProcess.start(store, "--check-books");
    started.push(scheduler);
    const wire = new Wire(scheduler.address);
    wires.push(wire);
    return { scheduler, wire };
  }

  /** Two leases: `a` is deferred and `b` runs. Then the scheduler dies. */
  async function killedInTheMiddle() {
    const { scheduler, wire } = await open();
    const host = wire.host();
    const welcome = await host.hello({ ...OFFER, slots: 2 });
    const { runId } = await wire.call(RunService.method.startRun, { run: { workflow: "pair", context: { n: "1" } } });
    const a = await host.next("lease", (lease) => lease.task === "a");
    const b = await host.next("lease", (lease) => lease.task === "b");
    const checkpoint = { set: { half: "2" } };
    host.say({ case: "deferUntil", value: { leaseId: a.leaseId, deferral: 1, description: "rain", checkpoint } });
    await host.next("deferred");
    return { scheduler, wire, host, welcome, runId, a, b };
  }

  function expectOneExecutionEach(events: readonly RunEvent[]): void {
    expect(events.map((e) => e.eventSeq)).toEqual(events.map((_, index) => BigInt(index + 1)));
    const leased = events.filter((e) => e.type === RunEventType.TASK_LEASED).map((e) => e.task);
    expect(leased.sort()).toEqual(["a", "b", "c"]);
    const succeeded = events.filter((e) => e.type === RunEventType.TASK_SUCCEEDED).map((e) => e.task);
    expect(succeeded.sort()).toEqual(["a", "b", "c"]);
    expect(events.reduce((sum, e) => sum + e.slotDelta, 0)).toBe(0);
  }

  it("goes on after the restart with one task running and one deferred, and executes nothing twice", async () => {
    const { scheduler, runId, welcome, a, b } = await killedInTheMiddle();
    expect((await scheduler.end("SIGKILL")).signal).toBe("SIGKILL");

    const { wire } = await open();
    const before = await wire.call(RunService.method.getRun, { runId });
    expect(before.run?.taskCounts).toEqual({ DEFERRED: 1, LEASED: 1, WAITING: 1 });
    const host = wire.host();
    const again = await host.hello({
      ...OFFER,
      slots: 2,
      resumeToken: welcome.resumeToken,
      heldLeases: [
        { leaseId: a.leaseId, state: LeaseState.DEFERRED, deferral: 1 },
        { leaseId: b.leaseId, state: LeaseState.HELD },
      ],
    });
    expect([again.resumed, again.sessionId, again.generation]).toEqual([true, welcome.sessionId, 2n]);
    expect(again.verdicts.map((v) => [v.leaseId, v.state, v.deferral])).toEqual([
      [a.leaseId, LeaseState.DEFERRED, 1],
      [b.leaseId, LeaseState.HELD, 0],
    ]);
    host.say({ case: "reclaim", value: { leaseId: a.leaseId, deferral: 1 } });
    expect((await host.next("slotGranted")).outcome).toBe(DeferralOutcome.MET);
    host.say({ case: "complete", value: { leaseId: b.leaseId, patch: { set: { b: "1" } } } });
    host.say({ case: "complete", value: { leaseId: a.leaseId, patch: { set: { a: "1" } } } });
    const c = await host.next("lease");
    expect([c.task, c.input]).toEqual(["c", { n: "1", half: "2", a: "1", b: "1" }]);
    host.say({ case: "complete", value: { leaseId: c.leaseId } });

    const { run } = await wire.call(RunService.method.getRun, { runId, waitMs: 10_000 });
    expect(run).toMatchObject({
      status: RunStatus.SUCCEEDED,
      context: { n: "1", half: "2", a: "1", b: "1" },
    });
    const { taskRuns } = await wire.call(RunService.method.listTaskRuns, { runId });
    expect(taskRuns.map(({ task, attempt, recovery, fence }) => ({ task, attempt, recovery, fence }))).toEqual(
      ["a", "b", "c"].map((task) => ({ task, attempt: 1, recovery: 0, fence: 1n })),
    );
    expectOneExecutionEach(await wire.log(runId));
  });

  it("P4: what was said into the dying scheduler is said again, and counts once", async () => {
    const { scheduler, host, runId, welcome, a, b } = await killedInTheMiddle();
    // No receipt is awaited: whether these are committed before the end is open.
    host.say({ case: "reclaim", value: { leaseId: a.leaseId, deferral: 1 } });
    host.say({ case: "complete", value: { leaseId: b.leaseId, patch: { set: { b: "1" } } } });
    await scheduler.end("SIGKILL");
    await host.ended;

    const { wire } = await open();
    const second = wire.host();
    const again = await second.hello({
      ...OFFER,
      slots: 2,
      resumeToken: welcome.resumeToken,
      heldLeases: [
        { leaseId: a.leaseId, state: LeaseState.RECLAIMING, deferral: 1 },
        { leaseId: b.leaseId, state: LeaseState.FINISHED },
      ],
    });
    const states = again.verdicts.map((v) => LeaseState[v.state]);
    expect(["DEFERRED", "RECLAIMING", "HELD"]).toContain(states[0]);
    expect(["HELD", "FINISHED"]).toContain(states[1]);
    second.say({ case: "reclaim", value: { leaseId: a.leaseId, deferral: 1 } });
    second.say({ case: "complete", value: { leaseId: b.leaseId, patch: { set: { b: "1" } } } });
    await second.next("slotGranted");
    second.say({ case: "complete", value: { leaseId: a.leaseId } });
    const c = await second.next("lease", (lease) => lease.task === "c");
    second.say({ case: "complete", value: { leaseId: c.leaseId } });
    const { run } = await wire.call(RunService.method.getRun, { runId, waitMs: 10_000 });
    expect(run).toMatchObject({ status: RunStatus.SUCCEEDED, context: { n: "1", half: "2", b: "1" } });
    expectOneExecutionEach(await wire.log(runId));
  });

  it("keeps a start that was answered, its request id, the workflows, and a cursor of the log", async () => {
    const { scheduler, wire } = await open();
    await wire.call(WorkflowService.method.registerWorkflow, { definition: PAIR });
    const request = { run: { workflow: "pair", requestId: "once" } };
    const { runId, workflowVersion } = await wire.call(RunService.method.startRun, request);
    const watching = wire.stream(RunService.method.watchRuns, { runId });
    watching.on("error", () => {});
    let cursor = "";
    for await (const response of watching) {
      cursor = response.cursor;
      break;
    }
    await scheduler.end("SIGKILL");

    const { wire: after } = await open();
    expect(await after.call(RunService.method.startRun, request)).toMatchObject({ runId, existing: true });
    const { workflow } = await after.call(WorkflowService.method.getWorkflow, { name: "pair" });
    expect(workflow).toMatchObject({ version: workflowVersion, current: true });
    await after.call(RunService.method.cancelRun, { runId });
    const rest: RunEvent[] = [];
    for await (const { events } of after.stream(RunService.method.watchRuns, { runId, cursor })) rest.push(...events);
    expect(rest.map((e) => [e.eventSeq, RunEventType[e.type]])).toEqual([
      [4n, "TASK_CANCELLED"],
      [5n, "TASK_CANCELLED"],
      [6n, "TASK_CANCELLED"],
      [7n, "RUN_CANCELLED"],
    ]);
  });
});

it("P8: two deferred tasks and one slot: a third ran in the slot that they gave back", async () => {
  const scheduler = await SchedulerProcess.start("memory:", "--check-books");
  const wire = new Wire(scheduler.address);
  try {
    const host = wire.host();
    const definition = { name: "wait", tasks: [{ id: "a" }, { id: "b" }, { id: "c" }] };
    await host.hello({ definitions: [definition], implementations: [{ workflow: "wait" }], slots: 1 });
    const { runId } = await wire.call(RunService.method.startRun, { run: { workflow: "wait" } });
    const leases = new Map<string, string>();
    for (const task of ["a", "b"]) {
      const { leaseId } = await host.next("lease", (lease) => lease.task === task);
      leases.set(task, leaseId);
      host.say({ case: "deferUntil", value: { leaseId, deferral: 1 } });
      await host.next("deferred", (deferred) => deferred.leaseId === leaseId);
    }
    const c = await host.next("lease");
    // Both conditions hold now, while the third runs.
    for (const leaseId of leases.values()) host.say({ case: "reclaim", value: { leaseId, deferral: 1 } });
    host.say({ case: "complete", value: { leaseId: c.leaseId } });
    for (const leaseId of leases.values()) {
      expect((await host.next("slotGranted")).leaseId).toBe(leaseId);
      host.say({ case: "complete", value: { leaseId } });
    }

    // From here on nothing counts but the log.
    const log = (await wire.log(runId)).map((e) => ({ type: RunEventType[e.type], task: e.task, delta: e.slotDelta }));
    let held = 0;
    for (const { delta } of log) {
      held += delta;
      expect(held).toBeGreaterThanOrEqual(0);
      expect(held).toBeLessThanOrEqual(1);
    }
    expect(held).toBe(0);
    const at = (type: string, task: string): number => log.findIndex((e) => e.type === type && e.task === task);
    const deferred = Math.max(at("TASK_DEFERRED", "a"), at("TASK_DEFERRED", "b"));
    const resumed = Math.min(at("TASK_RESUMED", "a"), at("TASK_RESUMED", "b"));
    const between = log.slice(deferred + 1, resumed).filter((e) => e.delta !== 0);
    expect(between).toEqual([
      { type: "TASK_LEASED", task: "c", delta: 1 },
      { type: "TASK_SUCCEEDED", task: "c", delta: -1 },
    ]);
  } finally {
    wire.close();
    await scheduler.end("SIGKILL");
  }
});
