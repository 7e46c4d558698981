/** `npm run soak`: half of the top speed for a long time, with connections that come and go. Nothing may grow. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { auditFile } from "@cloaca/server/audit";
import { Client } from "cloaca";
import { machine } from "../../bench/src/machine.js";
import { SchedulerProcess } from "../support/scheduler-process.js";
import { Wire } from "../support/wire.js";
import { type Check, SoakedProcess } from "./soaked-process.js";

const HELP = `npm run soak -- [--minutes <n>]
  --minutes <n>   how long, 20 if left out; the first half warms up`;

const TOP_SPEED_MS = 10_000;
const TICK_MS = 20;
const LOOK_MS = 1_000;
const CHURN_MS = 500;
const SLOTS = 100;
/** Code that was compiled meanwhile, and what is under way at the moment. */
const HEAP_SLACK_KIB = 4 * 1024;
/** Runs under way while the top speed is measured. */
const WINDOW = 400;

interface HostState {
  readonly resources: number;
  readonly heapKib: number;
  readonly warnings: readonly string[];
}

async function main(minutes: number): Promise<number> {
  const { cpu, cores, memoryGib, os, node } = machine();
  console.log(`${cores} × ${cpu}, ${memoryGib} GiB, ${os}, Node ${node}`);
  const folder = mkdtempSync(join(tmpdir(), "cloaca-soak-"));
  const file = join(folder, "runs.db");
  const scheduler = await SchedulerProcess.start(`sqlite://${file}`);
  const { address } = scheduler;
  const host = fork(
    fileURLToPath(new URL("soak-host.mjs", import.meta.url)),
    [JSON.stringify({ address, slots: SLOTS })],
    {
      execArgv: ["--expose-gc"],
    },
  );
  const checks: Check[] = [];
  try {
    await scheduler.log("session_opened");
    const client = new Client({ url: address });
    const top = await topSpeed(client);
    console.log(`top speed ${Math.round(top)} runs/s of 4 tasks; half of it for ${minutes} min`);
    const before = await stateOf(host);
    const watched = [new SoakedProcess("scheduler", scheduler.pid), new SoakedProcess("host", host.pid ?? 0)];
    const { started, failed, lookMs } = await soak(client, address, top / 2, minutes, watched);
    const after = await stateOf(host);
    client.close();
    host.kill("SIGTERM");
    await once(host, "exit");
    const { code, stderr } = await scheduler.end("SIGTERM");
    const audit = await auditFile(file, { keep: 5 });
    const seconds = lookMs / 1_000;
    checks.push(
      {
        what: "runs",
        found: `${started} started, ${Math.round(started / seconds)}/s, ${failed} failed`,
        isGood: failed === 0 && started > 0,
      },
      ...watched.flatMap((process) => process.checks(minutes / 2)),
      {
        what: "host: heap after a collection",
        found: `${mib(before.heapKib)} MiB before, ${mib(after.heapKib)} MiB after`,
        isGood: after.heapKib <= before.heapKib + HEAP_SLACK_KIB,
      },
      {
        what: "host: handles of its loop",
        found: `${before.resources} before, ${after.resources} after`,
        isGood: after.resources <= before.resources + 5,
      },
      {
        what: "warnings of listeners, in both",
        found: [...after.warnings, ...warningsIn(stderr)].join("; ") || "none",
        isGood: after.warnings.length === 0 && warningsIn(stderr).length === 0,
      },
      { what: "the scheduler ended in order", found: `exit code ${code}`, isGood: code === 0 },
      {
        what: "the books",
        found: `${audit.events} events, ${audit.breachCount} breaches, ${audit.liveRuns} runs open`,
        isGood: audit.breachCount === 0 && audit.liveRuns === 0,
      },
    );
  } finally {
    host.kill("SIGKILL");
    await scheduler.end("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
  for (const { what, found, isGood } of checks) console.log(`${isGood ? "✓" : "✗"} ${what}: ${found}`);
  const failed = checks.filter(({ isGood }) => !isGood).length;
  console.log(failed === 0 ? "verdict: nothing grows" : "verdict: see what failed");
  console.log(`${checks.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Runs a second, with so many under way that nobody waits for work. */
async function topSpeed(client: Client): Promise<number> {
  const stop = performance.now() + TOP_SPEED_MS;
  let ended = 0;
  const run = async (): Promise<void> => {
    while (performance.now() < stop) {
      const { runId } = await client.start("soak", { n: 1 });
      await client.wait(runId);
      ended++;
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, run));
  return ended / (TOP_SPEED_MS / 1_000);
}

interface Soaked {
  readonly started: number;
  readonly failed: number;
  readonly lookMs: number;
}

/** Starts so many runs a second, whatever becomes of them, and looks at the processes. */
async function soak(
  client: Client,
  address: string,
  runsPerSecond: number,
  minutes: number,
  watched: readonly SoakedProcess[],
): Promise<Soaked> {
  const begun = performance.now();
  const until = begun + minutes * 60_000;
  let started = 0;
  let failed = 0;
  const open = new Set<Promise<void>>();
  const run = async (): Promise<void> => {
    const { runId } = await client.start("soak", { n: started });
    const { status } = await client.wait(runId);
    if (status !== "SUCCEEDED") failed++;
  };
  let lookAt = begun;
  let churnAt = begun;
  let told = 0;
  while (performance.now() < until) {
    const now = performance.now();
    const due = ((now - begun) / 1_000) * runsPerSecond;
    for (; started < due; started++) {
      const one = run().catch(() => {
        failed++;
      });
      open.add(one);
      void one.then(() => open.delete(one));
    }
    if (now >= lookAt) {
      lookAt += LOOK_MS;
      for (const process of watched) process.look((now - begun) / 60_000);
    }
    if (now >= churnAt) {
      churnAt += CHURN_MS;
      const one = churn(address).catch(() => {
        failed++;
      });
      open.add(one);
      void one.then(() => open.delete(one));
    }
    const minute = Math.floor((now - begun) / 60_000);
    if (minute > told) {
      told = minute;
      console.log(`${minute} min: ${started} runs, ${open.size} under way`);
    }
    await delay(TICK_MS);
  }
  const lookMs = performance.now() - begun;
  await Promise.all(open);
  return { started, failed, lookMs };
}

let comers = 0;

/** Somebody comes, looks, and goes: a host that says goodbye, a watcher that leaves in the middle, a client. */
async function churn(address: string): Promise<void> {
  const wire = new Wire(address);
  const host = wire.host();
  await host.hello({ hostId: `comer-${++comers}`, instanceId: `comer-instance-${comers}`, slots: 0 });
  host.say({ case: "drain", value: { reason: "it was only a look" } });
  await host.next("receipts");
  host.stream.end();
  await host.ended;
  wire.close();
  const client = new Client({ url: address });
  // The first page comes at once.
  for await (const _page of client.watch({ workflow: "soak" })) break;
  client.close();
}

async function stateOf(host: ChildProcess): Promise<HostState> {
  const answer = once(host, "message") as Promise<[HostState]>;
  host.send("state");
  return (await answer)[0];
}

function mib(kib: number): string {
  return (kib / 1024).toFixed(1);
}

function warningsIn(stderr: string): string[] {
  return stderr.split("\n").filter((line) => line.includes("Warning"));
}

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "20" }, help: { type: "boolean", default: false } },
});
const minutes = Number(values.minutes);
if (values.help) console.log(HELP);
else if (!(minutes >= 0.5 && minutes <= 10_000)) {
  console.error(`"${values.minutes}" is no number of minutes from 0.5 to 10,000\n${HELP}`);
  process.exitCode = 2;
} else process.exitCode = await main(minutes);
