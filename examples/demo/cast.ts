/** The processes of a demo and its folder, from the first to the last, and whatever interrupts them. */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { constants, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Child, type Command, type Exit } from "./children.js";

/** The demos take seconds; after this long, something is wrong. */
const PATIENCE_MS = 60_000;
/** How long a child may take to end in order before it is killed. */
const STOP_MS = 10_000;
/** How long the end of a process may take to be told after its connections are gone. */
const CAUSE_MS = 1_000;

/** Somebody ended the demo before it was over. */
export class Interrupted extends Error {
  constructor(readonly signal: NodeJS.Signals) {
    super(signal === "SIGINT" ? "Ctrl-C" : signal);
  }

  /** What a shell expects of a program that a signal has ended. */
  get exitCode(): number {
    return 128 + constants.signals[this.signal];
  }
}

export class Cast {
  /** Where its tasks leave files for each other. */
  readonly folder = mkdtempSync(join(tmpdir(), "cloaca-demo-"));
  /** Of the scheduler. */
  address = "";
  readonly #children: Child[] = [];
  #interrupt: (error: Error) => void = () => {};
  readonly #interrupted = new Promise<never>((_, reject) => {
    this.#interrupt = reject;
  });

  constructor() {
    // It is raced against what goes on; when that is over, nobody listens.
    this.#interrupted.catch(() => {});
  }

  /** Ends what goes on, with an error. */
  interrupt(error: Error): void {
    this.#interrupt(error);
  }

  /** For when there is no time left for order. */
  killAll(): void {
    for (const child of this.#children) child.kill();
    this.#removeFolder();
  }

  /** Starts `cloaca server` on a store of its own; it listens when this resolves. */
  async startScheduler(...more: readonly string[]): Promise<Child> {
    const bin = join(dirname(createRequire(import.meta.url).resolve("cloaca/package.json")), "bin/cloaca.js");
    const store = `sqlite://${join(this.folder, "cloaca.db")}`;
    const args = [bin, "server", "--address", "127.0.0.1:0", "--store", store, "--log-format", "json", ...more];
    const scheduler = this.start("scheduler", [process.execPath, ...args]);
    this.address = await scheduler.line(addressIn);
    return scheduler;
  }

  start(name: string, command: Command): Child {
    const child = new Child(name, command, (error) => this.#interrupt(error));
    this.#children.push(child);
    return child;
  }

  /** Kills a process as nobody expects, and forgets it. */
  async kill(child: Child): Promise<void> {
    this.#children.splice(this.#children.indexOf(child), 1);
    child.kill();
    await child.ended;
  }

  /** @throws what interrupts the work, when it is interrupted before it is over */
  orInterrupted<T>(work: Promise<T>): Promise<T> {
    // When it is interrupted, what it was doing fails as well, and nobody asks any more.
    work.catch(() => {});
    return Promise.race([work, this.#interrupted]);
  }

  /** The same, for the story of a demo: it has an end. */
  async story<T>(work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#interrupt(new Error(`the run has not ended within ${PATIENCE_MS / 1000} s`));
    }, PATIENCE_MS);
    try {
      return await this.orInterrupted(work).catch((error: unknown) => this.#explain(error));
    } finally {
      clearTimeout(timer);
    }
  }

  /** A call that failed because a process is gone is not the cause: that is told soon after. */
  async #explain(error: unknown): Promise<never> {
    await Promise.race([sleep(CAUSE_MS), this.#interrupted]);
    throw error;
  }

  /**
   * Ends what runs: first what the demo says, then the hosts, then the scheduler.
   *
   * @param first for example cancels the run, so that its tasks stop at once
   */
  async stop(first: () => Promise<void>): Promise<(Exit & { readonly name: string })[]> {
    const children = this.#children.splice(0);
    if (children.length === 0) return [];
    await first();
    const [scheduler, ...hosts] = children;
    // A host finishes what it has at the scheduler: without one, there is nothing to wait for.
    const patienceMs = scheduler?.isRunning === true ? STOP_MS : 0;
    const stop = async (child: Child) => ({ name: child.name, ...(await child.stop(patienceMs)) });
    const ended = await Promise.all(hosts.map(stop));
    return scheduler === undefined ? ended : [...ended, await stop(scheduler)];
  }

  #removeFolder(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Nothing of it is left. */
  async end(first: () => Promise<void>): Promise<void> {
    await this.stop(first);
    this.#removeFolder();
  }
}

/** The address in the scheduler's log line that says that it has started. */
function addressIn(line: string): string | null {
  const entry: unknown = line.startsWith("{") ? JSON.parse(line) : null;
  if (typeof entry !== "object" || entry === null || !("event" in entry) || !("address" in entry)) return null;
  return entry.event === "server_started" ? String(entry.address) : null;
}
