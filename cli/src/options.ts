/** Values of flags and environment variables: checked, with errors that say what is allowed. */
import { InvalidArgumentError } from "commander";

export function parseAddress(text: string): string {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/.exec(text);
  if (match === null || Number(match[2]) > 65_535) {
    throw new InvalidArgumentError("Expected host:port, for example 127.0.0.1:7233.");
  }
  return text;
}

/** Where a scheduler is: `host:port`, `grpc://host:port`, or `grpcs://host:port` for TLS. */
export function parseSchedulerAddress(text: string): string {
  const match = /^(?:grpcs?:\/\/)?(?:\[[0-9a-fA-F:]+\]|[^:/\s]+):(\d{1,5})\/?$/.exec(text);
  const port = Number(match?.[1] ?? 0);
  if (port >= 1 && port <= 65_535) return text;
  throw new InvalidArgumentError("Expected host:port, for example localhost:7233; grpcs://host:port for TLS.");
}

/** The form that the scheduler takes where hosts register: in any other, there is nothing to be found. */
export function parseNamespace(text: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/.test(text)) return text;
  throw new InvalidArgumentError("Expected a letter or _, then letters, digits, _ . or -, at most 128 in all.");
}

export function parseStore(text: string): string {
  if (text === "sqlite://:memory:") throw new InvalidArgumentError("A store in memory is written memory:");
  if (text === "memory:" || (text.startsWith("sqlite://") && text.length > "sqlite://".length)) return text;
  throw new InvalidArgumentError("Expected memory: or sqlite://<path>, for example sqlite://cloaca.db.");
}

/** The path of a store's file. */
export function parseStoreFile(text: string): string {
  const [, path] = /^sqlite:(?:\/\/)?(.+)$/.exec(text) ?? [];
  if (path !== undefined) return path;
  throw new InvalidArgumentError("Expected sqlite://<path>, for example sqlite://copy.db.");
}

/** A whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);
/** A hundred years: any longer, and a typing error is more likely. */
const MAX_DURATION_MS = 36_525 * 86_400_000;

/** A time like `30d` or `90m`, in milliseconds. */
export function parseDuration(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,15})(ms|s|m|h|d)$/.exec(text) ?? [];
  const value = Number(count) * (UNITS.get(unit) ?? Number.NaN);
  if (value >= 1_000 && value <= MAX_DURATION_MS) return value;
  throw new InvalidArgumentError(
    "Expected a whole number and a unit (ms, s, m, h or d), for example 30d; at least 1s, at most 36525d.",
  );
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

/** Collects origins of web pages: each by itself, or several with commas. */
export function origins(text: string, before: readonly string[] = []): string[] {
  const found = text.split(",").map((word) => word.trim());
  const wrong = found.find((origin) => origin !== "*" && !isOrigin(origin));
  if (wrong === undefined) return [...before, ...found];
  throw new InvalidArgumentError(
    "Expected scheme://host, or scheme://host:port, in lower case and without a path; or *.",
  );
}

/** One page's, as its browser spells it: a host with a star in it would never match. */
function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text && !text.includes("*");
}

/** A whole number that may be negative. */
export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

/** Collects `key=value` flags; the last one of a key counts. */
export function keyValue(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Expected key=value.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Collects the values of a flag that may be repeated, or lists several with commas. */
export function oneOf<T extends string>(allowed: readonly T[]): (text: string, before?: readonly T[]) => T[] {
  return (text, before = []) => {
    const values = text.split(",").map((word) => allowed.find((value) => value === word.trim().toUpperCase()) ?? word);
    const wrong = values.find((value) => !allowed.includes(value as T));
    if (wrong !== undefined) {
      const words = allowed.map((value) => value.toLowerCase()).join(", ");
      throw new InvalidArgumentError(`Expected some of ${words}.`);
    }
    return [...before, ...(values as T[])];
  };
}
