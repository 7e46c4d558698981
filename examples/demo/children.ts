/** The processes of the demo: started, waited for, ended by their ids. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

const STDERR_LINES = 5;

export class Child {
  readonly pid: number;
  readonly ended: Promise<Exit>;
  readonly #process: ChildProcess;
  readonly #stderr: string[] = [];
  #isStopping = false;

  /** @param died hears when the process ends without having been told to */
  constructor(
    readonly name: string,
    [program, ...args]: Command,
    died: (error: Error) => void,
  ) {
    // A process group of its own: Ctrl-C reaches this process alone, which then ends its children in the right order. Its
    // standard input ends with this process: a host that reads it knows that nobody needs it any more.
    this.#process = spawn(program, args, { detached: true, stdio: ["pipe", "pipe", "pipe"] });
    this.#process.stdin?.on("error", () => {});
    this.pid = this.#process.pid ?? 0;
    if (this.#process.stderr !== null) {
      createInterface(this.#process.stderr).on("line", (line) => {
        this.#stderr.push(line);
        if (this.#stderr.length > STDERR_LINES) this.#stderr.shift();
      });
    }
    this.ended = new Promise((resolve) => {
      this.#process.on("error", (error) => died(new Error(`${name} could not be started: ${error.message}`)));
      this.#process.on("close", (code, signal) => {
        resolve({ code, signal });
        if (!this.#isStopping) died(new Error(`${name} ended unexpectedly, ${this.#words({ code, signal })}`));
      });
    });
  }

  /** Resolves with what `read` makes of the first line of output for which it is not null. */
  line<T>(read: (line: string) => T | null): Promise<T> {
    return new Promise((resolve) => {
      if (this.#process.stdout === null) return;
      createInterface(this.#process.stdout).on("line", (line) => {
        const found = read(line);
        if (found !== null) resolve(found);
      });
    });
  }

  /** Resolves when the process has written this line. */
  says(wanted: string): Promise<true> {
    return this.line((line) => line === wanted || null);
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Asks the process to end, and kills it when it has not done so in time. */
  async stop(patienceMs: number): Promise<Exit> {
    this.#isStopping = true;
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), patienceMs);
    const exit = await this.ended;
    clearTimeout(timer);
    return exit;
  }

  /** At once, for when there is no time left. */
  kill(): void {
    this.#isStopping = true;
    this.#process.kill("SIGKILL");
  }

  #words({ code, signal }: Exit): string {
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    return this.#stderr.length === 0 ? how : `${how}: ${this.#stderr.join(" · ")}`;
  }
}
