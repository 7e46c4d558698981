/** What is measured together: a fresh scheduler, its hosts and a client, and the figures that come out. */
import { setTimeout as delay } from "node:timers/promises";
import { type Finished, RunClient, type RunSpec, type Workflow } from "../client/run-client.js";
import type { Figure, FigureName } from "../figures.js";
import { type HostProcess, startHosts } from "../processes/hosts.js";
import { type SchedulerProcess, startScheduler } from "../processes/scheduler.js";
import { cpuMs } from "../processes/usage.js";

export interface Experiment {
  readonly figures: readonly FigureName[];
  run(options: ExperimentOptions): Promise<Figure[]>;
}

export interface ExperimentOptions {
  readonly quick: boolean;
  readonly profile: string | null;
}

export interface Bench {
  readonly scheduler: SchedulerProcess;
  readonly client: RunClient;
  readonly hosts: HostProcess;
}

export interface BenchSetup {
  /** Registered before the hosts connect. */
  readonly workflows: readonly Workflow[];
  /** Served by the hosts, and registered by the measurement itself. */
  readonly served?: readonly Workflow[];
  readonly hosts?: number;
  readonly slots: number;
}

/** Runs a measurement between the start and the end of the three processes. */
export async function withBench<T>(
  { profile }: ExperimentOptions,
  { workflows, served = [], hosts = 1, slots }: BenchSetup,
  measure: (bench: Bench) => Promise<T>,
): Promise<T> {
  const scheduler = await startScheduler(profile);
  const client = new RunClient(scheduler.address);
  let host: HostProcess | null = null;
  try {
    for (const workflow of workflows) await client.register(workflow);
    const names = [...workflows, ...served].map((workflow) => workflow.name ?? "");
    host = await startHosts({ address: scheduler.address, hosts, slots, workflows: names });
    await client.watch();
    const result = await measure({ scheduler, client, hosts: host });
    // Whatever a host heard that it must not hear spoils the figure.
    const { leases } = await host.tally();
    process.stderr.write(`  ${cpuText(scheduler, host, leases)}\n`);
    return result;
  } finally {
    client.close();
    await host?.stop();
    await scheduler.stop();
  }
}

export interface Load {
  readonly run: RunSpec & { readonly workflow: string };
  /** Runs in one StartRuns. */
  readonly batch: number;
  /** Most runs that have not ended. */
  readonly window: number;
}

/**
 * Keeps so many runs under way and returns how many end in a second. Afterwards every run that was started must have
 * ended well.
 */
export async function runsPerSecond(
  client: RunClient,
  load: Load,
  warmUpMs: number,
  measuredMs: number,
): Promise<number> {
  const stop = new AbortController();
  const before = client.finished(load.run.workflow);
  const flowing = flow(client, load, stop.signal);
  await Promise.race([delay(warmUpMs), flowing]);
  const from = await nextFinished(client, load.run.workflow);
  await Promise.race([delay(measuredMs), flowing]);
  const to = await nextFinished(client, load.run.workflow);
  stop.abort();
  await client.untilFinished(load.run.workflow, before + (await flowing));
  return (1_000 * (to.count - from.count)) / (to.at - from.at);
}

/** Runs end in waves: a measurement begins and ends with one. */
async function nextFinished(client: RunClient, workflow: string): Promise<Finished> {
  await client.untilFinished(workflow, client.finished(workflow) + 1);
  return client.lastFinished(workflow);
}

/** Starts runs so that `window` are under way, until the signal; resolves with how many were started. */
export async function flow(client: RunClient, { run, batch, window }: Load, signal: AbortSignal): Promise<number> {
  const before = client.finished(run.workflow);
  let started = 0;
  while (!signal.aborted) {
    await client.untilFinished(run.workflow, before + started + batch - window);
    await client.startMany(batch, run);
    started += batch;
  }
  return started;
}

/** CPU time tells of the code where the clock tells of the neighbours on the machine as well. */
function cpuText(scheduler: SchedulerProcess, hosts: HostProcess, leases: number): string {
  const { user, system } = process.cpuUsage();
  const times = [
    ["scheduler", cpuMs(scheduler.pid)],
    ["hosts", cpuMs(hosts.pid)],
    ["client and bench so far", (user + system) / 1_000],
  ] as const;
  const perLease = Math.round((1_000 * times[0][1]) / Math.max(1, leases));
  const text = times.map(([name, ms]) => `${name} ${(ms / 1_000).toFixed(1)} s`).join(", ");
  return `CPU: ${text}; ${leases} leases, ${perLease} µs of the scheduler for each`;
}
