import { DefinitionError } from "../errors/definition-error.js";
import type { Context } from "./context.js";
import type { NoValues } from "./context-types.js";
import { type FunctionTaskOptions, functionTask } from "./function-task.js";
import { isDecoratorCall, type MethodTaskOptions, type TaskDecorator, taskDecorator } from "./method-task.js";
import type { TaskHandle } from "./task-handle.js";
import type { Dependency, FunctionTask, MaybePromise, OutputOf, RuledInput, TaskResult } from "./task-types.js";
import type { RuleLike } from "./trigger-rule.js";

/**
 * Makes a task, in one of two forms. What is wrong with it is told when its workflow is built.
 *
 * Of a function, here to be added to a `WorkflowBuilder`; within `workflow(name, ({ task }) => …)` use the `task` given there:
 *
 * ```ts
 * const fetchData = task({ id: "fetch_data" }, async (context) => context.set("raw", [1, 2, 3]));
 * ```
 *
 * Of a method, as a decorator (standard, or of `experimentalDecorators`); `addTasks(new Etl())` adds it to a workflow:
 *
 * ```ts
 * class Etl {
 *   @task({ dependencies: (self: Etl) => [self.fetchData] })
 *   async waitForFile(context: Context, handle: TaskHandle) { … }
 * }
 * ```
 *
 * A second parameter named `handle`, `taskHandle` or `task_handle` gets the task's handle.
 */
export function task<
  const Dependencies extends readonly Dependency[] = readonly [],
  Returned extends MaybePromise<TaskResult> = void,
  const Rule extends RuleLike | undefined = undefined,
>(
  options: FunctionTaskOptions<Dependencies, Rule>,
  fn: (context: Context<RuledInput<Dependencies, NoValues, Rule>>, handle: TaskHandle) => Returned,
): FunctionTask<
  RuledInput<Dependencies, NoValues, Rule>,
  OutputOf<RuledInput<Dependencies, NoValues, Rule>, Awaited<Returned>>,
  Returned
>;
export function task(options?: MethodTaskOptions): TaskDecorator;
export function task(...args: readonly unknown[]): unknown {
  if (isDecoratorCall(args)) {
    throw new DefinitionError("decorator @task", [{ path: "", message: "write it with parentheses: @task()" }]);
  }
  const [options = {}, fn] = args;
  return args.length > 1 ? functionTask(options, fn) : taskDecorator(options);
}
