/** Waiting with an end: a case that waits in vain says for what. */

/** A case has failed: what should have been, and what was. */
export class CaseFailure extends Error {}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves when the promise does, or fails the case. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<never>((_, reject) => {
    // What nobody waits for any more does not keep the process; while somebody does, a server or a stream is open.
    timer = setTimeout(() => reject(new CaseFailure(`waited ${ms} ms in vain for ${what}`)), ms).unref();
  });
  try {
    return await Promise.race([promise, end]);
  } finally {
    clearTimeout(timer);
  }
}

/** Fails the case with the message unless the condition holds. */
export function must(condition: boolean, message: string): asserts condition {
  if (!condition) throw new CaseFailure(message);
}

/** Fails the case unless both are the same JSON. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [found, wanted] = [actual, expected].map((value) => JSON.stringify(value, jsonOf));
  must(found === wanted, `${what}: expected ${wanted}, found ${found}`);
}

function jsonOf(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
