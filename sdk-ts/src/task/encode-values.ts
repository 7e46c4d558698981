import { ContextKeyInvalidError, ContextValueError } from "../errors/context-errors.js";
import { describeProblems, type Problem } from "../errors/problem.js";
import { contextKeyProblem } from "./names.js";
import { encodeValue } from "./value-codec.js";
import { valuePath } from "./value-path.js";

/** Key and JSON text. */
export type EncodedEntry = [key: string, text: string];

type Fault = ContextKeyInvalidError | ContextValueError;

/** Longest part of a wrong key in a path. */
const SHOWN_KEY_LENGTH = 80;

/** The entries that can be written down, and for each of the others what is wrong with it. */
export function encodeEntries(values: object): { entries: EncodedEntry[]; problems: Problem[] } {
  const { entries, faults } = encode(values);
  return { entries, problems: faults.map(problemOf) };
}

/**
 * All entries.
 *
 * @throws ContextKeyInvalidError, ContextValueError with all problems; of values, where there are both
 */
export function encodedEntries(values: object): EncodedEntry[] {
  const { entries, faults } = encode(values);
  const [first, ...more] = faults;
  if (first === undefined) return entries;
  if (more.length === 0) throw first;
  const problems = faults.map(problemOf);
  const told = faults.find((fault) => fault instanceof ContextValueError) ?? first;
  if (told instanceof ContextValueError) throw new ContextValueError(told.code, told.path, told.problem, problems);
  throw new ContextKeyInvalidError(told.key, describeProblems("the context", problems));
}

function encode(values: object): { entries: EncodedEntry[]; faults: Fault[] } {
  const entries: EncodedEntry[] = [];
  const faults: Fault[] = [];
  for (const [key, value] of Object.entries(values)) {
    const wrongKey = contextKeyProblem(key);
    if (wrongKey !== null) {
      faults.push(new ContextKeyInvalidError(key, wrongKey));
      continue;
    }
    try {
      entries.push([key, encodeValue(value, key)]);
    } catch (error) {
      if (!(error instanceof ContextValueError)) throw error;
      faults.push(error);
    }
  }
  return { entries, faults };
}

function problemOf(fault: Fault): Problem {
  if (fault instanceof ContextValueError) return { path: fault.path, message: fault.problem };
  return { path: valuePath([String(fault.key).slice(0, SHOWN_KEY_LENGTH)]), message: fault.message };
}
