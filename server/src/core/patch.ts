import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

import { entryPath, fieldPath } from "./field-path.js";
import { jsonProblem } from "./json-text.js";
import type { ContextText, Patch, Problem } from "./model.js";
import { contextKeyProblem } from "./names.js";
import { ProblemList } from "./problem-list.js";
import { quote } from "./quote.js";

/**
 * P10: what a key counts besides its text and that of its value. The wire adds up to 13 bytes of tags and lengths to the two:
 * without them, very many small keys would make a message that nobody takes.
 */
export const KEY_OVERHEAD_BYTES = 16;

/** P10: how large a patch is: the keys and values that it sets and the keys that it removes. */
export function patchBytes(patch: Patch): number {
  let bytes = contextBytes(patch.set);
  for (const key of patch.removed) bytes += entryBytes(key, "");
  return bytes;
}

/** P10: how large a context is. */
export function contextBytes(context: ContextText): number {
  let bytes = 0;
  for (const key of Object.keys(context)) bytes += entryBytes(key, context[key] ?? "");
  return bytes;
}

/** P10: how large a key is with its value, or as one that is removed. Never less than it is on the wire. */
export function entryBytes(key: string, value: string): number {
  return KEY_OVERHEAD_BYTES + Buffer.byteLength(key) + Buffer.byteLength(value);
}

/**
 * All problems of a patch: keys that are no context keys, values that are no JSON, keys both set and removed. The values are
 * looked at and not kept.
 *
 * @param path where the patch stands in the message, for example `complete.patch`
 */
export function checkPatch(patch: Patch, path = ""): Problem[] {
  const problems = new ProblemList();
  checkEntries(patch.set, fieldPath(path, "set"), problems);
  patch.removed.forEach((key, index) => {
    const problem = removedProblem(patch, key, path);
    if (problem !== null) problems.add(fieldPath(path, `removed[${index}]`), problem);
  });
  return problems.list(path);
}

/** All problems of a context, as `checkPatch` has them. */
export function checkContext(context: ContextText, path = ""): Problem[] {
  const problems = new ProblemList();
  checkEntries(context, path, problems);
  return problems.list(path);
}

function checkEntries(context: ContextText, path: string, problems: ProblemList): void {
  for (const key of Object.keys(context)) {
    const value = jsonProblem(context[key] ?? "");
    const name = contextKeyProblem(key);
    if (name !== null) problems.add(entryPath(path, key), name);
    if (value !== null) problems.add(entryPath(path, key), value);
  }
}

function removedProblem(patch: Patch, key: string, path: string): string | null {
  const problem = contextKeyProblem(key);
  if (problem !== null || !Object.hasOwn(patch.set, key)) return problem;
  return `${quote(key)} is set as well, at ${entryPath(fieldPath(path, "set"), key)}; a patch sets a key or removes it`;
}

/** Longest canonical text that stands for itself; hashing costs more than keeping it. */
const PLAIN_DIGEST_LENGTH = 64;

/**
 * Tells whether two patches say the same, whatever the order of their keys; no patch says the same as an empty one. Stable
 * across releases, because stores keep it: a short patch is its own digest, a longer one has `#` and a SHA-256.
 * Under 1 µs for a short patch, about 5 µs for a long one.
 */
export function patchDigest(patch: Patch | null): string {
  if (patch === null) return "";
  const text = canonicalPatch(patch);
  return text.length <= PLAIN_DIGEST_LENGTH ? text : `#${createHash("sha256").update(text).digest("base64url")}`;
}

/** Each text with its length before it, so that no two patches share a form and nothing needs escaping. */
function canonicalPatch(patch: Patch): string {
  let text = "";
  for (const key of sorted(Object.keys(patch.set))) {
    const value = patch.set[key] ?? "";
    text += `+${key.length}:${key}${value.length}:${value}`;
  }
  let previous: string | null = null;
  for (const key of sorted(patch.removed)) {
    if (key !== previous) text += `-${key.length}:${key}`;
    previous = key;
  }
  return text;
}

function sorted(keys: readonly string[]): readonly string[] {
  return keys.length < 2 ? keys : [...keys].sort();
}
