/** Why a command ended without what it was asked for, and what to do about it. How other errors are told: `told-error.ts`. */
import { EXIT, type ExitCode } from "./exit-code.js";

/** A command to run next, and what it is for. */
export interface Hint {
  readonly what: string;
  /** Without the flags that say which scheduler: they are added. `cloaca` comes first. */
  readonly command: string;
}

export interface CommandErrorOptions {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly hints: readonly Hint[];
}

/** An error of the command itself. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: ExitCode;
  /** Stable, in upper snake case, like those of the scheduler. */
  readonly code: string;
  readonly hints: readonly Hint[];

  constructor(message: string, { exitCode, code, hints }: CommandErrorOptions) {
    super(message);
    this.exitCode = exitCode;
    this.code = code;
    this.hints = hints;
  }

  /** The command line is wrong. */
  static usage(message: string, command: string): CommandError {
    const hints = [{ what: "see how it is used", command: `cloaca ${command} --help`.replace("  ", " ") }];
    return new CommandError(message, { exitCode: EXIT.usage, code: "USAGE", hints });
  }
}
