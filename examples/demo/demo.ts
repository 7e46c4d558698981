/** The demo from its first process to its last. */
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { constants, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client, type RunEventInfo } from "cloaca";
import { type Check, checksOf, endedWell } from "./checks.js";
import { Child } from "./children.js";
import { liveFrame, lookInside, type Moment, taskLines } from "./live-frame.js";
import { hostStyle, seconds } from "./look.js";
import { narrate } from "./narrate.js";
import { NewYorkOffice } from "./new-york-office.js";
import type { Line } from "./paint.js";
import { type RainInput, REPORT_FILE, rain } from "./rain-workflow.js";
import { QUESTION } from "./report.js";
import { handOversOf, tasksOf } from "./run-view.js";
import type { Screen } from "./screen.js";
import { timeLine } from "./time-line.js";

const HOSTS = ["host-a", "host-b"];
const FRAME_MS = 100;
/** The demo takes about 5 seconds; after this long, something is wrong. */
const PATIENCE_MS = 60_000;
/** How long a child may take to end in order before it is killed. */
const STOP_MS = 4_000;
/** How long the end of a process may take to be told after its connections are gone. */
const CAUSE_MS = 1_000;

const TITLE = ["cloaca demo", "bold"] as const;
const KEEP_HINT = "npm run demo -- --keep leaves it running, to look inside with grpcurl";

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

