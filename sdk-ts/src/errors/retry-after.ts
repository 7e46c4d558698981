import { attempt, isObject, read } from "./foreign-value.js";

const HEADER = "retry-after";

/** `Sun, 06 Nov 1994 08:49:37 GMT`, the form of dates that HTTP's senders must use. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * The delay that the `Retry-After` header of an HTTP answer asks for, in milliseconds from now; undefined when there is none
 * that can be read. The headers may be a `Headers`, as fetch has them, or a plain object, as Node and axios do.
 */
export function retryAfterIn(response: unknown, nowMs: number): number | undefined {
  const value = headerOf(read(response, "headers"));
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const dateMs = HTTP_DATE.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}

function headerOf(headers: unknown): string | undefined {
  if (!isObject(headers)) return undefined;
  const get = read(headers, "get");
  if (typeof get === "function") return textOf(attempt(() => Reflect.apply(get, headers, [HEADER])));
  const name = (attempt(() => Object.keys(headers)) ?? []).find((key) => key.toLowerCase() === HEADER);
  return name === undefined ? undefined : textOf(read(headers, name));
}

function textOf(value: unknown): string | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" || typeof first === "number" ? String(first).trim() : undefined;
}
