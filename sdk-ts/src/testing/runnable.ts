/** What `runTask` is given, as a task that can be executed. */
import { DefinitionError, OptionsError, type Problem } from "../errors/index.js";
import { didYouMean, nearest } from "../errors/nearest.js";
import { quote } from "../errors/quote.js";
import { resolved, taskProblems } from "../task/build-workflow.js";
import type { ResolvedTask } from "../task/definition.js";
import { describeValue } from "../task/describe-value.js";
import { isFunction, type TaskSpec, taskOf } from "../task/task-spec.js";

/**
 * @param given a task in function form, a decorated method, a task of a built workflow, or a function
 * @param self the instance of a method
 * @throws DefinitionError with what is wrong with the task
 * @throws OptionsError when it is nothing that can be executed
 */
export function runnable(given: unknown, self: object | undefined): ResolvedTask {
  if (isResolvedTask(given)) return given;
  const spec = taskOf(given);
  if (spec !== undefined) return fromSpec(spec, self);
  if (!isFunction(given)) {
    const message = `is ${describeValue(given)}; give it what task(options, fn) returned, a decorated method, or a workflow and the id of a task`;
    throw new OptionsError("runTask", [{ path: "task", message }]);
  }
  // A plain function, or a bound method: whatever its parameters are called, it gets a handle.
  const fn: ResolvedTask["fn"] = (context, handle) => Reflect.apply(given, self, [context, handle]);
  return { id: given.name.replace(/^bound /, "") || "task", dependencies: [], wantsHandle: true, fn };
}

/** The task of a workflow with an id. */
export function taskWithId(tasks: readonly ResolvedTask[], id: string, what: string): ResolvedTask {
  const task = tasks.find((one) => one.id === id);
  if (task !== undefined) return task;
  const near = nearest(
    id,
    tasks.map((one) => one.id),
  );
  const message = `${quote(id)} is not a task of the workflow${didYouMean(near)}`;
  throw new OptionsError(what, [{ path: "task", message, ...(near === undefined ? {} : { nearest: near }) }]);
}

function fromSpec(spec: TaskSpec, self: object | undefined): ResolvedTask {
  const id = spec.options.id ?? spec.defaultId;
  const problems = taskProblems(spec, 0).map(
    ({ path, ...rest }): Problem => ({ ...rest, path: path.replace(/^tasks\[0\]\.?/, "") }),
  );
  if (problems.length > 0) throw new DefinitionError(`task ${quote(id)}`, problems);
  if (spec.form === "method" && self === undefined) {
    const message = `is missing: ${quote(id)} is a method; write { self: instance }, with the instance that it belongs to`;
    throw new OptionsError("runTask", [{ path: "self", message }]);
  }
  return resolved({ spec, self, references: [] }, id, [], undefined);
}

function isResolvedTask(value: unknown): value is ResolvedTask {
  return typeof value === "object" && value !== null && "fn" in value && "wantsHandle" in value && "id" in value;
}
