/** JSON with parts that are JSON text already: a number that JavaScript cannot hold stays as it was written. */

/** JSON text, taken as it is. */
export class RawJson {
  constructor(readonly text: string) {}
}

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | Date
  | RawJson
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** JSON on one line. Dates are ISO 8601 in UTC with milliseconds. */
export function toJson(value: JsonValue): string {
  if (value instanceof RawJson) return value.text;
  if (value instanceof Date) return JSON.stringify(value.toISOString());
  if (isList(value)) return `[${value.map(toJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${toJson(member)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
