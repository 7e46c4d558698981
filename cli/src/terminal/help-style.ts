/** How help looks where colours are. Commander takes them out elsewhere. */
import { styleText } from "node:util";
import type { HelpConfiguration } from "commander";

export const styled: HelpConfiguration = {
  styleTitle: (text) => styleText("bold", text, { validateStream: false }),
  styleSubcommandTerm: (text) => styleText("cyan", text, { validateStream: false }),
  styleOptionTerm: (text) => styleText("cyan", text, { validateStream: false }),
  // Names alone, without the flags that most of them share.
  subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(" "),
};

function argumentTerm(argument: { name(): string; required: boolean; variadic: boolean }): string {
  const name = argument.name() + (argument.variadic ? "..." : "");
  return argument.required ? `<${name}>` : `[${name}]`;
}
