/** Where a case is played: the scripted scheduler, the host's program, and files that its tasks wait for. */
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, type LeaseFields, type Said, VERSION, type WelcomeChanges } from "./connection.js";
import type { Program, StartProgram } from "./host-program.js";
import { CaseFailure, must, sleep } from "./patience.js";
import { ScriptedScheduler } from "./scripted-scheduler.js";

export interface StageOptions {
  readonly start: StartProgram;
  /** Longest wait for anything that the host owes, in milliseconds. */
  readonly patienceMs: number;
}

/** How a connection is ended. */
export type Cut = "reset" | "end" | "unavailable";

const UNAVAILABLE = 14;
/** A while in which a host that does what it must not would have done it, in milliseconds. */
export const QUIET_MS = 150;

/** A lease that a case has given to the host. */
export interface Given {
  readonly id: string;
  /** Words that its task wrote to the trace, in their order. */
  trace(): string[];
  /** Resolves when the trace has so many of a word. */
  traced(word: string, times?: number): Promise<void>;
  /** The lease again, as it was. */
  readonly fields: LeaseFields;
}

let stages = 0;

export class Stage {
  readonly hostId = `conformance-${process.pid}-${++stages}`;
  readonly #directory = mkdtempSync(join(tmpdir(), "cloaca-conformance-"));
  program: Program | null = null;
  #current: Connection | null = null;
  /** Whether the next case can go on with the connection that is there. */
  #isUsual = true;
  #isStarting = false;
  #sessionId = "";
  #sessions = 0;
  #generation = 0;
  #names = 0;
  #given: string[] = [];

  private constructor(
    public scheduler: ScriptedScheduler,
    readonly options: StageOptions,
  ) {}

  static async open(options: StageOptions): Promise<Stage> {
    mkdirSync(tmpdir(), { recursive: true });
    return new Stage(await ScriptedScheduler.start(options.patienceMs), options);
  }

