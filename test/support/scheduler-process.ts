import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const CLOACA = fileURLToPath(new URL("../../cli/bin/cloaca.js", import.meta.url));

export interface LogLine {
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface Ended {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `cloaca server` in a process of its own; its log lines can be awaited. */
export class SchedulerProcess {
  readonly logs: LogLine[] = [];
  readonly ended: Promise<Ended>;
  readonly child: ChildProcess;
  #wake = new Set<() => void>();
  #isOver = false;

  private constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, [CLOACA, ...args], {
      env: { ...withoutSettings(process.env), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const out: string[] = [];
    const err: string[] = [];
    const { stdout, stderr } = this.child;
    if (stdout === null || stderr === null) throw new Error("the process has no output");
    createInterface({ input: stdout }).on("line", (line) => {
      out.push(line);
      if (line.startsWith("{")) this.logs.push(JSON.parse(line) as LogLine);
      this.#wakeAll();
    });
    stderr.on("data", (chunk: Buffer) => err.push(chunk.toString("utf8")));
    this.ended = once(this.child, "close").then(([code, signal]) => {
      this.#isOver = true;
      this.#wakeAll();
      return { code, signal, stdout: out.join("\n"), stderr: err.join("") } as Ended;
    });
  }

  /** A scheduler that listens on a free port of loopback. */
  static start(store: string, ...more: readonly string[]): Promise<SchedulerProcess> {
    return SchedulerProcess.startWith(store, more, {});
  }

  /** The same with something in its environment. */
  static async startWith(
    store: string,
    more: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<SchedulerProcess> {
    const scheduler = new SchedulerProcess(["server", "--address", "127.0.0.1:0", "--store", store, ...more], env);
    await scheduler.log("server_started");
    return scheduler;
  }

  /** Runs the command with arguments that should end it. */
  static run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const { child, ended } = new SchedulerProcess(args, env);
    // Were it to run after all, the test would hang and say nothing.
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    return ended.finally(() => clearTimeout(timer));
  }

  get address(): string {
    return String(this.logs.find((line) => line.event === "server_started")?.["address"]);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** The first log line of an event that fits, as soon as it is there. */
  async log(event: string, fits: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    for (;;) {
      const line = this.logs.find((l) => l.event === event && fits(l));
      if (line !== undefined) return line;
      if (this.#isOver) throw new Error(`it ended without logging ${event}: ${JSON.stringify(await this.ended)}`);
      await new Promise<void>((resolve) => this.#wake.add(resolve));
    }
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }

  #wakeAll(): void {
    for (const wake of this.#wake) wake();
    this.#wake.clear();
  }
}

/** Settings of whoever runs the tests are not theirs. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("CLOACA_")));
}
