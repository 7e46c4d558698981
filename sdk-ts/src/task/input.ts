import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ContextValueError } from "../errors/context-errors.js";
import { InputError } from "../errors/input-error.js";
import type { Problem } from "../errors/problem.js";
import type { WorkflowDefinition } from "./definition.js";
import { describeValue, isPlainObject } from "./describe-value.js";
import { contextKeyProblem } from "./names.js";
import { encodeValue } from "./value-codec.js";
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
  const problems: Problem[] = [];
  const texts: [string, string][] = [];
  for (const [key, value] of Object.entries(input)) {
    const wrongKey = contextKeyProblem(key);
    if (wrongKey !== null) {
      problems.push({ path: valuePath([key.slice(0, 80)]), message: wrongKey });
      continue;
    }
    try {
      texts.push([key, encodeValue(value, key)]);
    } catch (error) {
      if (!(error instanceof ContextValueError)) throw error;
      problems.push({ path: error.path, message: error.problem });
    }
  }
  if (problems.length > 0) throw new InputError(workflow, problems);
  return Object.fromEntries(texts);
}

function problemOf({ path = [], message }: StandardSchemaV1.Issue): Problem {
  const keys = path.map((segment) => (typeof segment === "object" ? segment.key : segment));
  return { path: valuePath(keys.map((key) => (typeof key === "symbol" ? String(key) : key))), message };
}
