/**
 * Bounds of texts that the scheduler keeps and hands on, to hosts (P10: no message may outgrow the limit) and to whoever
 * lists and watches. Texts for people are cut, what programs read is refused.
 */
import { Buffer } from "node:buffer";
import type { Problem } from "./model.js";

/** Longest text for people, in UTF-16 units: a reason, a description. */
export const MAX_PEOPLE_TEXT = 1_024;
/** Most UTF-8 bytes of a set of labels, keys and values. */
export const MAX_LABELS_BYTES = 16 * 1024;

/** A text for people, cut where it is too long. */
export function forPeople(text: string, max = MAX_PEOPLE_TEXT): string {
  if (text.length <= max) return text;
  // Not in the middle of a character.
  const end = /[\uD800-\uDBFF]/.test(text.charAt(max - 2)) ? max - 2 : max - 1;
  return `${text.slice(0, end)}…`;
}

export function labelsProblems(field: string, labels: Readonly<Record<string, string>>): Problem[] {
  let bytes = 0;
  for (const key in labels) bytes += Buffer.byteLength(key) + Buffer.byteLength(labels[key] ?? "");
  if (bytes <= MAX_LABELS_BYTES) return [];
  return [{ field, description: `has ${bytes} bytes of keys and values; at most ${MAX_LABELS_BYTES} are allowed` }];
}

export function lengthProblems(field: string, text: string, max: number): Problem[] {
  if (text.length <= max) return [];
  return [{ field, description: `has ${text.length} characters; at most ${max} are allowed` }];
}
