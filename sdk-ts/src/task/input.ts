import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InputError } from "../errors/input-error.js";
import type { Problem } from "../errors/problem.js";
import type { WorkflowDefinition } from "./definition.js";
import { describeValue, isPlainObject } from "./describe-value.js";
import { encodeEntries } from "./encode-values.js";
import { valuePath } from "./value-path.js";

/**
 * The input of a run as it goes on the wire, key to JSON text: checked and completed by the workflow's schema, if it has one.
 *
 * @throws InputError with all problems: those that the schema found, or the values that are none of JSON
 */
export async function inputToWire(
  { name, input: schema }: Pick<WorkflowDefinition<object>, "name" | "input">,
  input: unknown = {},
): Promise<Record<string, string>> {
  if (schema === undefined) return encodeInput(name, input);
  const result = await schema["~standard"].validate(input);
  if (result.issues !== undefined) throw new InputError(name, result.issues.map(problemOf));
  return encodeInput(name, result.value);
}

function encodeInput(workflow: string, input: unknown): Record<string, string> {
  if (!isPlainObject(input)) {
    throw new InputError(workflow, [{ path: "$", message: `is ${describeValue(input)}; an input is a plain object` }]);
  }
  const { entries, problems } = encodeEntries(input);
  if (problems.length > 0) throw new InputError(workflow, problems);
  return Object.fromEntries(entries);
}

function problemOf({ path = [], message }: StandardSchemaV1.Issue): Problem {
  const keys = path.map((segment) => (typeof segment === "object" ? segment.key : segment));
  return { path: valuePath(keys.map((key) => (typeof key === "symbol" ? String(key) : key))), message };
}
