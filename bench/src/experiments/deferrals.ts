import { setTimeout as delay } from "node:timers/promises";
import { DEFERRING_TASK, ONE_TASK } from "../client/workflows.js";
import { type Figure, figure } from "../figures.js";
import { DEFERRING } from "../host/raw-host.js";
import type { HostTally } from "../host/tally.js";
import { residentKib } from "../processes/usage.js";
import { percentile } from "../statistics.js";
import { type Bench, type Experiment, flow, withBench } from "./experiment.js";

const BATCH = 500;
/** How long nothing may change before the bench gives up. */
const STALLED_MS = 20_000;

/**
 * Many tasks are deferred on four slots at once while others flow through the same slots. Then conditions come true, a
 * few at a time, and what is measured is the time until the task has a slot again; at last all others at once.
 */
export const deferrals: Experiment = {
  figures: ["deferrals_held", "deferral_rss_kb", "deferral_resume_p50_ms", "deferral_resume_p99_ms"],
  run: (options) =>
    withBench(options, { workflows: [ONE_TASK, DEFERRING_TASK], slots: 4 }, async (bench): Promise<Figure[]> => {
      const { client, hosts } = bench;
      const count = options.quick ? 2_000 : 10_000;
      await warmUp(bench, count / 4);
      const flowing = startFlow(bench);
      await delay(1_000);
      const before = await memoryKib(bench);
      for (let started = 0; started < count; started += BATCH) await client.startMany(BATCH, { workflow: DEFERRING });
      const held = (await until(bench, (tally) => tally.deferred >= count)).deferred;
      const after = await memoryKib(bench);
      const others = client.finished("one");

      const samples = Math.min(count / 2, 2_000);
      for (let resumed = 0; resumed < samples; resumed += 5) {
        hosts.resume(5);
        await delay(20);
      }
      const { resumeLatencies } = await until(bench, (tally) => tally.deferred <= count - samples);
      if (client.finished("one") === others) throw new Error("no other task ran while tasks were deferred");
      hosts.resume(count);
      await client.untilFinished(DEFERRING, count / 4 + count);
      await flowing.stop();
      return [
        figure("deferrals_held", held),
        figure("deferral_rss_kb", (after - before) / count),
        figure("deferral_resume_p50_ms", percentile(resumeLatencies, 0.5)),
        figure("deferral_resume_p99_ms", percentile(resumeLatencies, 0.99)),
      ];
    }),
};

/** The code that is measured has run before, and the heaps have their size. */
async function warmUp(bench: Bench, count: number): Promise<void> {
  const { client, hosts } = bench;
  for (let started = 0; started < count; started += BATCH) {
    await client.startMany(Math.min(BATCH, count - started), { workflow: DEFERRING });
  }
  await until(bench, (tally) => tally.deferred >= count);
  hosts.resume(count);
  await client.untilFinished(DEFERRING, count);
}

interface Flow {
  stop(): Promise<void>;
}

function startFlow({ client }: Bench): Flow {
  const abort = new AbortController();
  const flowing = flow(client, { run: { workflow: "one" }, batch: 10, window: 40 }, abort.signal);
  flowing.catch(() => {});
  const before = client.finished("one");
  return {
    async stop() {
      abort.abort();
      await client.untilFinished("one", before + (await flowing));
    },
  };
}

/** Resident memory of scheduler and host. */
async function memoryKib({ scheduler, hosts }: Bench): Promise<number> {
  await delay(1_000);
  return residentKib(scheduler.pid) + residentKib(hosts.pid);
}

async function until({ hosts }: Bench, holds: (tally: HostTally) => boolean): Promise<HostTally> {
  const latencies: number[] = [];
  let last = -1;
  let deadline = performance.now() + STALLED_MS;
  for (;;) {
    const tally = await hosts.tally();
    latencies.push(...tally.resumeLatencies);
    if (holds(tally)) return { ...tally, resumeLatencies: latencies };
    if (tally.deferred !== last) deadline = performance.now() + STALLED_MS;
    last = tally.deferred;
    if (performance.now() > deadline) throw new Error(`only ${tally.deferred} tasks are deferred`);
    await delay(20);
  }
}
