/** A scheduler on virtual time over a store of its own, and hosts below the wire. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hello } from "../engine/events.js";
import { DEFAULT_LIMITS } from "../engine/limits.js";
import type { SchedulerOptions } from "../engine/options.js";
import { Scheduler } from "../engine/scheduler.js";
import { LiveStore } from "../store/live/live-store.js";
import { openStore } from "../store/open-store.js";
import { openDatabase } from "../store/sqlite/open-database.js";
import { SqliteJournal } from "../store/sqlite/sqlite-journal.js";
import type { StartRun, Store, StoreOptions } from "../store/store.js";
import { CountingIds, ManualTime } from "./manual-time.js";
import { ScriptedHost } from "./scripted-host.js";

const quiet = { info() {}, warn() {}, error() {} };

/** Its functions stand alone: a test takes them out of it. */
export class SchedulerScene {
  time: ManualTime;
  store: Store;
  scheduler: Scheduler;
  readonly #folder = mkdtempSync(join(tmpdir(), "cloaca-scheduler-"));
  #opened = 0;

  constructor(
    readonly kind: "memory" | "sqlite",
    readonly more: Partial<Pick<SchedulerOptions, "retention" | "log">> = {},
  ) {
    this.time = new ManualTime();
    [this.store, this.scheduler] = this.#open();
  }

  /** Another scheduler over the same file, after the one before has stopped or its store was closed. */
  readonly reopen = (): void => {
    [this.store, this.scheduler] = this.#open();
  };

  async end(): Promise<void> {
    await this.store.close();
    rmSync(this.#folder, { recursive: true });
  }

  readonly connect = async (hello: Partial<Hello>): Promise<ScriptedHost> => {
    const host = new ScriptedHost(this.scheduler);
    host.hello(hello);
    await this.time.settle();
    return host;
  };

  readonly start = async (workflow: string, more: Partial<StartRun> = {}): Promise<string> => {
    const started = this.scheduler.startRun({
      namespace: "default",
      workflow,
      version: "",
      context: {},
      priority: 0,
      labels: {},
      traceparent: "",
      requestId: "",
      timeoutMs: 0,
      ...more,
    });
    const [{ runId }] = await Promise.all([started, this.time.settle()]);
    return runId;
  };

  readonly eventTypes = async (runId: string): Promise<string[]> => {
    const { chunks } = await this.store.events({ namespace: "default", runId, after: 0, limit: 1000 });
    return chunks.flatMap((c) => c.events).map((e) => e.type);
  };

  #open(): [Store, Scheduler] {
    const { time } = this;
    const ids = new CountingIds(`${++this.#opened}-`);
    const options = { clock: time, ids, limits: DEFAULT_LIMITS };
    const store =
      this.kind === "memory" ? openStore("memory:", options, "") : openFile(join(this.#folder, "runs.db"), options);
    const scheduler = new Scheduler({
      store,
      clock: time,
      runtime: time,
      limits: DEFAULT_LIMITS,
      log: quiet,
      checkBooks: true,
      ...this.more,
    });
    scheduler.start();
    return [store, scheduler];
  }
}

/** A store in a file, whose commits nobody brings to disk: a disk has a time of its own. */
function openFile(path: string, options: StoreOptions): Store {
  const { db, release } = openDatabase(path, "");
  return new LiveStore(new SqliteJournal(db, release, options.clock), options);
}

/** The last lease of a task that a host was given. */
export function leaseOf(host: ScriptedHost, taskId: string): string {
  return host.leases.findLast((lease) => lease.taskId === taskId)?.leaseId ?? `no lease of ${taskId}`;
}
