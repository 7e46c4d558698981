/** Looks at what is given for a workflow: in JavaScript, or behind a cast, it can be anything. */
import { DefinitionError } from "../errors/definition-error.js";
import type { Problem } from "../errors/problem.js";
import { quote } from "../errors/quote.js";
import { wireProblem } from "../protocol/message-size.js";
import type { WorkflowDefinition } from "../task/definition.js";
import { describeValue, isPlainObject } from "../task/describe-value.js";
import { toWireWorkflow } from "../task/wire-workflow.js";
import { WorkflowBuilder } from "../task/workflow-builder.js";

const RIGHT = "pass what workflow(…) or a builder's build() returned";

/**
 * Whether a value has the shape of a workflow, and can be sent. Whether it makes sense is the scheduler's to judge.
 *
 * @param where who was given it, for messages: `host.register`
 * @throws DefinitionError with all problems
 */
export function checkWorkflow(value: unknown, where: string): asserts value is WorkflowDefinition {
  const problems = problemsOf(value, where);
  if (problems.length > 0) throw new DefinitionError(where, problems);
}

function problemsOf(value: unknown, where: string): Problem[] {
  if (value instanceof WorkflowBuilder) {
    return [{ path: "workflow", message: "is a WorkflowBuilder; call its build(), and pass what that returns" }];
  }
  if (typeof value === "string" && where === "runner.execute") {
    const byName = `to run a workflow that is registered, by its name, write client.execute(${quote(value)})`;
    return [{ path: "workflow", message: `is ${describeValue(value)}; ${RIGHT}; ${byName}` }];
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [{ path: "workflow", message: `is ${describeValue(value)}; ${RIGHT}` }];
  }
  const problems = shapeProblems(value);
  // What was built is frozen, and checked.
  if (problems.length > 0 || Object.isFrozen(value)) return problems;
  const unfit = wireProblem(toWireWorkflow(value as WorkflowDefinition));
  return unfit === null ? [] : [{ path: "workflow", message: `does not fit the protocol (${unfit}); ${RIGHT}` }];
}

/** What a workflow consists of, each with what it has to be. */
const SHAPE: readonly [field: string, is: (value: unknown) => boolean, what: string][] = [
  ["name", isText, "text"],
  ["description", isText, "text, which may be empty"],
  ["tags", (value) => isPlainObject(value) && Object.values(value).every(isText), "an object whose values are text"],
  ["tasks", Array.isArray, "an array of tasks"],
];

const TASK_SHAPE: typeof SHAPE = [
  ["id", isText, "text"],
  ["dependencies", (value) => Array.isArray(value) && value.every(isText), "an array of ids"],
  ["fn", (value) => typeof value === "function", "a function"],
];

function shapeProblems(workflow: object): Problem[] {
  const problems = misshapen(workflow, SHAPE, "workflow");
  const tasks: unknown = Reflect.get(workflow, "tasks");
  if (Array.isArray(tasks)) {
    tasks.forEach((task: unknown, index) => void problems.push(...misshapen(task, TASK_SHAPE, `tasks[${index}]`)));
  }
  return problems;
}

function misshapen(value: unknown, shape: typeof SHAPE, path: string): Problem[] {
  if (typeof value !== "object" || value === null) return [{ path, message: `is ${describeValue(value)}; ${RIGHT}` }];
  return shape.flatMap(([field, is, what]) => {
    const found: unknown = Reflect.get(value, field);
    return is(found)
      ? []
      : [{ path: `${path}.${field}`, message: `is ${describeValue(found)}, not ${what}; ${RIGHT}` }];
  });
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}
