import { didYouMean, nearest } from "../errors/nearest.js";
import type { Problem } from "../errors/problem.js";
import { quote } from "../errors/quote.js";
import { unknownOption } from "../errors/unknown-option.js";
import { describeValue, isPlainObject } from "./describe-value.js";
import { HALF_A_PAIR, isWellFormed } from "./well-formed.js";

/** An option: its name, and what is wrong with a value of it. */
export interface Option {
  readonly name: string;
  /** What is wrong with the value and what would be right; null when it is fine. */
  readonly check: (value: unknown) => string | null;
  /** What is wrong within a value that is fine as a whole; the paths go on after the option's name, as `[2]` does. */
  readonly parts?: (value: unknown) => readonly Problem[];
  /** The words that are allowed, when it takes one of a few. */
  readonly allowed?: readonly string[];
  /** What to say when it is not given; left out for what need not be given. */
  readonly missing?: string;
}

/**
 * Looks at options by a table: what is not in it is unknown, and nothing is guessed. Undefined means not given.
 *
 * @param of whose options they are, for messages: `a task`
 * @returns the options that are fine, and the problems of the others, their paths the names of the options
 */
export function readOptions(
  options: unknown,
  table: readonly Option[],
  of: string,
): { readonly checked: Readonly<Record<string, unknown>>; readonly problems: Problem[] } {
  const names = table.map(({ name }) => name);
  if (!isPlainObject(options)) {
    const message = `the options are ${describeValue(options)}; write an object with ${names.join(", ")}`;
    return { checked: {}, problems: [{ path: "", message }] };
  }
  const problems: Problem[] = [];
  const checked: [string, unknown][] = [];
  for (const [name, value] of Object.entries(options)) {
    const option = table.find((candidate) => candidate.name === name);
    if (option === undefined) {
      problems.push(unknownOption(name, names, of));
      continue;
    }
    if (value === undefined) continue;
    const wrong = problemsOf(option, value);
    if (wrong.length === 0) checked.push([name, value]);
    problems.push(...wrong);
  }
  for (const { name, missing } of table) {
    if (missing !== undefined && options[name] === undefined) problems.push({ path: name, message: missing });
  }
  return { checked: Object.fromEntries(checked), problems };
}

function problemsOf({ name, check, parts, allowed }: Option, value: unknown): Problem[] {
  const message = check(value);
  if (message !== null) return [{ path: name, message, found: describeValue(value), ...suggestion(value, allowed) }];
  return (parts?.(value) ?? []).map((problem) => ({ ...problem, path: `${name}${problem.path}` }));
}

/** What is allowed, and which of it was meant by a wrong word. */
function suggestion(value: unknown, allowed: readonly string[] | undefined): Pick<Problem, "allowed" | "nearest"> {
  if (allowed === undefined) return {};
  const near = typeof value === "string" ? nearest(value, allowed) : undefined;
  return { allowed, ...(near === undefined ? {} : { nearest: near }) };
}

/** A check for whole numbers within bounds; `unit` comes after them, for example ` milliseconds`. */
export function wholeNumber(least: number, most: number, unit = ""): Option["check"] {
  return (value) =>
    Number.isInteger(value) && Number(value) >= least && Number(value) <= most
      ? null
      : `is ${describeValue(value)}; allowed are whole numbers from ${least} to ${most}${unit}`;
}

/** A check for one of a few words, or for true and false. */
export function oneOf(...values: readonly (string | boolean)[]): Required<Pick<Option, "check" | "allowed">> {
  const allowed = values.map(String);
  const check: Option["check"] = (value) => {
    if (values.some((one) => one === value)) return null;
    if (typeof value !== "string") return `is ${describeValue(value)}; allowed are ${allowed.join(", ")}`;
    return `${quote(value)} is not one of ${allowed.join(", ")}${didYouMean(nearest(value, allowed))}`;
  };
  return { check, allowed };
}

/** Checks for a list, and for each of its items. */
export function listOf({
  check,
  allowed,
}: Pick<Option, "check" | "allowed">): Required<Pick<Option, "check" | "parts">> {
  const of = allowed === undefined ? "" : ` of ${allowed.join(", ")}`;
  return {
    check: (value) => (Array.isArray(value) ? null : `is ${describeValue(value)}; write a list${of}`),
    parts: (value) =>
      (Array.isArray(value) ? Array.from<unknown>(value) : []).flatMap((item, index) =>
        problemsOf({ name: `[${index}]`, check, ...(allowed === undefined ? null : { allowed }) }, item),
      ),
  };
}

/** A check for text of a limited length, in UTF-16 units. */
export function text(most: number): Option["check"] {
  return (value) => {
    if (typeof value !== "string") return `is ${describeValue(value)}; write text`;
    if (value.length > most) return `has ${value.length} UTF-16 units; at most ${most} are allowed`;
    return isWellFormed(value) ? null : HALF_A_PAIR;
  };
}
