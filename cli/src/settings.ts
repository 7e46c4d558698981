/** What every command that talks to a scheduler takes: where it is, and how to print. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { CommandError } from "./command-error.js";
import { parseNamespace, parseSchedulerAddress } from "./options.js";

export interface Settings {
  readonly address: string;
  readonly namespace: string;
  readonly isJson: boolean;
  /** What `--no-color` says; the environment and the terminal have a word, too. */
  readonly mayColour: boolean;
  /** Flags to repeat in commands that are proposed. What the environment says needs no repetition. */
  readonly flags: readonly string[];
}

export const DEFAULT_ADDRESS = "localhost:7233";
export const DEFAULT_NAMESPACE = "default";

const GROUP = "Options of every command:";

/** Adds the flags. The environment and the defaults are read later, so that `server`, which has its own, is not in the way. */
export function withSettings(command: Command): Command {
  return command
    .addOption(
      new Option("--address <host:port>", `the scheduler (env: CLOACA_ADDRESS, default: ${DEFAULT_ADDRESS})`)
        .argParser(parseSchedulerAddress)
        .helpGroup(GROUP),
    )
    .addOption(
      new Option("--namespace <name>", `namespace (env: CLOACA_NAMESPACE, default: ${DEFAULT_NAMESPACE})`)
        .argParser(parseNamespace)
        .helpGroup(GROUP),
    )
    .addOption(new Option("--json", "print JSON for programs; its shapes stay").helpGroup(GROUP))
    .addOption(new Option("--no-color", "no colours, as with NO_COLOR").helpGroup(GROUP));
}

interface Flags {
  readonly address?: string;
  readonly namespace?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

/** What the flags say, before or after the command's name; else the environment; else the defaults. */
export function settingsOf(command: Command, env: NodeJS.ProcessEnv): Settings {
  const own = command.opts<Flags>();
  const above = command.parent?.opts<Flags>() ?? own;
  const address = own.address ?? above.address;
  const namespace = own.namespace ?? above.namespace;
  return {
    address: address ?? fromEnv(env, "CLOACA_ADDRESS", parseSchedulerAddress) ?? DEFAULT_ADDRESS,
    namespace: namespace ?? fromEnv(env, "CLOACA_NAMESPACE", parseNamespace) ?? DEFAULT_NAMESPACE,
    isJson: saysJson(command),
    mayColour: own.color && above.color,
    flags: [
      ...(address === undefined ? [] : ["--address", address]),
      ...(namespace === undefined ? [] : ["--namespace", namespace]),
    ],
  };
}

/** Whether `--json` is said, before or after the command's name. */
export function saysJson(command: Command): boolean {
  return [command, command.parent].some((one) => one?.opts<Partial<Flags>>().json === true);
}

function fromEnv(env: NodeJS.ProcessEnv, name: string, parse: (text: string) => string): string | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw CommandError.usage(`${name} is ${JSON.stringify(text)}. ${error.message}`, "");
  }
}
