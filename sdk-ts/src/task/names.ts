import { quote } from "../errors/quote.js";
import { isWellFormed } from "./well-formed.js";

/** What workflow names, task ids, host ids and namespaces look like. */
export const NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/;

/** Longest context key, in UTF-16 units. */
export const MAX_CONTEXT_KEY_LENGTH = 256;

/** A key that no context has: the value of an object's `__proto__` is lost in JavaScript, and nobody there would be told. */
const RESERVED_CONTEXT_KEY = "__proto__";

const MAX_NAME_LENGTH = 128;
const NAME_RULE =
  "a name starts with a letter or _ and goes on with letters, digits, _ . - (ASCII, at most 128 in all)";
const CONTEXT_KEY_RULE = `a context key is a string of 1 to ${MAX_CONTEXT_KEY_LENGTH} UTF-16 units`;

/** What is wrong with a workflow name, task id, host id or namespace, and what would be right; null when it is fine. */
export function nameProblem(value: unknown): string | null {
  if (typeof value !== "string") return `is ${value === null ? "null" : typeof value}, not a string; ${NAME_RULE}`;
  if (NAME_PATTERN.test(value)) return null;
  if (value === "") return `is empty; ${NAME_RULE}`;
  if (value.length > MAX_NAME_LENGTH) return `${quote(value)} is ${value.length} long; ${NAME_RULE}`;
  const start = /^[^A-Za-z_]/u.exec(value)?.[0];
  if (start !== undefined) return `${quote(value)} starts with ${quote(start)}; ${NAME_RULE}`;
  return `${quote(value)} contains ${quote(/[^A-Za-z0-9_.-]/u.exec(value)?.[0] ?? "")}; ${NAME_RULE}`;
}

/** What is wrong with a context key, and what would be right; null when it is fine. */
export function contextKeyProblem(key: unknown): string | null {
  if (typeof key !== "string") return `the key is ${key === null ? "null" : typeof key}; ${CONTEXT_KEY_RULE}`;
  if (key === "") return `the key is empty; ${CONTEXT_KEY_RULE}`;
  if (key.length > MAX_CONTEXT_KEY_LENGTH) return `the key is ${key.length} UTF-16 units long; ${CONTEXT_KEY_RULE}`;
  if (!isWellFormed(key)) return `the key ${quote(key)} holds a lone surrogate, which UTF-8 cannot carry`;
  if (key === RESERVED_CONTEXT_KEY)
    return `the key ${quote(key)} is reserved: objects in JavaScript lose it; use another name`;
  return null;
}
