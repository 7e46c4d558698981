/** What a command has of the process that it runs in. */
import type { Command } from "commander";
import type { Output } from "./terminal/screen.js";

export interface Io {
  readonly out: Output;
  readonly err: Output;
  readonly env: NodeJS.ProcessEnv;
  /** Says with which code the process ends once the command is done. */
  exit(code: number): void;
}

export const processIo: Io = {
  out: process.stdout,
  err: process.stderr,
  env: process.env,
  exit: (code) => {
    process.exitCode = code;
  },
};

const ios = new WeakMap<Command, Io>();

/** Says what a program, and all its commands, work with. */
export function setIo(program: Command, io: Io): void {
  ios.set(program, io);
}

export function ioOf(command: Command): Io {
  return ios.get(command) ?? (command.parent === null ? processIo : ioOf(command.parent));
}
