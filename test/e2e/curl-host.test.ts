/** The host in bash and curl: all that it says goes through `Exchange` by HTTP and JSON. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, type RunFailedError } from "cloaca";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { curl } from "../../scripts/curl.mjs";
import { SchedulerProcess } from "../support/scheduler-process.js";
import { nextEvent } from "../support/use-scheduler.js";

const HOST = fileURLToPath(new URL("../../examples/curl/host.sh", import.meta.url));

// `npm test` says when it is missing, and fails for it in CI.
describe.skipIf("missing" in curl())("the host in bash and curl", { timeout: 60_000 }, () => {
  let folder: string;
  let scheduler: SchedulerProcess;
  let client: Client;
  const hosts: ChildProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-curl-"));
  });

  afterEach(async () => {
    for (const host of hosts.splice(0)) await ended(host, "SIGKILL");
    client.close();
    expect((await scheduler.end("SIGTERM")).code).toBe(0);
    expect(scheduler.logs.filter(({ event }) => event === "turn_failed" || event === "books_wrong")).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  async function start(...args: string[]): Promise<void> {
    const store = `sqlite://${join(folder, "runs.db")}`;
    scheduler = await SchedulerProcess.start(store, "--check-books", ...args);
    client = new Client({ url: scheduler.address });
  }

  /** Starts the host and waits for it; in a process group, so that its curl ends with it. */
  async function host(script = HOST): Promise<ChildProcess> {
    const env = { ...process.env, CLOACA_URL: `http://${scheduler.address}`, CLOACA_HOST_ID: "curl" };
    const child = spawn("bash", [script], { env, stdio: ["ignore", "ignore", "pipe"], detached: true });
    hosts.push(child);
    await scheduler.log("session_opened");
    return child;
  }

  it("registers its workflow and executes its tasks, one after the other", async () => {
    await start();
    await host();
    const { context, runId } = await client.execute("greet", { name: 'curl "and" jq' });
    expect(context.toJSON()).toEqual({
      name: 'curl "and" jq',
      greeting: 'hello, curl "and" jq',
      letters: 20,
    });
    expect((await client.tasks(runId)).map(({ task, hostId, attempt }) => [task, hostId, attempt])).toEqual([
      ["greet", "curl", 1],
      ["count", "curl", 1],
    ]);
    const many = await client.startMany("greet", [{ name: "a" }, { name: "b" }, { name: "c" }]);
    const ends = many.map((run) => ("runId" in run ? client.result(run.runId) : Promise.reject(run)));
    expect((await Promise.all(ends)).map((end) => end.context.get("letters"))).toEqual([8, 8, 8]);
  });

  it("takes and sets values that are larger than an argument may be", async () => {
    await start();
    await host();
    const name = "x".repeat(300_000);
    const { context, runId } = await client.execute("greet", { name });
    expect(context.toJSON()).toEqual({ name, greeting: `hello, ${name}`, letters: 300_007 });
    expect((await client.tasks(runId)).map(({ recovery }) => recovery)).toEqual([0, 0]);
  });

  it("tells why a task failed, and goes on", async () => {
    await start();
    await host();
    const failed = (await client.execute("greet", {}).catch((error: unknown) => error)) as RunFailedError;
    expect(failed).toMatchObject({ code: "RUN_FAILED", status: "FAILED" });
    expect(failed.message).toContain("only strings can be parsed");
    expect((await client.execute("greet", { name: "x" })).context.get("letters")).toBe(8);
  });

  it("P5: keeps its session alive while a task takes longer than its TTL", async () => {
    await start("--session-ttl-ms", "1000");
    const slow = join(folder, "slow.sh");
    writeFileSync(slow, readFileSync(HOST, "utf8").replace("task_count() {", "task_count() { sleep 3;"));
    await host(slow);
    const { runId, context } = await client.execute("greet", { name: "x" });
    expect(context.get("letters")).toBe(8);
    expect((await client.tasks(runId)).map(({ recovery, fence }) => [recovery, fence])).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it("leaves nothing behind that keeps a session alive when it is killed in the middle of a task", async () => {
    await start("--session-ttl-ms", "1000");
    const stuck = join(folder, "stuck.sh");
    writeFileSync(
      stuck,
      readFileSync(HOST, "utf8").replace("task_count() {", 'task_count() { touch "$0.runs"; sleep 600;'),
    );
    const child = await host(stuck);
    const { runId } = await client.start("greet", { name: "x" });
    while (!existsSync(`${stuck}.runs`)) await new Promise((resolve) => setImmediate(resolve));
    // The shell alone, as a person would: what it has started goes on for a while.
    process.kill(child.pid ?? 0, "SIGKILL");
    await nextEvent(client, runId, ({ type, task }) => type === "TASK_LOST" && task === "count");
  });

  it("P1: comes back to a scheduler that was restarted", async () => {
    await start();
    await host();
    const { address } = scheduler;
    client.close();
    expect((await scheduler.end("SIGTERM")).code).toBe(0);
    await start("--address", address);
    const { context } = await client.execute("greet", { name: "again" });
    expect(context.get("greeting")).toBe("hello, again");
  });
});

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  try {
    process.kill(-(child.pid ?? 0), signal);
  } catch {
    // The whole group has ended.
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}
