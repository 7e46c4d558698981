/** Comparison of JSON values, as trigger rules need it. Numbers compare as IEEE doubles, as JavaScript reads them. */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Whether two values are the same JSON; the order of an object's keys does not count. */
export function sameJson(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (isList(a) || isList(b)) {
    return isList(a) && isList(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i] ?? null));
  }
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key] ?? null, b[key] ?? null));
}

/** -1, 0 or 1 for two numbers or two texts (by UTF-16 code units); null for anything else. */
export function compareJson(a: JsonValue, b: JsonValue): -1 | 0 | 1 | null {
  const comparable =
    (typeof a === "number" && typeof b === "number") || (typeof a === "string" && typeof b === "string");
  if (!comparable) return null;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** A text contains a text, a list an element that is the same JSON; nothing else contains anything. */
export function containsJson(whole: JsonValue, part: JsonValue): boolean {
  if (typeof whole === "string") return typeof part === "string" && whole.includes(part);
  return isList(whole) && whole.some((item) => sameJson(item, part));
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
