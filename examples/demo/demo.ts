/** The demo from its first process to its last. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "cloaca";
import { Cast, Interrupted } from "./cast.js";
import { type Check, checkLines, checksOf, endedWell, failureOf } from "./checks.js";
import { dataFile } from "./data-file.js";
import { Follower } from "./follow.js";
import { lookInside } from "./live-frame.js";
import { count, hostStyle, seconds } from "./look.js";
import { NewYorkOffice } from "./new-york-office.js";
import type { Line } from "./paint.js";
import type { Play } from "./perform.js";
import { type RainInput, REPORT_FILE, rain } from "./rain-workflow.js";
import { QUESTION } from "./report.js";
import { handOversOf } from "./run-view.js";
import type { Screen } from "./screen.js";
import { timeLine } from "./time-line.js";

const HOSTS = ["host-a", "host-b"];

const TITLE = ["cloaca demo", "bold"] as const;
const KEEP_HINT = "npm run demo -- --keep leaves it running, to look inside with grpcurl";

export class Demo implements Play {
  readonly #started = performance.now();
  readonly #cast = new Cast();
  readonly #follower: Follower;
  #client: Client | null = null;
  #runId = "";
  #isKept = false;
  #letGo: () => void = () => {};

  /** @param keep leave everything running at the end, until an interrupt */
  constructor(
    readonly screen: Screen,
    readonly keep: boolean,
  ) {
    this.#follower = new Follower(screen, rain, HOSTS, () => this.#cast.address);
  }

  /** What was left running for people to look at just ends. */
  interrupt(signal: NodeJS.Signals): void {
    if (this.#isKept) this.#letGo();
    else this.#cast.interrupt(new Interrupted(signal));
  }

  killAll(): void {
    this.#cast.killAll();
  }

  /**
   * @returns the verdict
   * @throws what went wrong; Interrupted
   */
  async run(): Promise<string> {
    try {
      const checks = await this.#cast.story(this.#story());
      const tookMs = performance.now() - this.#started;
      this.screen.print(checkLines(checks));
      if (this.keep) await this.#cast.orInterrupted(this.#keep());
      const end = endedWell(await this.#cast.stop(() => this.#cancelRun()));
      this.screen.print(checkLines([end]));
      if (!this.keep) this.screen.print([[], ["  ", [KEEP_HINT, "dim"]]]);
      const failure = failureOf([...checks, end]);
      if (failure !== null) throw new Error(failure);
      return this.#verdict(tookMs);
    } finally {
      this.#follower.stop();
      await this.#cast.end(() => this.#cancelRun());
    }
  }

  async #story(): Promise<Check[]> {
    const input: RainInput = { dataFile: dataFile("weather.csv"), folder: this.#cast.folder };
    const office = new NewYorkOffice(input);
    const fits = this.screen.width > 60;
    this.screen.print(fits ? [[TITLE, `  ${QUESTION}`], []] : [[TITLE], [QUESTION], []]);
    const scheduler = await this.#cast.startScheduler();
    const { address } = this.#cast;
    this.screen.print([["  scheduler  ", [`on ${address}, process ${scheduler.pid}`, "dim"]]]);
    await this.#startHosts();
    this.screen.print([[]]);
    const follower = this.#follower;
    for (const line of [...lookInside(address, this.screen.width), []]) follower.append(line);
    const client = new Client({ url: `grpc://${address}` });
    this.#client = client;
    this.#runId = (await client.start(rain, input)).runId;
    await follower.follow(client, this.#runId, async () => {
      const days = await office.look(follower.events);
      if (days !== null) follower.append([`New York sends its file, ${days.toLocaleString("en-US")} days`]);
    });
    const run = await client.get(this.#runId);
    const taskRuns = await client.tasks(this.#runId);
    const report = await readFile(join(this.#cast.folder, REPORT_FILE), "utf8").catch(() => "there is no report\n");
    const moment = follower.moment();
    follower.conclude();
    this.screen.print([
      [],
      ...timeLine(moment.tasks, HOSTS, moment.now, this.screen.width),
      [],
      ...report.trimEnd().split("\n").map(reportLine),
      [],
    ]);
    const { answeredAfter } = office;
    return checksOf({ run, taskRuns, events: follower.events, hosts: HOSTS, answeredAfter, input });
  }

  async #startHosts(): Promise<void> {
    const file = fileURLToPath(new URL("./host.js", import.meta.url));
    const started = HOSTS.map((host) => {
      const child = this.#cast.start(host, [process.execPath, file, `grpc://${this.#cast.address}`, host]);
      return { host, child, ready: child.says("ready") };
    });
    for (const { host, child, ready } of started) {
      await ready;
      this.screen.print([["  ", [host.padEnd(11), hostStyle(HOSTS, host)], [`one slot, process ${child.pid}`, "dim"]]]);
    }
  }

  /** Leaves the scheduler and the hosts running, for people to look at. */
  async #keep(): Promise<void> {
    const { address } = this.#cast;
    this.screen.print([
      [],
      [["still running, until Ctrl-C:", "bold"]],
      ...lookInside(address, this.screen.width),
      [`  grpcurl -plaintext -d '{"run_id": "${this.#runId}"}' ${address} \\`],
      ["    cloaca.v1.RunService/ListTaskRuns"],
      [],
    ]);
    await new Promise<void>((resolve) => {
      this.#isKept = true;
      this.#letGo = resolve;
    });
    this.#isKept = false;
  }

  /** So that its tasks stop at once. */
  async #cancelRun(): Promise<void> {
    await this.#client?.cancel(this.#runId, "the demo ends").catch(() => {});
    this.#client?.close();
  }

  #verdict(tookMs: number): string {
    const handOvers = handOversOf(this.#follower.events);
    const reused = handOvers.reduce((sum, { reusedBy }) => sum + reusedBy.length, 0);
    const facts = [
      count(rain.tasks.length, "task"),
      count(handOvers.length, "deferral"),
      `slot reused by ${count(reused, "task")}`,
      seconds(tookMs),
    ];
    return `demo ok: ${facts.join(", ")}`;
  }
}

function reportLine(text: string, index: number): Line {
  if (index === 0) return ["  ", [text, "bold"]];
  const bars = text.split(/(▇+)/);
  return ["  ", ...bars.map((part) => (part.startsWith("▇") ? ([part, "blue"] as const) : part))];
}
