/** The command line: every command, its help and its errors. */
import { Command, type OutputConfiguration } from "commander";
import { closest, distance } from "fastest-levenshtein";
import { CommandError, type Hint } from "./command-error.js";
import { EXIT } from "./exit-code.js";
import { type Io, processIo, setIo } from "./io.js";
import { toJson } from "./json/raw-json.js";
import { withSettings } from "./settings.js";
import { styled } from "./terminal/help-style.js";
import { VERSION } from "./version.js";

/** Commands, under the title that help gives them. */
export type CommandGroup = readonly [title: string, commands: readonly Command[]];

const AFTER = `
A run is named by its id, by the beginning of it where no other begins alike, or
by last: the newest one.

Exit codes:
  0    it went well
  1    the run that was waited for or watched failed or was cancelled;
       an audit found something; the scheduler could not start
  2    the command line, the environment or an input is wrong
  3    the scheduler refused, or what was named is not there
  4    no scheduler answers
  130  Ctrl-C

Examples:
  cloaca server --store sqlite://runs.db
  cloaca run hello --context name=world --wait
  cloaca watch last
  cloaca explain last`;

/** @param server that of the commands which runs a scheduler */
export function makeProgram(groups: readonly CommandGroup[], server: Command, io: Io = processIo): Command {
  const program = new Command("cloaca")
    .description("Workflows whose task code lives in remote task hosts. Without a command: how the scheduler is.")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help; cloaca <command> --help: that of a command")
    .helpCommand(false)
    // `run` has a --version of its own, `server` an --address.
    .enablePositionalOptions()
    .addHelpText("after", AFTER)
    .exitOverride()
    .action(async (_flags: unknown, command: Command) => {
      const { runCommand } = await import("./session.js");
      const { showStatus } = await import("./commands/status.js");
      await runCommand(command, async (session) => {
        const [unknown] = command.args;
        if (unknown !== undefined) throw unknownCommand(unknown, command);
        await showStatus(session);
      });
    });
  for (const [title, commands] of groups) {
    for (const command of commands) program.addCommand(command.helpGroup(title));
  }
  program.addCommand(helpCommand().helpGroup("Operate:"));
  for (const command of [program, ...program.commands]) {
    if (command !== program) command.copyInheritedSettings(program).helpOption("-h, --help", "print this help");
    // A scheduler has an address and an output of its own.
    if (command !== server) withSettings(command);
    command.configureHelp(styled).configureOutput({
      ...outputOf(io),
      outputError: (text, write) => write(usageError(text, command)),
    });
  }
  // Not before: its commands would inherit it. The action tells of a command that is not there.
  program.allowExcessArguments();
  program.hook("preSubcommand", (_program, command) => {
    const wrong = command === server ? Object.keys(program.opts()).find((name) => isGiven(program, name)) : undefined;
    if (wrong !== undefined) command.error(`error: --${wrong} stands before server; server has options of its own`);
  });
  setIo(program, io);
  return program;
}

/** Commander's own prints all of the help, and nothing else, for a command that is not there. */
function helpCommand(): Command {
  return new Command("help")
    .description("print the help of a command")
    .argument("[command]")
    .action(async (name: string | undefined, _flags: unknown, command: Command) => {
      const { runCommand } = await import("./session.js");
      await runCommand(command, async () => {
        const program = command.parent ?? command;
        const meant = name === undefined ? program : program.commands.find((other) => other.name() === name);
        if (meant === undefined) throw unknownCommand(name ?? "", program);
        meant.outputHelp();
      });
    });
}

function isGiven(program: Command, option: string): boolean {
  return program.getOptionValueSource(option) === "cli";
}

/** The process's own output has more to it: commander asks it for its width and for colours. */
function outputOf(io: Io): OutputConfiguration {
  if (io === processIo) return {};
  return { writeOut: (text) => io.out.write(text), writeErr: (text) => io.err.write(text) };
}

function unknownCommand(name: string, program: Command): CommandError {
  const names = program.commands.map((command) => command.name());
  const near = closest(name, names);
  const isNear = distance(name, near) <= Math.max(1, Math.floor(name.length / 3)) || letters(name) === letters(near);
  const hints: Hint[] = [
    ...(isNear ? [{ what: "see how that one is used", command: `cloaca ${near} --help` }] : []),
    { what: "see all commands", command: "cloaca --help" },
  ];
  const meant = isNear ? `; did you mean ${near}?` : "";
  return new CommandError(`unknown command '${name}'${meant}`, { exitCode: EXIT.usage, code: "USAGE", hints });
}

/** The same for words of the same letters: two of them in each other's place are one slip, not two. */
function letters(word: string): string {
  return [...word].sort().join("");
}

/** What commander says of a command line, as all our errors are told. */
function usageError(text: string, command: Command): string {
  const name = command.parent === null ? "cloaca" : `cloaca ${command.name()}`;
  const message = text.trim().replace(/^error: /, "");
  const next = { what: "see how it is used", command: `${name} --help` };
  if (isJsonWanted(command)) {
    return `${toJson({ error: { code: "USAGE", message, exitCode: EXIT.usage, next: [next] } })}\n`;
  }
  // Where a scheduler cannot start, the command line may be right, and the message has a code of its own.
  const isCoded = /^[A-Z_]+: /.test(message);
  return `error: ${isCoded ? "" : "USAGE: "}${message}\n  ${next.command}   ${next.what}\n`;
}

/** The flag may stand behind what is wrong, where commander has not read it. */
function isJsonWanted(command: Command): boolean {
  const root = command.parent ?? command;
  const { rawArgs } = root as Command & { readonly rawArgs?: readonly string[] };
  return rawArgs?.includes("--json") === true;
}
