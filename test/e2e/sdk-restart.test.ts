import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RunEventType, RunService, RunStatus } from "@cloaca/protocol";
import { expect, it } from "vitest";
import { SchedulerProcess } from "../support/scheduler-process.js";
import { Wire } from "../support/wire.js";

it("P6: a host of the SDK outlives the scheduler: one task running, one deferred, no code is executed twice", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cloaca-sdk-restart-"));
  const store = `sqlite://${join(folder, "runs.db")}`;
  const first = await SchedulerProcess.start(store, "--check-books");
  const { address } = first;
  const wire = new Wire(address);
  const host = fork(fileURLToPath(new URL("../hosts/waiting-host.mjs", import.meta.url)), [address], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const exit = once(host, "exit");
  const executed: string[] = [];
  host.on("message", ({ executes }: { executes: string }) => executed.push(executes));
  let second: SchedulerProcess | null = null;
  try {
    await first.log("session_opened");
    const { runId } = await wire.call(RunService.method.startRun, { run: { workflow: "pair" } });
    const watching = wire.stream(RunService.method.watchRuns, { runId, types: [RunEventType.TASK_DEFERRED] });
    watching.on("error", () => {});
    for await (const { events } of watching) if (events.length > 0) break;
    expect(executed.sort()).toEqual(["running", "waiting"]);
    expect((await first.end("SIGKILL")).signal).toBe("SIGKILL");

    second = await SchedulerProcess.start(store, "--check-books", "--address", address);
    expect(await second.log("session_opened")).toMatchObject({ resumed: true, generation: 2 });
    host.send("go on");
    const after = new Wire(address);
    const { run } = await after.call(RunService.method.getRun, { runId, waitMs: 20_000 });
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
    const log = await after.log(runId);
    expect(log.map((e) => e.eventSeq)).toEqual(log.map((_, index) => BigInt(index + 1)));
    after.close();
    expect(executed.sort()).toEqual(["last", "running", "waiting"]);
    host.kill("SIGTERM");
    expect(await exit).toEqual([0, null]);
  } finally {
    host.kill("SIGKILL");
    await exit;
    wire.close();
    await first.end("SIGKILL");
    await second?.end("SIGKILL");
    rmSync(folder, { recursive: true });
  }
});
