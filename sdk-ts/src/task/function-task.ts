import type { Context } from "./context.js";
import { noHandle } from "./no-handle.js";
import type { TaskHandle } from "./task-handle.js";
import type { CommonTaskOptions } from "./task-options.js";
import { rememberTask, taskSpec } from "./task-spec.js";
import type { Dependency, FunctionTask, InputOf, MaybePromise, OutputOf, TaskResult } from "./task-types.js";

/** Options of a task in function form. */
export interface FunctionTaskOptions<Dependencies extends readonly Dependency[]> extends CommonTaskOptions {
  /**
   * What must have succeeded before: tasks, whose types flow into the context, or ids. The contexts are folded in this order.
   * None by default.
   */
  readonly dependencies?: Dependencies | undefined;
}

/** The function form of `task`; the entries are those of the workflow's input. */
export type FunctionTaskMaker<Input> = <
  const Dependencies extends readonly Dependency[] = readonly [],
  Returned extends MaybePromise<TaskResult> = void,
>(
  options: FunctionTaskOptions<Dependencies>,
  fn: (context: Context<InputOf<Dependencies, Input>>, handle: TaskHandle) => Returned,
) => FunctionTask<InputOf<Dependencies, Input>, OutputOf<InputOf<Dependencies, Input>, Awaited<Returned>>, Returned>;

/**
 * A task of a function. What comes back is another function, which does the same: so one function can be the code of several
 * tasks.
 */
export function functionTask(options: unknown, fn: unknown): FunctionTask<never, never, never> {
  const spec = taskSpec(options, "function", fn);
  const wanted = spec.handle.kind === "wanted";
  const call = (context: unknown, handle: unknown): unknown =>
    Reflect.apply(spec.fn, undefined, wanted ? [context, handle ?? noHandle] : [context]);
  Object.defineProperty(call, "name", { value: spec.options.id ?? spec.defaultId });
  rememberTask(call, spec);
  return call as unknown as FunctionTask<never, never, never>;
}
