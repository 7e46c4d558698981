/** Many retries at once: each attempt is counted once, by the host that executes it and in the scheduler's log. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Host, WorkflowBuilder } from "cloaca";
import { expect, it } from "vitest";
import { SchedulerProcess } from "../support/scheduler-process.js";
import { readLog } from "../support/use-scheduler.js";

const TASKS = 1_000;
const ATTEMPTS = 3;

it("1,000 tasks that each fail twice and then succeed: 3,000 attempts exactly", { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "cloaca-many-retries-"));
  const scheduler = await SchedulerProcess.start(`sqlite://${join(folder, "runs.db")}`);
  const url = `grpc://${scheduler.address}`;
  const client = new Client({ url });
  const executed = new Map<string, number[]>();
  const builder = new WorkflowBuilder("many_retries");
  for (let n = 0; n < TASKS; n++) {
    const id = `t${n}`;
    builder.addTask({ id, retryAttempts: ATTEMPTS - 1, retryDelayMs: 5 }, (_context, handle) => {
      executed.set(id, [...(executed.get(id) ?? []), handle.attempt]);
      if (handle.attempt < ATTEMPTS) throw new Error(`attempt ${handle.attempt}`);
      return { [id]: handle.attempt };
    });
  }
  const host = new Host({ url, slots: 200, hostId: "host" }).register(builder.build());
  const served = host.run({ handleSignals: false });
  try {
    await host.ready();
    const { runId } = await client.start("many_retries");
    const { context, run } = await client.result(runId);
    expect(run.taskCounts).toEqual({ SUCCEEDED: TASKS });
    expect(new Set(Object.values(context.toJSON()))).toEqual(new Set([ATTEMPTS]));

    expect(executed.size).toBe(TASKS);
    for (const attempts of executed.values()) expect(attempts).toEqual([1, 2, 3]);

    const log = await readLog(client, runId);
    const count = (type: string): number => log.filter((event) => event.type === type).length;
    expect(count("TASK_LEASED")).toBe(TASKS * ATTEMPTS);
    expect(count("TASK_RETRYING")).toBe(TASKS * (ATTEMPTS - 1));
    expect(count("TASK_SUCCEEDED")).toBe(TASKS);
    expect(count("TASK_FAILED")).toBe(0);
    expect(log.map(({ eventSeq }) => eventSeq)).toEqual(log.map((_event, index) => index + 1));
    expect(log.reduce((held, { slotDelta }) => held + slotDelta, 0)).toBe(0);
  } finally {
    await host.drain(0);
    await served;
    client.close();
    await scheduler.end("SIGTERM");
    rmSync(folder, { recursive: true });
  }
});
