import { DefinitionError } from "../errors/definition-error.js";
import { quote } from "../errors/quote.js";
import { unknownOption } from "../errors/unknown-option.js";
import { buildWorkflow } from "./build-workflow.js";
import type { NoValues, OpenValues } from "./context-types.js";
import type { InputSchema, WorkflowDefinition } from "./definition.js";
import { describeValue, isPlainObject } from "./describe-value.js";
import { type FunctionTaskMaker, functionTask } from "./function-task.js";
import { isFunction, taskOf } from "./task-spec.js";
import { newDraft, type WorkflowDraft } from "./workflow-draft.js";

/** What a workflow's tasks are declared with. */
export interface WorkflowScope<Input> {
  /** Declares a task. It has no state around it: it can be taken out of the scope, as in `({ task }) => …`. */
  readonly task: FunctionTaskMaker<Input>;
}

/** What can be said about a workflow besides its tasks. */
export interface WorkflowOptions {
  /** Free text for people. Empty by default. */
  readonly description?: string | undefined;
  /** Free labels, shown to people and copied to each lease. None by default. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** Options of a workflow whose input has a schema. */
export interface WorkflowOptionsWithInput<In extends object, Out extends object> extends WorkflowOptions {
  /** Checks and completes the input of each run: any Standard Schema, as zod, valibot or arktype make them. */
  readonly input: InputSchema<In, Out>;
}

/**
 * A workflow whose tasks are declared in a function. The types of what they set flow to those that depend on them:
 *
 * ```ts
 * const etl = workflow("etl", ({ task }) => {
 *   const fetchData = task({ id: "fetch_data" }, async (context) => context.set("raw", [1, 2, 3]));
 *   task({ id: "count", dependencies: [fetchData] }, async (context) => ({ n: context.get("raw").length }));
 * });
 * ```
 *
 * Say the type of the input with a schema, `workflow("etl", { input: schema }, …)`, or just by name,
 * `workflow<{ day: string }>("etl", …)`. Without, `get<string>("day")` reads it.
 *
 * @throws DefinitionError with all problems
 */
export function workflow(
  name: string,
  define: (scope: WorkflowScope<NoValues>) => void,
): WorkflowDefinition<OpenValues>;
export function workflow<Input extends object>(
  name: string,
  define: (scope: WorkflowScope<Input>) => void,
): WorkflowDefinition<Input>;
export function workflow<In extends object, Out extends object>(
  name: string,
  options: WorkflowOptionsWithInput<In, Out>,
  define: (scope: WorkflowScope<Out>) => void,
): WorkflowDefinition<In>;
export function workflow(
  name: string,
  options: WorkflowOptions,
  define: (scope: WorkflowScope<NoValues>) => void,
): WorkflowDefinition<OpenValues>;
export function workflow<Input extends object>(
  name: string,
  options: WorkflowOptions,
  define: (scope: WorkflowScope<Input>) => void,
): WorkflowDefinition<Input>;
export function workflow(name: unknown, ...rest: readonly unknown[]): WorkflowDefinition {
  const [options, define] = rest.length > 1 ? rest : [{}, rest[0]];
  const draft = newDraft(name);
  applyOptions(options, draft);
  if (isFunction(define)) declareTasks(define, draft);
  else
    draft.problems.push({
      path: "tasks",
      message: `is ${describeValue(define)}; write a function, ({ task }) => { … }`,
    });
  return buildWorkflow(draft);
}

const OPTION_NAMES = ["description", "tags", "input"];

function applyOptions(options: unknown, draft: WorkflowDraft): void {
  if (!isPlainObject(options)) {
    draft.problems.push({ path: "", message: `the options are ${describeValue(options)}; write an object` });
    return;
  }
  for (const name of Object.keys(options)) {
    if (OPTION_NAMES.includes(name)) continue;
    draft.problems.push(unknownOption(name, OPTION_NAMES, "a workflow"));
  }
  const { description, tags, input } = options;
  if (description !== undefined) draft.description = description;
  if (input !== undefined) draft.input = input as InputSchema;
  if (isPlainObject(tags)) for (const [key, value] of Object.entries(tags)) draft.tags.set(key, value);
  else if (tags !== undefined) {
    draft.problems.push({ path: "tags", message: `is ${describeValue(tags)}; write an object of texts` });
  }
}

function declareTasks(define: (...args: never[]) => unknown, draft: WorkflowDraft): void {
  let open = true;
  const declare = (...args: readonly unknown[]): unknown => {
    if (!open) {
      const message =
        "a task was declared after its workflow had been built; declare all of them before the function returns";
      throw new DefinitionError(`workflow ${quote(String(draft.name))}`, [{ path: "tasks", message }]);
    }
    const made = functionTask(args[0], args[1]);
    const spec = taskOf(made);
    if (spec !== undefined && isFunction(made)) draft.tasks.push({ spec, self: undefined, references: [made] });
    return made;
  };
  const scope = { task: declare };
  const returned: unknown = Reflect.apply(define, undefined, [scope]);
  open = false;
  if (returned instanceof Promise) {
    // It is refused in any case; a rejection that nobody reads would end the process.
    returned.catch(() => {});
    draft.problems.push({
      path: "tasks",
      message: "the function that declares the tasks is async; let it return without waiting",
    });
  }
}
