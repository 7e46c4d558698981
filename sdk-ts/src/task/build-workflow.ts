import { DefinitionError } from "../errors/definition-error.js";
import type { Problem } from "../errors/problem.js";
import { quote } from "../errors/quote.js";
import { markBuilt } from "./built.js";
import type { Context } from "./context.js";
import type { OnFailure, OnRetry, OnSuccess, ResolvedRule, ResolvedTask, WorkflowDefinition } from "./definition.js";
import { describeValue } from "./describe-value.js";
import { nameProblem } from "./names.js";
import { noHandle } from "./no-handle.js";
import { resolveDependencies } from "./resolve-dependencies.js";
import { resolveRules } from "./resolve-rules.js";
import { retryPolicy } from "./retry-options.js";
import type { TaskHandle } from "./task-handle.js";
import { labelOf, TaskLookup } from "./task-lookup.js";
import type { TaskSpec } from "./task-spec.js";
import { HALF_A_PAIR, isWellFormed } from "./well-formed.js";
import type { DraftTask, WorkflowDraft } from "./workflow-draft.js";

/** Most tasks of a workflow. */
export const MAX_TASKS = 20_000;

/**
 * Checks a draft and makes the workflow of it.
 *
 * @throws DefinitionError with all problems
 */
export function buildWorkflow(draft: WorkflowDraft): WorkflowDefinition {
  const { tasks } = draft;
  const head = headProblems(draft);
  const found = tasks.map((task, position) => taskProblems(task.spec, position));
  const ids = tasks.map(({ spec }) => validId(spec));
  const lookup = new TaskLookup(tasks, ids);
  const { edges, problems: unresolved } = resolveDependencies(tasks, lookup);
  const { rules, problems: wrongRules } = resolveRules(tasks, lookup, edges);
  const inTasks = [...found.flat(), ...duplicateIds(ids), ...unresolved, ...wrongRules];
  const problems = [...head, ...draft.problems, ...inTasks];
  if (problems.length > 0) throw new DefinitionError(`workflow ${describeName(draft.name)}`, sorted(problems));
  const idAt = (position: number) => ids[position] ?? "";
  return markBuilt({
    name: String(draft.name),
    description: String(draft.description),
    tags: Object.freeze(Object.fromEntries(draft.tags)),
    tasks: Object.freeze(
      tasks.map((task, position) => resolved(task, idAt(position), (edges[position] ?? []).map(idAt), rules[position])),
    ),
    ...(draft.input === undefined ? {} : { input: draft.input as NonNullable<WorkflowDefinition["input"]> }),
  });
}

function describeName(name: unknown): string {
  return typeof name === "string" ? quote(name) : describeValue(name);
}

function headProblems(draft: WorkflowDraft): Problem[] {
  const { name, input, tasks, problems: found } = draft;
  const problems: Problem[] = [];
  const wrongName = nameProblem(name);
  if (wrongName !== null) problems.push({ path: "name", message: wrongName });
  problems.push(...textProblems(draft));
  if (input !== undefined && !isSchema(input)) {
    problems.push({
      path: "input",
      message: `is ${describeValue(input)}; write a Standard Schema, of zod or valibot for example`,
    });
  }
  // Where a task was meant, what is wrong with it says more.
  if (tasks.length === 0 && !found.some(({ path }) => path === "tasks")) {
    problems.push({ path: "tasks", message: "is empty; a workflow has at least one task" });
  }
  if (tasks.length > MAX_TASKS) {
    problems.push({ path: "tasks", message: `has ${tasks.length} tasks; at most ${MAX_TASKS} are allowed` });
  }
  return problems;
}

function textProblems({ description, tags }: WorkflowDraft): Problem[] {
  const problems: Problem[] = [];
  if (typeof description !== "string") {
    problems.push({ path: "description", message: `is ${describeValue(description)}; a description is text` });
  } else if (!isWellFormed(description)) problems.push({ path: "description", message: HALF_A_PAIR });
  for (const [key, value] of tags) {
    const path = `tags[${typeof key === "string" ? quote(key) : describeValue(key)}]`;
    if (typeof key !== "string" || key === "")
      problems.push({ path, message: "the key of a tag is text, and not empty" });
    else if (!isWellFormed(key)) problems.push({ path, message: `the key ${HALF_A_PAIR}` });
    if (typeof value !== "string")
      problems.push({ path, message: `is ${describeValue(value)}; a tag's value is text` });
    else if (!isWellFormed(value)) problems.push({ path, message: HALF_A_PAIR });
  }
  return problems;
}

