/** A scheduler on a file, hosts and a client, all processes of their own, and the audit of the file in the end. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { auditFile } from "@cloaca/server/audit";
import { Client } from "cloaca";
import { expect } from "vitest";
import { FaultHost, type FaultHostOptions } from "./fault-host.js";
import { FencedStore } from "./fenced-store.js";
import { SchedulerProcess } from "./scheduler-process.js";

export interface FaultWorldOptions {
  readonly ttlMs: number;
  /** Folder of the store's file; a new one by default. */
  readonly folder?: string;
  /** More arguments of `cloaca server`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class FaultWorld {
  readonly store = new FencedStore();
  readonly hosts: FaultHost[] = [];
  readonly #clients: Client[] = [];
  #schedulers: SchedulerProcess[] = [];

  private constructor(
    readonly folder: string,
    readonly options: FaultWorldOptions,
  ) {}

  static async start(options: FaultWorldOptions): Promise<FaultWorld> {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), "cloaca-fault-"));
    const world = new FaultWorld(folder, options);
    await world.#startScheduler([], options.env ?? {});
    return world;
  }

  get file(): string {
    return join(this.folder, "runs.db");
  }

  get scheduler(): SchedulerProcess {
    const scheduler = this.#schedulers.at(-1);
    if (scheduler === undefined) throw new Error("no scheduler was started");
    return scheduler;
  }

  get address(): string {
    return this.scheduler.address;
  }

  /** Starts another scheduler on the file and the address of the last one, which has ended. */
  async restart(env: Readonly<Record<string, string>> = {}): Promise<SchedulerProcess> {
    await this.#startScheduler(["--address", this.address], env);
    return this.scheduler;
  }

  /** A host, at another address when something stands between. */
  async host(hostId: string, slots: number, more: Partial<FaultHostOptions> = {}): Promise<FaultHost> {
    const host = await FaultHost.start({ address: this.address, hostId, slots, store: this.store, ...more });
    this.hosts.push(host);
    return host;
  }

  client(): Client {
    const client = new Client({ url: this.address });
    this.#clients.push(client);
    return client;
  }

  /** Starts so many runs of a workflow; returns their ids. */
  async runs(client: Client, workflow: string, count: number, input: Record<string, unknown> = {}): Promise<string[]> {
    const started = await client.startMany(workflow, new Array(count).fill(input));
    return started.map((run) => {
      if (run instanceof Error) throw run;
      return run.runId;
    });
  }

  /** Ends everything, the hosts first. */
  async end(): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const host of this.hosts) await host.end("SIGKILL");
    for (const scheduler of this.#schedulers) await scheduler.end("SIGKILL");
  }

  /** The log of the file has to add up, and no scheduler may have met what it should not. */
  async audit(): Promise<void> {
    const unexpected = this.#schedulers.flatMap((scheduler) =>
      scheduler.logs.filter(({ event }) => event === "books_wrong" || event === "turn_failed"),
    );
    expect(unexpected).toEqual([]);
    const audit = await auditFile(this.file, { keep: 10 });
    expect(audit).toMatchObject({ breaches: [], breachCount: 0 });
    expect(audit.events).toBeGreaterThan(0);
  }

  /** Ends everything, audits the file and takes it away. */
  async close(): Promise<void> {
    await this.end();
    try {
      await this.audit();
    } finally {
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  async #startScheduler(more: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
    const { ttlMs, args = [] } = this.options;
    const all = ["--session-ttl-ms", String(ttlMs), ...args, ...more];
    this.#schedulers.push(await SchedulerProcess.startWith(`sqlite://${this.file}`, all, env));
  }
}

/** Runs a test in a world of its own. */
export async function inWorld(options: FaultWorldOptions, test: (world: FaultWorld) => Promise<void>): Promise<void> {
  const world = await FaultWorld.start(options);
  try {
    await test(world);
  } catch (error) {
    // It has said what is wrong: an audit would only hide it.
    await world.end();
    rmSync(world.folder, { recursive: true, force: true });
    throw error;
  }
  await world.close();
}
