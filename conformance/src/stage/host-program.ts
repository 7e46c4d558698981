/** The program under test: a process that a command starts, or a host inside this process for the kit's own tests. */
import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Program {
  readonly exited: Promise<number | null>;
  /** Asks it to drain, as SIGTERM does. */
  terminate(): void;
  /** Ends it at once. */
  kill(): Promise<void>;
  /** What it wrote last, for people. */
  output(): string;
}

export interface ProgramPlace {
  readonly address: string;
  readonly hostId: string;
}

export type StartProgram = (place: ProgramPlace) => Program;

const OUTPUT_KEPT = 4_000;

/** Starts a command line in a shell and a process group of its own, so that whatever it starts ends with it. */
export function commandProgram(command: string): StartProgram {
  return ({ address, hostId }) => {
    // `exec` makes a plain program the shell's successor: its exit code is its own, and no shell dies of SIGTERM before it.
    const line = /[;&|<>()]/.test(command) ? command : `exec ${command}`;
    const child = spawn("/bin/sh", ["-c", line], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, CLOACA_ADDRESS: address, CLOACA_HOST_ID: hostId },
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (bytes: Buffer) => {
        text = (text + bytes.toString("utf8")).slice(-OUTPUT_KEPT);
      });
    }
    child.on("error", (error) => {
      text += error.message;
    });
    const exited = once(child, "exit").then(
      ([code]) => (typeof code === "number" ? code : null),
      () => null,
    );
    const signal = (name: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // It has ended.
      }
    };
    return {
      exited,
      terminate: () => signal("SIGTERM"),
      kill: async () => {
        signal("SIGKILL");
        await exited;
      },
      output: () => text,
    };
  };
}
