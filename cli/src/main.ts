import { Command, CommanderError } from "commander";
import { EXIT } from "./exit-code.js";
import { makeProgram } from "./program.js";

// Whoever reads a pipe may have seen enough: `cloaca runs | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.ok);
});

try {
  const isServer = process.argv.includes("server");
  // Loading the scheduler takes as long as all the rest.
  const server = isServer ? (await import("./server-command.js")).serverCommand() : new Command("server");
  await makeProgram(server.description("run a scheduler")).parseAsync();
} catch (error) {
  // Commander has printed already; what it says about a command line is 1 to it, and `--help` is an error, too.
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode !== 0 && error.code.startsWith("commander.") ? EXIT.usage : error.exitCode;
}
