import { ContextValueError } from "../errors/context-errors.js";
import { describeValue, isPlainObject } from "./describe-value.js";
import { unsafeNumberIn } from "./number-scan.js";
import { valuePath } from "./value-path.js";
import { HALF_A_PAIR, isWellFormed } from "./well-formed.js";

/** Deepest nesting of arrays and objects: well within what the JSON parsers of other languages take. */
export const MAX_VALUE_DEPTH = 100;

/**
 * The canonical JSON text of a value: what another language, or another process, reads back as the same value. Members keep
 * their order, -0 is 0, and a whole number that is no safe integer is written with an exponent, so that it reads as the
 * floating-point number that it is.
 *
 * @param key the context key, for the path of an error
 * @throws ContextValueError for anything that JSON would lose or change, with its path
 */
export function encodeValue(value: unknown, key: string): string {
  return new Encoder(key).text(value);
}

/**
 * A fresh value from JSON text.
 *
 * @throws ContextValueError `CONTEXT_NUMBER_UNSAFE` when the text holds a number that JavaScript cannot hold: a whole number
 * written without exponent or fraction beyond ±(2^53 - 1), or any number beyond the range of a double;
 * `CONTEXT_VALUE_INVALID` when it is not JSON or escapes half of a surrogate pair
 */
export function decodeValue(text: string, key: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const detail = error instanceof Error ? error.message : "it cannot be parsed";
    throw new ContextValueError("CONTEXT_VALUE_INVALID", valuePath([key]), `the text is not JSON: ${detail}`);
  }
  const unsafe = unsafeNumberIn(text);
  if (unsafe !== undefined) {
    throw new ContextValueError(
      "CONTEXT_NUMBER_UNSAFE",
      valuePath([key]),
      `holds the number ${unsafe.length > 60 ? `${unsafe.slice(0, 60)}…` : unsafe}, which a JavaScript number cannot hold; write it as a string`,
    );
  }
  // The encoder finds the place of half a surrogate pair, which JSON can escape and UTF-8 cannot carry.
  if (/\\u[dD][89a-fA-F]/.test(text)) encodeValue(value, key);
  return value;
}

/** Writes one value. Checks and writes in one pass, so that a getter cannot answer the check and the text differently. */
class Encoder {
  readonly #segments: (string | number)[];
  /** The objects that are being written, the outermost first. */
  readonly #open: object[] = [];

  constructor(key: string) {
    this.#segments = [key];
  }

  text(value: unknown): string {
    switch (typeof value) {
      case "string":
        return this.#string(value);
      case "number":
        return this.#number(value);
      case "boolean":
        return value ? "true" : "false";
      case "object":
        return value === null ? "null" : this.#object(value);
      default:
        return this.#refuse(value);
    }
  }

  #string(value: string): string {
    if (!isWellFormed(value)) this.#fail(`the string ${HALF_A_PAIR}`);
    return JSON.stringify(value);
  }

  #number(value: number): string {
    if (!Number.isFinite(value)) this.#fail(`is ${value}, which JSON does not have; use null or a string`);
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) return value.toExponential();
    return JSON.stringify(value);
  }

  #object(value: object): string {
    if (this.#open.includes(value)) this.#fail("refers back to an object that contains it; JSON has no cycles");
    if (this.#open.length === MAX_VALUE_DEPTH) this.#fail(`is nested deeper than ${MAX_VALUE_DEPTH} levels`);
    this.#open.push(value);
    const text = Array.isArray(value) ? this.#array(value) : this.#members(value);
    this.#open.pop();
    return text;
  }

  #array(value: readonly unknown[]): string {
    const items: string[] = [];
    for (let index = 0; index < value.length; index++) {
      const item = value[index];
      this.#segments.push(index);
      if (item === undefined && !Object.hasOwn(value, index)) this.#fail("is a hole in an array; use null");
      items.push(this.text(item));
      this.#segments.pop();
    }
    // Without holes, as many keys as items; more are properties, such as those of a regular expression's match.
    const keys = Object.keys(value);
    if (keys.length > value.length) {
      this.#fail(`is an array with the property ${JSON.stringify(keys[value.length])}, which JSON would lose`);
    }
    return `[${items.join(",")}]`;
  }

  #members(value: object): string {
    if (!isPlainObject(value)) return this.#refuse(value);
    const symbol = Object.getOwnPropertySymbols(value).find((own) =>
      Object.prototype.propertyIsEnumerable.call(value, own),
    );
    if (symbol !== undefined) this.#fail(`has the symbol ${String(symbol)} for a key; keys are strings`);
    const members: string[] = [];
    for (const key of Object.keys(value)) {
      this.#segments.push(key);
      if (!isWellFormed(key)) this.#fail(`the key ${HALF_A_PAIR}`);
      members.push(`${JSON.stringify(key)}:${this.text(value[key])}`);
      this.#segments.pop();
    }
    return `{${members.join(",")}}`;
  }

  #refuse(value: unknown): never {
    const hint = hintFor(value);
    return this.#fail(`is ${describeValue(value)}, which JSON does not have${hint === "" ? "" : `; ${hint}`}`);
  }

  #fail(problem: string): never {
    throw new ContextValueError("CONTEXT_VALUE_INVALID", valuePath(this.#segments), problem);
  }
}

function hintFor(value: unknown): string {
  if (value === undefined) return "leave the key out, or use null";
  if (typeof value === "bigint") return "use String(value), or Number(value) if it is small";
  if (typeof value !== "object" || value === null) return "";
  const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
  const hint = HINTS.get(tag);
  if (hint !== undefined) return hint;
  if (ArrayBuffer.isView(value)) return "use Array.from(value), or a base64 string for bytes";
  return "use a plain object with what matters of it";
}

const HINTS: ReadonlyMap<string, string> = new Map([
  ["Date", "use value.toISOString()"],
  ["Map", "use Object.fromEntries(value)"],
  ["Set", "use [...value]"],
  ["Promise", "await it first"],
  ["Error", "use value.message"],
  ["URL", "use value.href"],
  ["RegExp", "use value.source"],
  ["String", "use the plain string"],
  ["Number", "use the plain number"],
  ["Boolean", "use the plain boolean"],
]);
