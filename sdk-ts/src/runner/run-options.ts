import { OptionsError } from "../errors/index.js";
import { describeValue } from "../task/describe-value.js";
import { type Option, oneOf, readOptions } from "../task/option-table.js";
import type { RunOptions } from "./host-options.js";

const TABLE: readonly Option[] = [
  { name: "signal", check: signalProblem },
  { name: "handleSignals", ...oneOf(true, false) },
];

/** Throws OptionsError with everything that is wrong. */
export function checkRunOptions(options: RunOptions): RunOptions {
  const { problems } = readOptions(options, TABLE, "host.run");
  if (problems.length > 0) throw new OptionsError("host.run", problems);
  return options;
}

/** Signals of another realm, or of a library, do as well. */
function signalProblem(value: unknown): string | null {
  const { aborted, addEventListener } = Object(value) as Partial<AbortSignal>;
  if (typeof aborted === "boolean" && typeof addEventListener === "function") return null;
  return `is ${describeValue(value)}; write an AbortSignal, such as the signal of an AbortController`;
}
