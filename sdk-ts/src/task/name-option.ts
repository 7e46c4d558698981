import { describeValue } from "./describe-value.js";
import { nameProblem } from "./names.js";
import type { Option } from "./option-table.js";

/** The option `namespace`. Empty means `default`, on the wire as well. */
export const NAMESPACE: Option = { name: "namespace", check: (value) => (value === "" ? null : nameOption(value)) };

/** A check for a name. */
export function nameOption(value: unknown): string | null {
  return typeof value === "string" ? nameProblem(value) : `is ${describeValue(value)}; write a name`;
}
