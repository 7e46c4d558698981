/** The code of one task of a workflow that another registers: looked at, and made what a host executes. */
import { OptionsError } from "../errors/index.js";
import type { Problem } from "../errors/problem.js";
import { resolved } from "../task/build-workflow.js";
import type { ResolvedTask } from "../task/definition.js";
import { describeValue, isPlainObject } from "../task/describe-value.js";
import { nameProblem } from "../task/names.js";
import { readOptions } from "../task/option-table.js";
import { type CommonTaskOptions, TASK_OPTIONS } from "../task/task-options.js";
import { isFunction, type TaskSpec, taskOf, taskSpec } from "../task/task-spec.js";

const OPTION_NAMES = ["handle", "onSuccess", "onFailure", "onRetry"] as const;

/** What can be said about the code of a task. The rest belongs to the graph, and so to whoever registers that. */
export type ImplementOptions = Pick<CommonTaskOptions, (typeof OPTION_NAMES)[number]>;

const TABLE = TASK_OPTIONS.filter(({ name }) => OPTION_NAMES.some((own) => own === name));
const WRITE = "write host.implement(workflowName, taskId, fn)";

/**
 * The task that `host.implement` was given.
 *
 * @param code a task, or its id, code and options
 * @throws OptionsError with everything that is wrong
 */
export function implementedTask(workflow: unknown, code: readonly unknown[]): ResolvedTask {
  const wrongName = nameProblem(workflow);
  const head: Problem[] = wrongName === null ? [] : [{ path: "workflowName", message: wrongName }];
  const { task, problems } = readCode(code);
  const all = [...head, ...problems];
  if (task === null || all.length > 0) throw new OptionsError("host.implement", all);
  return task;
}

interface Read {
  readonly task: ResolvedTask | null;
  readonly problems: readonly Problem[];
}

function readCode(code: readonly unknown[]): Read {
  const [first, fn, options] = code;
  if (code.length > 1 || typeof first === "string") return readParts(first, fn, options ?? {});
  const spec = taskOf(first);
  if (spec !== undefined) return readSpec(spec);
  if (isPlainObject(first) && isFunction(first["fn"]) && typeof first["wantsHandle"] === "boolean") {
    return readResolved(first);
  }
  return refused("task", `is ${describeValue(first)}; ${WRITE}, or pass what task(options, fn) returned`);
}

function readParts(id: unknown, fn: unknown, options: unknown): Read {
  const { checked, problems } = readOptions(options, TABLE, "an implementation");
  const wrongId = nameProblem(id);
  const inId = wrongId === null ? [] : [{ path: "taskId", message: wrongId }];
  const spec = taskSpec({ ...checked, ...(wrongId === null ? { id } : null) }, "function", fn, "task");
  const inCode = [...spec.problems, ...handleProblems(spec)].map((problem) => ({ ...problem, path: "fn" }));
  const all = [...inId, ...inCode, ...problems];
  return all.length > 0 ? { task: null, problems: all } : { task: taskFrom(spec, String(id)), problems: [] };
}

/** What `task(options, fn)` returned. What it says of the graph counts for nothing here. */
function readSpec(spec: TaskSpec): Read {
  if (spec.form === "method") {
    return refused(
      "task",
      `is a method, and its instance is not known; ${WRITE} with (context) => instance.method(context)`,
    );
  }
  const id = spec.options.id ?? spec.defaultId;
  const wrongId = nameProblem(id);
  const inId = wrongId === null || spec.problems.some(({ path }) => path === "id") ? [] : [`id: ${wrongId}`];
  const others = [...spec.problems, ...handleProblems(spec)].map((p) =>
    p.path === "" ? p.message : `${p.path}: ${p.message}`,
  );
  const problems = [...inId, ...others].map((message) => ({ path: "task", message }));
  return problems.length > 0 ? { task: null, problems } : { task: taskFrom(spec, id), problems };
}

/** A task of a workflow that was built. */
function readResolved(task: Record<string, unknown>): Read {
  const wrongId = nameProblem(task["id"]);
  return wrongId === null ? { task: task as unknown as ResolvedTask, problems: [] } : refused("task.id", wrongId);
}

function refused(path: string, message: string): Read {
  return { task: null, problems: [{ path, message }] };
}

function handleProblems({ handle }: TaskSpec): Problem[] {
  return "message" in handle ? [{ path: "handle", message: handle.message }] : [];
}

function taskFrom(spec: TaskSpec, id: string): ResolvedTask {
  return resolved({ spec, self: undefined, references: [] }, id, [], undefined);
}
