import { describeValue } from "./describe-value.js";
import type { Option } from "./option-table.js";

/** The option `signal`. Signals of another realm, or of a library, do as well. */
export const SIGNAL: Option = { name: "signal", check: signalProblem };

function signalProblem(value: unknown): string | null {
  const { aborted, addEventListener, removeEventListener } = Object(value) as Partial<AbortSignal>;
  const listens = typeof addEventListener === "function" && typeof removeEventListener === "function";
  if (typeof aborted === "boolean" && listens) return null;
  return `is ${describeValue(value)}; write an AbortSignal, such as the signal of an AbortController`;
}