  async close(): Promise<void> {
    await this.stopProgram();
    await this.scheduler.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  startProgram(): Program {
    this.#isStarting = true;
    this.program = this.options.start({ address: this.scheduler.address, hostId: this.hostId });
    return this.program;
  }

  /** Ends the program at once. The next one meets a new scheduler, where nothing that the old one has sent can arrive late. */
  async stopProgram(): Promise<void> {
    this.#current = null;
    if (this.program === null) return;
    await this.program.kill();
    this.program = null;
    await this.scheduler.stop();
    this.scheduler = await ScriptedScheduler.start(this.options.patienceMs);
  }

  /** A connection that is welcomed as usual: the one that is there, or that of a new program. */
  async connection(): Promise<Connection> {
    if (this.#current !== null && !this.#current.isOver) {
      this.#current.receipting = true;
      this.#current.acking = true;
      return this.#current;
    }
    if (this.program === null) this.startProgram();
    return await this.welcomed();
  }

  /** A connection whose Welcome is not as usual: what is there is ended for it. */
  async connectionWith(changes: WelcomeChanges): Promise<Connection> {
    if (this.program === null) this.startProgram();
    else if (this.#current !== null && !this.#current.isOver) await this.cut("end");
    return await this.welcomed(changes);
  }

  /** The next connection that says Hello, not welcomed. */
  async hello(what = "the host's Hello"): Promise<Connection> {
    // A program that has just been started may take its time.
    const arrived = this.scheduler.connection(what, this.options.patienceMs * (this.#isStarting ? 4 : 1));
    const exited = this.program?.exited.then((code): never => {
      throw new CaseFailure(`the program ended with ${code} while it owed ${what}\n${this.program?.output() ?? ""}`);
    });
    return await Promise.race([arrived, exited ?? arrived]);
  }

  /** The next connection, welcomed to its session, or to a new one when it names none. */
  async welcomed(changes: WelcomeChanges = {}): Promise<Connection> {
    const connection = await this.hello();
    this.welcome(connection, changes);
    return connection;
  }

  welcome(connection: Connection, changes: WelcomeChanges = {}): void {
    const isKnown = this.#sessionId !== "" && connection.hello?.resumeToken === `secret of ${this.#sessionId}`;
    if (!isKnown || changes.resumed === false) {
      this.#sessionId = `session-${++this.#sessions}`;
      this.#generation = 0;
    }
    const verdicts = (connection.hello?.heldLeases ?? []).map(({ leaseId }) => ({ leaseId, state: 7 }));
    connection.welcome(this.#sessionId, ++this.#generation, { verdicts, ...changes });
    this.#isUsual = ["ttlMs", "heartbeatIntervalMs", "limits"].every((name) => !(name in changes));
    this.#current = connection;
    this.#isStarting = false;
  }

  /** Ends the connection; what the host says on it afterwards is not heard. */
  async cut(how: Cut): Promise<void> {
    const connection = this.#current;
    this.#current = null;
    if (connection === null || connection.isOver) return;
    if (how === "reset") this.scheduler.proxy.reset();
    else if (how === "end") connection.call.end();
    else connection.call.emit("error", Object.assign(new Error("going away"), { code: UNAVAILABLE, details: "cut" }));
    connection.isOver = true;
    await sleep(0);
  }

  /** Path of a file that is not there. */
  file(): string {
    return join(this.#directory, `file-${++this.#names}`);
  }

  make(file: string): void {
    appendFileSync(file, "");
  }

  /** A lease of a task of the workflow `conformance`, not said yet. */
  lease(task: string, input: Readonly<Record<string, unknown>> = {}, more: LeaseFields = {}): Given {
    const id = `lease-${++this.#names}`;
    this.#given.push(id);
    const trace = join(this.#directory, `trace-${this.#names}`);
    const texts = Object.entries({ ...input, trace }).map(([key, value]) => [key, JSON.stringify(value)] as const);
    const { input: raw = {}, ...rest } = more;
    const fields: LeaseFields = {
      leaseId: id,
      runId: `run-${id}`,
      workflow: "conformance",
      workflowVersion: VERSION,
      task,
      taskRunId: `run-${id}/${task}`,
      attempt: 1,
      fence: 1n,
      namespace: "default",
      input: { ...Object.fromEntries(texts), ...raw },
      ...rest,
    };
    const words = (): string[] => {
      if (!existsSync(trace)) return [];
      const lines = readFileSync(trace, "utf8").split("\n").filter(Boolean);
      return lines.map((line) => line.split(" ")[0] ?? "");
    };
    const traced = async (word: string, times = 1): Promise<void> => {
      const end = performance.now() + this.options.patienceMs;
      while (words().filter((w) => w === word).length < times) {
        must(performance.now() < end, `waited in vain for "${word}" in the trace of task "${task}" (lease ${id})`);
        await sleep(5);
      }
    };
    return { id, fields, trace: words, traced };
  }

  /** Gives a lease to the host. */
  give(
    connection: Connection,
    task: string,
    input: Readonly<Record<string, unknown>> = {},
    more: LeaseFields = {},
  ): Given {
    const given = this.lease(task, input, more);
    connection.say({ case: "lease", value: given.fields });
    return given;
  }

  /** Between two cases: whatever is left of the leases is not the host's any more, and nothing is owed. */
  async tidy(): Promise<void> {
    const given = this.#given.splice(0);
    if (this.#current === null || this.#current.isOver) return;
    let last = 0n;
    for (const { seq } of this.#current.heard) if (seq > last) last = seq;
    this.#current.receipts(last);
    this.#current.say(...given.map((leaseId): Said => ({ case: "revoked", value: { leaseId } })));
    if (!this.#isUsual) await this.cut("end");
  }

  /** Resolves when the host has shown that it still does its work, and so has read all that was said before. */
  async works(connection: Connection): Promise<void> {
    const given = this.give(connection, "echo", { value: 1 });
    const { value } = await connection.next("complete", given.id);
    must(value.patch?.set["echoed"] === "1", "an echo in between did not come back");
  }
}
