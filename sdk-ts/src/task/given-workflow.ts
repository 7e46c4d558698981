/** Looks at what is given for a workflow: in JavaScript, or behind a cast, it can be anything. */
import type { Problem } from "../errors/problem.js";
import { quote } from "../errors/quote.js";
import { wireProblem } from "../protocol/encode-definition.js";
import { isBuilt } from "./built.js";
import type { WorkflowDefinition } from "./definition.js";
import { describeValue, isPlainObject } from "./describe-value.js";
import { HALF_A_PAIR, isWellFormed } from "./well-formed.js";
import { toWireWorkflow } from "./wire-workflow.js";

const RIGHT = "pass what workflow(…) or a builder's build() returned";

/**
 * What is wrong with what is given for a workflow: it has its shape, and can be sent. Whether it makes sense is the scheduler's to
 * judge. What was built is fine, and costs nothing.
 */
export function givenProblems(value: unknown): Problem[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [{ path: "workflow", message: `is ${describeValue(value)}; ${RIGHT}` }];
  }
  if (isBuilt(value)) return [];
  // Of whichever copy of this package.
  if (typeof Reflect.get(value, "build") === "function") {
    const message = `is ${describeValue(value)}; call its build(), and pass what that returns`;
    return [{ path: "workflow", message }];
  }
  const problems = shapeProblems(value);
  return problems.length > 0 ? problems : sendProblems(value as WorkflowDefinition);
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
  ["dependencies", (value) => Array.isArray(value) && Array.from(value).every(isText), "an array of ids"],
  ["timeoutMs", (value) => value === undefined || typeof value === "number", "a number"],
  ["retry", isPart, "a retry policy"],
  ["triggerRule", isPart, "a rule"],
  ["fn", (value) => typeof value === "function", "a function"],
];

function shapeProblems(workflow: object): Problem[] {
  const problems = misshapen(workflow, SHAPE, "workflow");
  const tasks: unknown = Reflect.get(workflow, "tasks");
  if (!Array.isArray(tasks)) return problems;
  // Not of the array itself, which passes over holes.
  return [...problems, ...Array.from(tasks).flatMap((task, index) => misshapen(task, TASK_SHAPE, `tasks[${index}]`))];
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

/** Whether it is an object, or left out. */
function isPart(value: unknown): boolean {
  return value === undefined || isPlainObject(value);
}

function sendProblems(workflow: WorkflowDefinition): Problem[] {
  const unfit = wireProblem(() => toWireWorkflow(workflow));
  if (unfit !== null) return [{ path: "workflow", message: `does not fit the protocol (${unfit}); ${RIGHT}` }];
  const { tasks, ...head } = toWireWorkflow(workflow);
  return [...halfPairs(head, "workflow"), ...halfPairs(tasks, "tasks")];
}

/** The texts, within a value that fits the protocol, that UTF-8 cannot carry. */
function halfPairs(value: unknown, path: string): Problem[] {
  if (typeof value === "string") return isWellFormed(value) ? [] : [{ path, message: HALF_A_PAIR }];
  if (Array.isArray(value)) return value.flatMap((item, index) => halfPairs(item, `${path}[${index}]`));
  return Object.entries(Object(value)).flatMap(([key, part]) => {
    const at = path === "workflow.tags" ? `${path}[${quote(key)}]` : `${path}.${key}`;
    return isWellFormed(key) ? halfPairs(part, at) : [{ path: at, message: `the key ${HALF_A_PAIR}` }];
  });
}
