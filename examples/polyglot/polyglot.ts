/** The demo from its first process to its last. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type RunEventInfo } from "cloaca";
import { Cast, Interrupted } from "../demo/cast.js";
import { type Check, checkLines, endedWell, failureOf } from "../demo/checks.js";
import type { Child, Command } from "../demo/children.js";
import { dataFile } from "../demo/data-file.js";
import { Follower } from "../demo/follow.js";
import { lookInside } from "../demo/live-frame.js";
import { count, hostStyle, seconds } from "../demo/look.js";
import type { Play } from "../demo/perform.js";
import type { Screen } from "../demo/screen.js";
import { timeLine } from "../demo/time-line.js";
import { Archive } from "./archive.js";
import { checksOf, type Place } from "./checks.js";
import { tableOf } from "./climate.js";
import { type ClimateInput, climate, holdFile, PLACES, TABLE_FILE } from "./climate-workflow.js";
import { programs } from "./programs.js";
import { QUESTION, reportLines } from "./report.js";

const HOSTS: readonly Place[] = Object.values(PLACES);
/** A host that is killed is missed after this long; the usual 15 s are long to watch. */
const SESSION_TTL_MS = 5_000;
/** For people to see what is about to be killed. */
const BEFORE_KILL_MS = 400;

export class Polyglot implements Play {
  readonly #cast = new Cast();
  readonly #setUp = new AbortController();
  readonly #follower: Follower;
  readonly #archive: Archive;
  readonly #children = new Map<Place, Child>();
  #programs: Readonly<Record<Place, Command>> | null = null;
  #client: Client | null = null;
  #runId = "";
  #killing: Promise<void> | null = null;

  /** @param kill the host that is killed in the middle of its task; null for none */
  constructor(
    readonly screen: Screen,
    readonly kill: Place | null,
  ) {
    this.#follower = new Follower(screen, climate, HOSTS, () => this.#cast.address);
    this.#archive = new Archive(this.#cast.folder, kill === "python" ? 2 : 1);
  }

  interrupt(signal: NodeJS.Signals): void {
    this.#cast.interrupt(new Interrupted(signal));
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
      this.screen.print([[["cloaca in three languages", "bold"], `  ${QUESTION}`], []]);
      // The first time it takes a while.
      this.#programs = await this.#cast.orInterrupted(programs(this.#setUp.signal));
      const started = performance.now();
      const checks = await this.#cast.story(this.#story());
      const tookMs = performance.now() - started;
      this.screen.print(checkLines(checks));
      const end = endedWell(await this.#cast.stop(() => this.#cancelRun()));
      this.screen.print(checkLines([end]));
      const failure = failureOf([...checks, end]);
      if (failure !== null) throw new Error(failure);
      const outlived = this.kill === null ? "" : `, ${this.kill} killed in the middle`;
      return `demo ok: ${count(climate.tasks.length, "task")} in 3 languages${outlived}, ${seconds(tookMs)}`;
    } finally {
      this.#setUp.abort();
      this.#follower.stop();
      await this.#cast.end(() => this.#cancelRun());
    }
  }

  async #story(): Promise<Check[]> {
    const { folder } = this.#cast;
    const input: ClimateInput = { dataFile: dataFile("co2-concentration.csv"), folder };
    const scheduler = await this.#cast.startScheduler("--session-ttl-ms", String(SESSION_TTL_MS));
    const { address } = this.#cast;
    this.screen.print([["  scheduler   ", [`on ${address}, process ${scheduler.pid}`, "dim"]]]);
    const client = new Client({ url: `grpc://${address}` });
    this.#client = client;
    // The graph alone: each host brings the code of one task.
    await client.register(climate);
    const ready = HOSTS.map((place) => this.#startHost(place));
    for (const child of await Promise.all(ready)) {
      const style = hostStyle(HOSTS, child.name);
      this.screen.print([["  ", [child.name.padEnd(12), style], [`one slot, process ${child.pid}`, "dim"]]]);
    }
    this.screen.print([[]]);
    const follower = this.#follower;
    for (const line of [...lookInside(address, this.screen.width), []]) follower.append(line);

    if (this.kill !== null) await writeFile(this.#hold(), "");
    this.#runId = (await client.start(climate, input)).runId;
    await follower.follow(client, this.#runId, async (batch) => {
      this.#killWhenBusy(batch);
      const sent = (): void => follower.tell(["  the archive sends the temperatures"]);
      this.#archive.look(follower.events, sent);
    });
    await Promise.all([this.#killing, this.#archive.close()]);

    const run = await client.get(this.#runId);
    const taskRuns = await client.tasks(this.#runId);
    const hosts = await client.hosts();
    const table = await readFile(join(folder, TABLE_FILE), "utf8").catch(() => "");
    const moment = follower.moment();
    follower.conclude();
    this.screen.print([
      [],
      ...timeLine(moment.tasks, HOSTS, moment.now, this.screen.width),
      [],
      ...reportLines(tableOf(table)),
      [],
    ]);
    const { answeredAfter } = this.#archive;
    return checksOf({ run, taskRuns, events: follower.events, hosts, answeredAfter, input, killed: this.kill });
  }

  async #startHost(place: Place): Promise<Child> {
    if (this.#programs === null) throw new Error("its program is not known yet");
    const [program, ...args] = this.#programs[place];
    const child = this.#cast.start(place, [program, ...args, `grpc://${this.#cast.address}`]);
    this.#children.set(place, child);
    await child.says("ready");
    return child;
  }

  /** In the middle of its task: while that runs, and in Python while it is deferred. */
  #killWhenBusy(batch: readonly RunEventInfo[]): void {
    const { kill } = this;
    if (kill === null) return;
    const when = kill === "python" ? "TASK_DEFERRED" : "TASK_LEASED";
    if (batch.some(({ type, hostId }) => type === when && hostId === kill)) this.#killing ??= this.#killHost(kill);
  }

  /** As by the system, which starts it again. */
  async #killHost(place: Place): Promise<void> {
    await sleep(BEFORE_KILL_MS);
    const child = this.#children.get(place);
    if (child === undefined) return;
    await this.#cast.kill(child);
    await rm(this.#hold());
    this.#follower.tell([["  ✗ ", "red"], `the host in ${place}, process ${child.pid}, is killed, and started again`]);
    const again = await this.#startHost(place);
    this.#follower.tell([["  ✓ ", "green"], `the host in ${place} is back, process ${again.pid}`]);
  }

  /** Holds the task whose host is about to be killed. */
  #hold(): string {
    const task = Object.entries(PLACES).find(([, place]) => place === this.kill)?.[0] ?? "";
    return join(this.#cast.folder, holdFile(task));
  }

  /** So that its tasks stop at once. */
  async #cancelRun(): Promise<void> {
    await this.#client?.cancel(this.#runId, "the demo ends").catch(() => {});
    this.#client?.close();
  }
}