// A schema may be a function (arktype's are), so its type is not asked.
function isSchema(value: unknown): boolean {
  const standard: unknown = Object(value)["~standard"];
  return typeof Object(standard).validate === "function";
}

/** What is wrong with a task, seen alone; paths begin with its position. */
export function taskProblems(spec: TaskSpec, position: number): Problem[] {
  const label = labelOf(validId(spec));
  const problems = spec.problems.map((problem) => at(position, problem.path, `${label}${problem.message}`, problem));
  const idIsWrong = spec.problems.some(({ path }) => path === "id");
  if (spec.options.id === undefined && !idIsWrong) {
    const wrong = nameProblem(spec.defaultId);
    const message = spec.defaultId === "" ? "is missing" : `is missing, and the name of the function ${wrong}`;
    if (wrong !== null) problems.push(at(position, "id", `${message}; write { id: "…" }`));
  }
  if ("message" in spec.handle) problems.push(at(position, "handle", `${label}${spec.handle.message}`));
  return problems;
}

function at(position: number, field: string, message: string, rest: Partial<Problem> = {}): Problem {
  return { ...rest, path: field === "" ? `tasks[${position}]` : `tasks[${position}].${field}`, message };
}

/** The id that a task has; undefined when that is a problem. */
function validId({ options, defaultId, problems }: TaskSpec): string | undefined {
  if (problems.some(({ path }) => path === "id")) return undefined;
  const id = options.id ?? defaultId;
  return nameProblem(id) === null ? id : undefined;
}

function duplicateIds(ids: readonly (string | undefined)[]): Problem[] {
  const firstAt = new Map<string, number>();
  const problems: Problem[] = [];
  ids.forEach((id, position) => {
    if (id === undefined) return;
    const first = firstAt.get(id);
    if (first === undefined) firstAt.set(id, position);
    else
      problems.push(
        at(position, "id", `${quote(id)} is already the id of tasks[${first}]; ids are unique within a workflow`),
      );
  });
  return problems;
}

/** Problems in the order of the definition: what is about the whole, then the tasks. */
function sorted(problems: readonly Problem[]): Problem[] {
  const position = ({ path }: Problem) => Number(/^tasks\[(\d+)\]/.exec(path)?.[1] ?? -1);
  return problems.toSorted((a, b) => position(a) - position(b));
}

/** A task whose problems have been told, bound to its instance. */
export function resolved(
  { spec, self }: DraftTask,
  id: string,
  dependencies: readonly string[],
  triggerRule: ResolvedRule | undefined,
): ResolvedTask {
  const { timeoutMs, onSuccess, onFailure, onRetry } = spec.options;
  const retry = retryPolicy(spec.options);
  const wantsHandle = spec.handle.kind === "wanted";
  const bind =
    <A extends readonly unknown[]>(callback: (...args: A) => unknown) =>
    (...args: A) =>
      Reflect.apply(callback, self, args);
  return Object.freeze({
    id,
    dependencies: Object.freeze(dependencies),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(retry === undefined ? {} : { retry }),
    ...(triggerRule === undefined ? {} : { triggerRule }),
    wantsHandle,
    fn: (context: Context, handle: TaskHandle | null): unknown =>
      Reflect.apply(spec.fn, self, wantsHandle ? [context, handle ?? noHandle] : [context]),
    ...(onSuccess === undefined ? {} : { onSuccess: bind<Parameters<OnSuccess>>(onSuccess) }),
    ...(onFailure === undefined ? {} : { onFailure: bind<Parameters<OnFailure>>(onFailure) }),
    ...(onRetry === undefined ? {} : { onRetry: bind<Parameters<OnRetry>>(onRetry) }),
  });
}
