import { OptionsError } from "../errors/index.js";
import { type Option, oneOf, readOptions } from "../task/option-table.js";
import { SIGNAL } from "../task/signal-option.js";
import type { RunOptions } from "./host-options.js";

const TABLE: readonly Option[] = [SIGNAL, { name: "handleSignals", ...oneOf(true, false) }];

/** @throws OptionsError with everything that is wrong */
export function checkRunOptions(options: RunOptions): void {
  const { problems } = readOptions(options, TABLE, "host.run");
  if (problems.length > 0) throw new OptionsError("host.run", problems);
}
