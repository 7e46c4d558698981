/** Values that others made and threw: anything may be in them, and reading may run code that throws. */

export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** A property of anything; undefined when there is none, or when it cannot be read. */
export function read(value: unknown, key: string): unknown {
  return isObject(value) ? attempt<unknown>(() => Reflect.get(value, key)) : undefined;
}

/** What a call returns; undefined when it throws. */
export function attempt<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}
