/**
 * What every host must outlive, shown with processes of its own. The host under test is a program that brings the workflow
 * `pair`: `running` keeps its slot and `waiting` is deferred until the file `gate` is there; `last` comes after both. Each says
 * `executes <task>` when it begins. It offers 2 slots, and hands back what is deferred 100 ms after SIGTERM.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunEventType, RunService, RunStatus } from "@cloaca/protocol";
import { expect } from "vitest";
import type { ChildProgram } from "./child-program.js";
import { SchedulerProcess } from "./scheduler-process.js";
import { Wire } from "./wire.js";

export type StartRestartHost = (address: string, gate: string) => ChildProgram;

/** P6: the scheduler is killed and started again with one task running and one deferred; no code is executed twice. */
export async function outlivesItsScheduler(startHost: StartRestartHost): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "cloaca-restart-"));
  const store = `sqlite://${join(folder, "runs.db")}`;
  const gate = join(folder, "gate");
  const first = await SchedulerProcess.start(store, "--check-books");
  const { address } = first;
  const wire = new Wire(address);
  const host = startHost(address, gate);
  let second: SchedulerProcess | null = null;
  try {
    await first.log("session_opened");
    const { runId } = await wire.call(RunService.method.startRun, { run: { workflow: "pair" } });
    await seen(wire, runId, RunEventType.TASK_DEFERRED);
    await host.says("executes running");
    expect((await first.end("SIGKILL")).signal).toBe("SIGKILL");

    second = await SchedulerProcess.start(store, "--check-books", "--address", address);
    expect(await second.log("session_opened")).toMatchObject({ resumed: true, generation: 2 });
    writeFileSync(gate, "");
    const after = new Wire(address);
    const { run } = await after.call(RunService.method.getRun, { runId, waitMs: 30_000 });
    expect(run).toMatchObject({
      status: RunStatus.SUCCEEDED,
      context: { running: "1", waiting: '"before and after"', last: "1" },
    });
    const { taskRuns } = await after.call(RunService.method.listTaskRuns, { runId });
    expect(taskRuns.map(({ attempt, recovery, fence }) => [attempt, recovery, fence])).toEqual([
      [1, 0, 1n],
      [1, 0, 1n],
      [1, 0, 1n],
    ]);
    after.close();
    host.child.kill("SIGTERM");
    const { code, output } = await host.ended;
    expect(code, output).toBe(0);
    expect(output.match(/executes \w+/g)?.sort()).toEqual(["executes last", "executes running", "executes waiting"]);
  } finally {
    host.child.kill("SIGKILL");
    await host.ended;
    wire.close();
    await first.end("SIGKILL");
    await second?.end("SIGKILL");
    rmSync(folder, { recursive: true });
  }
}

/** P12: SIGTERM drains: what runs is finished, what is deferred is handed back, and the process ends with 0. */
export async function drainsOnSigterm(startHost: StartRestartHost): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "cloaca-drain-"));
  const gate = join(folder, "gate");
  const scheduler = await SchedulerProcess.start("memory:", "--check-books");
  const wire = new Wire(scheduler.address);
  const host = startHost(scheduler.address, gate);
  const hosts = [host];
  try {
    await scheduler.log("session_opened");
    const { runId } = await wire.call(RunService.method.startRun, { run: { workflow: "pair" } });
    await seen(wire, runId, RunEventType.TASK_DEFERRED);
    await host.says("executes running");
    host.child.kill("SIGTERM");
    await seen(wire, runId, RunEventType.TASK_DECLINED);
    writeFileSync(gate, "");
    const { code, output } = await host.ended;
    expect(code, output).toBe(0);
    const { taskRuns } = await wire.call(RunService.method.listTaskRuns, { runId });
    const [running] = taskRuns;
    expect(running).toMatchObject({ task: "running", attempt: 1, recovery: 0, fence: 1n });
    hosts.push(startHost(scheduler.address, gate));
    const { run } = await wire.call(RunService.method.getRun, { runId, waitMs: 30_000 });
    expect(run).toMatchObject({ status: RunStatus.SUCCEEDED, context: { running: "1", last: "1" } });
  } finally {
    for (const one of hosts) {
      one.child.kill("SIGKILL");
      await one.ended;
    }
    wire.close();
    await scheduler.end("SIGTERM");
    rmSync(folder, { recursive: true });
  }
}

/** Resolves with the first event of a kind, as soon as it is there. */
async function seen(wire: Wire, runId: string, type: RunEventType): Promise<void> {
  const watching = wire.stream(RunService.method.watchRuns, { runId, types: [type] });
  watching.on("error", () => {});
  for await (const { events } of watching) if (events.length > 0) break;
  watching.cancel();
}
