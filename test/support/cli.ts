/** `cloaca` against a scheduler and a host, both processes of their own. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { runCli } from "../../cli/src/run-cli.js";
import { type Ended, type Program, runProgram } from "./program.js";
import { SchedulerProcess } from "./scheduler-process.js";

export const CLOACA = "cli/bin/cloaca.js";
const HOST = fileURLToPath(new URL("../hosts/cli-host.mjs", import.meta.url));

/** Runs the command to its end, in this process: a new one each time would take a second. */
export async function cloaca(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const [out, err]: [string[], string[]] = [[], []];
  let code: number | null = null;
  await runCli(args, {
    out: { write: (text) => out.push(text) },
    err: { write: (text) => err.push(text) },
    env,
    exit: (value) => {
      code = value;
    },
  });
  return { code, stdout: out.join(""), stderr: err.join("") };
}

/** The same in a process of its own. Settings of whoever runs the tests are not theirs. */
export function startCloaca(args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  return runProgram(CLOACA, args, { CLOACA_ADDRESS: "", CLOACA_NAMESPACE: "", ...env });
}

/** A scheduler with `test/hosts/cli-host.mjs`, and the command for it. */
export class CliWorld {
  private constructor(
    readonly scheduler: SchedulerProcess,
    readonly host: ChildProcess,
  ) {}

  static async start(): Promise<CliWorld> {
    const scheduler = await SchedulerProcess.start("memory:");
    const host = fork(HOST, [scheduler.address], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const world = new CliWorld(scheduler, host);
    await world.heard("ready");
    return world;
  }

  get env(): NodeJS.ProcessEnv {
    return { CLOACA_ADDRESS: this.scheduler.address };
  }

  /** The output of a command that should end well. */
  async out(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await cloaca(args, this.env);
    if (code !== 0 || stderr !== "") throw new Error(`cloaca ${args.join(" ")}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** What `--json` prints. */
  async json<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.out(...args, "--json")) as T;
  }

  /** What a command says that should not end well. */
  async refused(...args: readonly string[]): Promise<Ended> {
    return cloaca(args, this.env);
  }

  /** Starts a run; returns its id. */
  async start(workflow: string, ...args: readonly string[]): Promise<string> {
    return (await this.json<{ runId: string }>("run", workflow, ...args)).runId;
  }

  /** Tells the host something, and waits until it has heard. */
  async tell(message: "mend" | "go on"): Promise<void> {
    const heard = this.heard(`did ${message}`);
    this.host.send(message);
    await heard;
  }

  async stop(): Promise<void> {
    const exit = once(this.host, "exit");
    this.host.kill("SIGKILL");
    await exit;
    await this.scheduler.end("SIGKILL");
  }

  private async heard(message: string): Promise<void> {
    for (;;) {
      const [heard] = await once(this.host, "message");
      if (heard === message) return;
    }
  }
}
