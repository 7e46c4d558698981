import { quote } from "./quote.js";

/** The path of a field of the message at `path`; the empty path is the message itself. */
export function fieldPath(path: string, field: string): string {
  return path === "" ? field : `${path}.${field}`;
}

/** The path of a map's entry: `set["key"]`. */
export function entryPath(path: string, key: string): string {
  return `${path}[${quote(key)}]`;
}
