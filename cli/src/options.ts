/** Values of flags and environment variables: checked, with errors that say what is allowed. */
import { InvalidArgumentError } from "commander";

export function parseAddress(text: string): string {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/.exec(text);
  if (match === null || Number(match[2]) > 65_535) {
    throw new InvalidArgumentError("Expected host:port, for example 127.0.0.1:7233.");
  }
  return text;
}

export function parseStore(text: string): string {
  if (text === "memory:" || (text.startsWith("sqlite://") && text.length > "sqlite://".length)) return text;
  throw new InvalidArgumentError("Expected memory: or sqlite://<path>, for example sqlite://cloaca.db.");
}

/** A whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

const SWITCH: ReadonlyMap<string, boolean> = new Map([
  ["", false],
  ...["1", "true", "on"].map((text) => [text, true] as const),
  ...["0", "false", "off"].map((text) => [text, false] as const),
]);

/** A switch in the environment, where a flag without a value is not to be had. Empty is off. Null for what is neither. */
export function parseSwitch(text: string): boolean | null {
  return SWITCH.get(text.toLowerCase()) ?? null;
}