export class Demo {
  readonly #started = performance.now();
  readonly #startedAt = Date.now();
  readonly #children: Child[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), "cloaca-demo-"));
  readonly #events: RunEventInfo[] = [];
  #client: Client | null = null;
  #address = "";
  #runId = "";
  #interrupt: (error: Error) => void = () => {};
  readonly #interrupted = new Promise<never>((_, reject) => {
    this.#interrupt = reject;
  });
  #isKept = false;
  #isOver = false;
  #letGo: () => void = () => {};

  constructor(readonly screen: Screen) {
    // It is raced against what goes on; when that is over, nobody listens.
    this.#interrupted.catch(() => {});
  }

  /** Ends the demo in order, children first. What was left running for people to look at just ends. */
  interrupt(signal: NodeJS.Signals): void {
    if (this.#isKept) this.#letGo();
    else this.#interrupt(new Interrupted(signal));
  }

  /** For when there is no time left for order. */
  killAll(): void {
    for (const child of this.#children) child.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /**
   * @param keep leave everything running at the end, until an interrupt
   * @returns the verdict
   * @throws what went wrong; Interrupted
   */
  async run(keep: boolean): Promise<string> {
    const timer = setTimeout(() => {
      this.#interrupt(new Error(`the run has not ended within ${PATIENCE_MS / 1000} s`));
    }, PATIENCE_MS);
    try {
      const checks = await this.#orInterrupted(this.#story()).catch((error: unknown) => this.#explain(error));
      const tookMs = performance.now() - this.#started;
      clearTimeout(timer);
      this.#tell(checks);
      if (keep) await this.#orInterrupted(this.#keep());
      const end = endedWell(await this.#stop());
      this.#tell([end]);
      if (!keep) this.screen.print([[], ["  ", [KEEP_HINT, "dim"]]]);
      const failed = [...checks, end].filter(({ ok }) => !ok);
      if (failed.length > 0) throw new Error(failed.map(({ found }) => found).join("; "));
      return this.#verdict(tookMs);
    } finally {
      clearTimeout(timer);
      this.#isOver = true;
      this.screen.settle();
      await this.#stop();
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  async #story(): Promise<Check[]> {
    const input: RainInput = { dataFile: weatherFile(), folder: this.#folder };
    const office = new NewYorkOffice(input);
    const fits = this.screen.width > 60;
    this.screen.print(fits ? [[TITLE, `  ${QUESTION}`], []] : [[TITLE], [QUESTION], []]);
    await this.#startScheduler();
    await this.#startHosts();
    this.screen.print([[]]);
    for (const line of lookInside(this.#address, this.screen.width)) this.#append(line);
    this.#append([]);
    const client = new Client({ url: `grpc://${this.#address}` });
    this.#client = client;
    this.#runId = (await client.start(rain, input)).runId;
    await this.#follow(client, office);
    const run = await client.get(this.#runId);
    const taskRuns = await client.tasks(this.#runId);
    const report = await readFile(join(this.#folder, REPORT_FILE), "utf8").catch(() => "there is no report\n");
    const moment = this.#moment();
    if (this.screen.isLive) this.screen.replace(taskLines(moment, this.screen.width));
    this.screen.print([
      [],
      ...timeLine(moment.tasks, HOSTS, moment.now, this.screen.width),
      [],
      ...report.trimEnd().split("\n").map(reportLine),
      [],
    ]);
    const { answeredAfter } = office;
    return checksOf({ run, taskRuns, events: this.#events, hosts: HOSTS, answeredAfter, input });
  }

  async #startScheduler(): Promise<void> {
    const bin = join(dirname(createRequire(import.meta.url).resolve("cloaca/package.json")), "bin/cloaca.js");
    const store = `sqlite://${join(this.#folder, "cloaca.db")}`;
    const args = [bin, "server", "--address", "127.0.0.1:0", "--store", store, "--log-format", "json"];
    const scheduler = this.#startChild("scheduler", args);
    this.#address = await scheduler.line(addressIn);
    this.screen.print([["  scheduler  ", [`on ${this.#address}, process ${scheduler.pid}`, "dim"]]]);
  }

  async #startHosts(): Promise<void> {
    const file = fileURLToPath(new URL("./host.js", import.meta.url));
    const started = HOSTS.map((host) => {
      const child = this.#startChild(host, [file, `grpc://${this.#address}`, host]);
      return { host, child, ready: child.message("ready") };
    });
    for (const { host, child, ready } of started) {
      await ready;
      this.screen.print([["  ", [host.padEnd(11), hostStyle(HOSTS, host)], [`one slot, process ${child.pid}`, "dim"]]]);
    }
  }

  #startChild(name: string, args: readonly string[]): Child {
    const child = new Child(name, args, (error) => this.#interrupt(error));
    this.#children.push(child);
    return child;
  }

  /** From the run's first event to its last; meanwhile the screen shows how it stands. */
  async #follow(client: Client, office: NewYorkOffice): Promise<void> {
    const draw = (): void => {
      if (!this.#isOver) this.screen.draw(liveFrame(this.#moment(), this.screen.width, this.screen.height));
    };
    const timer = setInterval(draw, FRAME_MS);
    try {
      for await (const { events } of client.watch({ runId: this.#runId })) {
        if (this.#isOver) return;
        for (const event of events) {
          this.#events.push(event);
          const line = narrate(event, this.#moment(), event.at.getTime() - this.#startedAt);
          if (line !== null) this.#append(line);
        }
        draw();
        const days = await office.look(this.#events);
        if (days !== null) this.#append([`New York sends its file, ${days.toLocaleString("en-US")} days`]);
      }
    } finally {
      clearInterval(timer);
    }
  }

  #moment(): Moment {
    return {
      tasks: tasksOf(
        rain.tasks.map(({ id }) => id),
        this.#events,
      ),
      handOvers: handOversOf(this.#events),
      hosts: HOSTS,
      dependencies: new Map(rain.tasks.map(({ id, dependencies }) => [id, dependencies])),
      now: Date.now(),
      address: this.#address,
    };
  }

  /** A line of what happened, where nothing is drawn. */
  #append(line: Line): void {
    if (!this.screen.isLive) this.screen.print([line]);
  }

  #tell(checks: readonly Check[]): void {
    this.screen.print(
      checks.map(({ ok, found }): Line => ["  ", ok ? ["✓ ", "green"] : ["✗ ", "red"], ok ? found : [found, "red"]]),
    );
  }

  /** Leaves the scheduler and the hosts running, for people to look at. */
  async #keep(): Promise<void> {
    this.screen.print([
      [],
      [["still running, until Ctrl-C:", "bold"]],
      ...lookInside(this.#address, this.screen.width),
      [`  grpcurl -plaintext -d '{"run_id": "${this.#runId}"}' ${this.#address} \\`],
      ["    cloaca.v1.RunService/ListTaskRuns"],
      [],
    ]);
    await new Promise<void>((resolve) => {
      this.#isKept = true;
      this.#letGo = resolve;
    });
    this.#isKept = false;
  }

  #orInterrupted<T>(work: Promise<T>): Promise<T> {
    // When it is interrupted, what it was doing fails as well, and nobody asks any more.
    work.catch(() => {});
    return Promise.race([work, this.#interrupted]);
  }

  /** A call that failed because a process is gone is not the cause: that is told soon after. */
  async #explain(error: unknown): Promise<never> {
    await Promise.race([sleep(CAUSE_MS), this.#interrupted]);
    throw error;
  }

  /** Ends what runs: the run, so that its tasks stop at once, then the hosts, then the scheduler. */
  async #stop(): Promise<{ name: string; code: number | null; signal: NodeJS.Signals | null }[]> {
    const children = this.#children.splice(0);
    if (children.length === 0) return [];
    await this.#client?.cancel(this.#runId, "the demo ends").catch(() => {});
    this.#client?.close();
    const [scheduler, ...hosts] = children;
    // A host finishes what it has at the scheduler: without one, there is nothing to wait for.
    const patienceMs = scheduler?.isRunning === true ? STOP_MS : 0;
    const stop = async (child: Child) => ({ name: child.name, ...(await child.stop(patienceMs)) });
    const ended = await Promise.all(hosts.map(stop));
    return scheduler === undefined ? ended : [...ended, await stop(scheduler)];
  }

  #verdict(tookMs: number): string {
    const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
    const handOvers = handOversOf(this.#events);
    const reused = handOvers.reduce((sum, { reusedBy }) => sum + reusedBy.length, 0);
    const facts = [
      count(this.#moment().tasks.length, "task"),
      count(handOvers.length, "deferral"),
      `slot reused by ${count(reused, "task")}`,
      seconds(tookMs),
    ];
    return `demo ok: ${facts.join(", ")}`;
  }
}

/** The address in the scheduler's log line that says that it has started. */
function addressIn(line: string): string | null {
  const entry: unknown = line.startsWith("{") ? JSON.parse(line) : null;
  if (typeof entry !== "object" || entry === null || !("event" in entry) || !("address" in entry)) return null;
  return entry.event === "server_started" ? String(entry.address) : null;
}

/** The weather of the npm package vega-datasets. */
function weatherFile(): string {
  return fileURLToPath(new URL("../data/weather.csv", import.meta.resolve("vega-datasets")));
}

function reportLine(text: string, index: number): Line {
  if (index === 0) return ["  ", [text, "bold"]];
  const bars = text.split(/(▇+)/);
  return ["  ", ...bars.map((part) => (part.startsWith("▇") ? ([part, "blue"] as const) : part))];
}
