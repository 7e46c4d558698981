import type { Context } from "./context.js";
import { noHandle } from "./no-handle.js";
import type { TaskHandle } from "./task-handle.js";
import type { CommonTaskOptions } from "./task-options.js";
import { rememberTask, taskSpec } from "./task-spec.js";
import type { Dependency, FunctionTask, MaybePromise, OutputOf, RuledInput, TaskResult } from "./task-types.js";
import type { RuleLike } from "./trigger-rule.js";

/** Options of a task in function form. */
export interface FunctionTaskOptions<
  Dependencies extends readonly Dependency[],
  Rule extends RuleLike | undefined = RuleLike | undefined,
> extends CommonTaskOptions {
  /**
   * What must have ended before, and without a trigger rule succeeded: tasks, whose types flow into the context, or ids. The contexts are folded in this order.
   * None by default.
   */
  readonly dependencies?: Dependencies | undefined;
  /**
   * Decides, once all dependencies have ended, whether the task starts or is skipped: made with `rule`, or `"always"`. By
   * default `"all_success"`: it starts when all of them succeeded. Under any other rule, values of the context may be missing.
   */
  readonly triggerRule?: Rule | undefined;
}

/** The function form of `task`; the entries are those of the workflow's input. */
export type FunctionTaskMaker<Input> = <
  const Dependencies extends readonly Dependency[] = readonly [],
  Returned extends MaybePromise<TaskResult> = void,
  const Rule extends RuleLike | undefined = undefined,
>(
  options: FunctionTaskOptions<Dependencies, Rule>,
  fn: (context: Context<RuledInput<Dependencies, Input, Rule>>, handle: TaskHandle) => Returned,
) => FunctionTask<
  RuledInput<Dependencies, Input, Rule>,
  OutputOf<RuledInput<Dependencies, Input, Rule>, Awaited<Returned>>,
  Returned
>;

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
