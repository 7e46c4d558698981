import { VERSION } from "@cloaca/server";
import { Command } from "commander";
import { serverCommand } from "./server-command.js";

const program = new Command("cloaca")
  .description("Workflows whose task code lives in remote task hosts")
  .version(VERSION)
  .showHelpAfterError()
  .addCommand(serverCommand());

await program.parseAsync();
