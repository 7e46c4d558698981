/** The whole command, from its arguments to its exit code. */
import { Command, CommanderError } from "commander";
import { EXIT } from "./exit-code.js";
import { type Io, processIo } from "./io.js";
import { type CommandGroup, makeProgram } from "./program.js";

/** @param args what stands behind `cloaca` */
export async function runCli(args: readonly string[], io: Io = processIo): Promise<void> {
  // Loading the scheduler takes as long as all the rest, and the rest a quarter of a scheduler's time to start.
  const server = args.includes("server")
    ? (await import("./server-command.js")).serverCommand()
    : new Command("server");
  server.description("run a scheduler");
  const groups: readonly CommandGroup[] =
    args[0] === "server" ? [["Operate:", [server]]] : (await import("./commands/all.js")).allCommands(server);
  const program = makeProgram(groups, server, io);
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    // Commander has printed already; what it says about a command line is 1 to it, and `--help` is an error, too.
    if (!(error instanceof CommanderError)) throw error;
    io.exit(error.exitCode !== 0 && error.code.startsWith("commander.") ? EXIT.usage : error.exitCode);
  }
}
