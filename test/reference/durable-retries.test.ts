/** Retries are the scheduler's, and survive it: it is killed while a task waits for its next attempt. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Host, workflow } from "cloaca";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SchedulerProcess } from "../support/scheduler-process.js";
import { nextEvent, readLog } from "../support/use-scheduler.js";

let folder: string;
const open: { readonly host: Host; readonly client: Client }[] = [];
const started: SchedulerProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cloaca-durable-retries-"));
});

afterEach(async () => {
  for (const { host, client } of open.splice(0)) {
    await host.drain(0);
    client.close();
  }
  for (const scheduler of started.splice(0)) await scheduler.end("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** A moment of the clock, which is what a retry waits for as well. */
function until(at: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, at - Date.now() + 1));
}

async function start(...more: string[]): Promise<SchedulerProcess> {
  const scheduler = await SchedulerProcess.start(`sqlite://${join(folder, "runs.db")}`, "--check-books", ...more);
  started.push(scheduler);
  return scheduler;
}

/** A task has failed once and waits for `delayMs` when the scheduler is killed; then, or once the retry is due, there is another. */
async function killedWhileRetrying(delayMs: number, isDue = false) {
  const attempts: number[] = [];
  const flaky = workflow("flaky", ({ task }) => {
    const options = { id: "flaky", retryAttempts: 3, retryDelayMs: delayMs, retryJitter: false };
    task(options, (_context, handle) => {
      attempts.push(handle.attempt);
      if (handle.attempt === 1) throw new Error("once");
      return { attempt: handle.attempt };
    });
  });
  const first = await start();
  const url = `grpc://${first.address}`;
  const host = new Host({ url, hostId: "host" }).register(flaky);
  const client = new Client({ url });
  open.push({ host, client });
  void host.run({ handleSignals: false });
  await host.ready();
  const { runId } = await client.start(flaky);
  const { retryAt } = await nextEvent(client, runId, ({ type }) => type === "TASK_RETRYING");
  expect(await client.tasks(runId)).toMatchObject([{ state: "RETRYING", attempt: 1, retryAt }]);
  expect((await first.end("SIGKILL")).signal).toBe("SIGKILL");
  const due = retryAt?.getTime() ?? 0;
  expect(due).toBeGreaterThan(Date.now());
  if (isDue) await until(due);
  const second = await start("--address", first.address);
  const startedAt = Date.now();
  const after = new Client({ url: `grpc://${second.address}` });
  open.push({ host, client: after });
  const { context } = await after.result(runId);
  const log = await readLog(after, runId);
  const ready = log.filter(({ type }) => type === "TASK_READY").map(({ at }) => at.getTime());
  return { attempts, attempt: context.get<number>("attempt"), due, startedAt, ready };
}

/** Generous: what takes longer was not awaited but forgotten. */
const SOON_MS = 5_000;

it("a retry that is due after the restart comes at its time, as the second attempt", async () => {
  const { attempts, attempt, due, ready } = await killedWhileRetrying(4_000);
  expect(attempts).toEqual([1, 2]);
  expect(attempt).toBe(2);
  expect(ready).toHaveLength(2);
  expect(ready[1]).toBeGreaterThanOrEqual(due);
  expect(ready[1]).toBeLessThan(due + SOON_MS);
});

it("a retry that became due while no scheduler ran comes at once after the restart", async () => {
  const { attempts, due, startedAt, ready } = await killedWhileRetrying(3_000, true);
  expect(attempts).toEqual([1, 2]);
  expect(ready[1]).toBeGreaterThanOrEqual(due);
  expect(ready[1]).toBeLessThan(startedAt + SOON_MS);
});
