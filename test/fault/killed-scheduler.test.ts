/**
 * Load, with the scheduler killed every two seconds and one host killed in the middle of it: nothing is lost, no result counts
 * twice, no effect happens twice downstream, and no code is executed again that did not have to be.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { auditFile } from "@cloaca/server/audit";
import { Client } from "cloaca";
import { expect, it } from "vitest";
import { FaultHost } from "../support/fault-host.js";
import { FencedStore } from "../support/fenced-store.js";
import { figure } from "../support/figures.js";
import { inForm } from "../support/form.js";
import { type LogFacts, logFacts } from "../support/log-facts.js";
import { SchedulerProcess } from "../support/scheduler-process.js";

const LOAD_CLIENT = fileURLToPath(new URL("programs/load-client.mjs", import.meta.url));

const LOAD_MS = inForm(8_000, 60_000);
const KILL_EVERY_MS = 2_000;
/** A slow machine takes longer for these. */
const LEAST_TASKS = inForm(500, 50_000);
const MOST_MS = inForm(30_000, 240_000);
const WINDOW = inForm(300, 3_000);
const SLOTS = 200;
/** Longer than two kills are apart: hosts come back in time, and who does not is lost once the killing has ended. */
const TTL_MS = 5_000;

interface Report {
  readonly acknowledged: readonly string[];
  readonly starts: number;
  readonly repeated: number;
  readonly problems: readonly string[];
}

it("the scheduler killed every two seconds, and a host once: nothing lost, nothing twice", {
  timeout: 480_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "cloaca-fault-"));
  const file = join(folder, "runs.db");
  const store = new FencedStore();
  let scheduler = await SchedulerProcess.start(`sqlite://${file}`, "--session-ttl-ms", String(TTL_MS));
  const { address } = scheduler;
  const hosts: FaultHost[] = [];
  let loading: ChildProcess | null = null;
  try {
    for (const hostId of ["steady-1", "steady-2", "victim"]) {
      hosts.push(await FaultHost.start({ address, hostId, slots: SLOTS, store }));
    }
    const victim = hosts[2];
    loading = fork(LOAD_CLIENT, [JSON.stringify({ address, window: WINDOW })], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const reported = once(loading, "message") as Promise<[Report]>;

    const begun = performance.now();
    let kills = 0;
    let isVictimAlive = true;
    const isShort = (): boolean => store.size < LEAST_TASKS && performance.now() - begun < MOST_MS;
    while (performance.now() - begun < LOAD_MS || isShort()) {
      await delay(KILL_EVERY_MS);
      if (isVictimAlive && performance.now() - begun > LOAD_MS / 2) {
        await victim?.end("SIGKILL");
        isVictimAlive = false;
      }
      expect((await scheduler.end("SIGKILL")).signal).toBe("SIGKILL");
      kills++;
      scheduler = await restart(`sqlite://${file}`, address);
    }
    const loadMs = performance.now() - begun;
    loading.send("stop");
    const [report] = await reported;

    const client = new Client({ url: address });
    const facts = await logFacts(client);
    client.close();
    const lost = expectNothingLost(facts, report);
    expectOneEffectEach(facts, store);
    expect(facts.taskRuns.size).toBeGreaterThanOrEqual(LEAST_TASKS);
    expect(report.repeated).toBeGreaterThan(0);
    for (const host of hosts.slice(0, 2)) await host.end("SIGTERM");
    expect((await scheduler.end("SIGTERM")).code).toBe(0);
    const audit = await auditFile(file, { keep: 10 });
    expect(audit).toMatchObject({
      breaches: [],
      breachCount: 0,
      liveRuns: 0,
      heldSlots: 0,
      runs: report.acknowledged.length,
    });

    figure("load", loadMs / 1_000, "s");
    figure("scheduler killed", kills, "times");
    figure("runs acknowledged, and ended", report.acknowledged.length, "runs");
    figure("tasks", facts.taskRuns.size, "task runs");
    figure("starts said again by the client", report.repeated, "starts");
    figure("executions lost with the killed host, and executed again", lost, "executions");
    figure("effects refused by their fence", store.refused, "writes");
    figure("effects that happened twice", store.duplicates, "writes");
  } finally {
    loading?.kill("SIGKILL");
    for (const host of hosts) await host.end("SIGKILL");
    await scheduler.end("SIGKILL");
    rmSync(folder, { recursive: true });
  }
});

function restart(store: string, address: string): Promise<SchedulerProcess> {
  return SchedulerProcess.start(store, "--session-ttl-ms", String(TTL_MS), "--address", address);
}

/** Returns how many executions were lost with the host that was killed. */
function expectNothingLost(facts: LogFacts, report: Report): number {
  expect(report.problems).toEqual([]);
  expect(report.acknowledged.length).toBe(new Set(report.acknowledged).size);
  // Every run that was started was acknowledged in the end, once, whatever was said again.
  expect(new Set(facts.started)).toEqual(new Set(report.acknowledged));
  expect(facts.started.length).toBe(report.acknowledged.length);
  const wrongEnds = report.acknowledged.filter((runId) => facts.ends.get(runId)?.join() !== "RUN_SUCCEEDED");
  expect(wrongEnds).toEqual([]);

  let lost = 0;
  const wrong: unknown[] = [];
  for (const [taskRun, { leased, succeeded, lostWith, declined }] of facts.taskRuns) {
    lost += lostWith.length;
    const isNeeded = leased.length === 1 + lostWith.length && lostWith.every((host) => host === "victim");
    if (!isNeeded || succeeded.length !== 1 || declined.length > 0)
      wrong.push({ taskRun, leased, succeeded, lostWith });
  }
  expect(wrong).toEqual([]);
  // Otherwise the killing has proven nothing.
  expect(lost).toBeGreaterThan(0);
  expect(lost).toBeLessThanOrEqual(SLOTS * 5);
  return lost;
}

/** What stands downstream was written by the execution whose result was accepted, and by each lease once. */
function expectOneEffectEach(facts: LogFacts, store: FencedStore): void {
  expect(store.duplicates).toBe(0);
  const wrong = [...facts.taskRuns].filter(([taskRun, { succeeded }]) => store.standing(taskRun) !== succeeded[0]);
  expect(wrong).toEqual([]);
  expect(store.size).toBe(facts.taskRuns.size);
}
