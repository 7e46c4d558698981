import { EXIT } from "./exit-code.js";
import { runCli } from "./run-cli.js";

// Whoever reads a pipe may have seen enough: `cloaca runs | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.ok);
});

await runCli(process.argv.slice(2));
