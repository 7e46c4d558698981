import { Command } from "commander";
import { withSettings } from "../settings.js";

/** A command that talks to a scheduler. */
export function clientCommand(name: string): Command {
  return withSettings(new Command(name));
}
