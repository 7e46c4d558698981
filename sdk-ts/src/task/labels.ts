/** Labels, of a host or a run: texts by names, for people. */
import type { Problem } from "../errors/problem.js";
import { quote } from "../errors/quote.js";
import { utf8Bytes } from "../protocol/utf8-bytes.js";
import { describeValue, isPlainObject } from "./describe-value.js";
import type { Option } from "./option-table.js";
import { HALF_A_PAIR, isWellFormed } from "./well-formed.js";

/** Most UTF-8 bytes of all names and texts together. */
const MAX_LABELS_BYTES = 16 * 1024;

export const LABELS: Option = { name: "labels", check: labelsProblem, parts: wrongLabels };

function labelsProblem(value: unknown): string | null {
  if (!isPlainObject(value)) return `is ${describeValue(value)}; write an object whose values are text`;
  let bytes = 0;
  for (const [name, label] of Object.entries(value)) {
    if (typeof label === "string") bytes += utf8Bytes(name) + utf8Bytes(label);
  }
  if (bytes <= MAX_LABELS_BYTES) return null;
  return `has ${bytes} bytes of names and texts; at most ${MAX_LABELS_BYTES} are allowed`;
}

function wrongLabels(value: unknown): Problem[] {
  return Object.entries(isPlainObject(value) ? value : {}).flatMap(([name, label]) => {
    const message = labelProblem(name, label);
    return message === null ? [] : [{ path: `[${quote(name)}]`, message, found: describeValue(label) }];
  });
}

function labelProblem(name: string, label: unknown): string | null {
  if (name === "") return "the name is empty; write one";
  if (!isWellFormed(name)) return `the name ${HALF_A_PAIR}`;
  if (typeof label !== "string") return `is ${describeValue(label)}; write text`;
  return isWellFormed(label) ? null : HALF_A_PAIR;
}
