import { quote } from "../errors/quote.js";

/** What a value is, for messages: `a Map`, `an array`, `the string "x"`. Reads no property that can have side effects. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return `the string ${quote(value)}`;
    case "number":
    case "boolean":
      return `the ${typeof value} ${value}`;
    case "bigint":
      return `the bigint ${quote(`${value}n`).slice(1, -1)}`;
    case "undefined":
      return "undefined";
    case "symbol":
      return "a symbol";
    case "function":
      return isClass(value) ? "a class" : "a function";
    default:
      return typeof value === "object" && value !== null ? describeObject(value) : "null";
  }
}

/** Whether a function can only be called with `new`. */
export function isClass(value: unknown): boolean {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

/** Whether an object is what braces make, of this or another realm: not an array and not an instance of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  // Only the Object.prototype of another realm is at the end of the chain and has this method of its own.
  if (typeof prototype !== "object") return false;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return "an array";
  if (isPlainObject(value)) return "an object";
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  if (typeof name !== "string" || name === "") return "an instance of a class";
  return `${/^[AEIOU]/.test(name) ? "an" : "a"} ${name}`;
}
