import { OptionsError, type Problem } from "../errors/index.js";
import { didYouMean, nearest } from "../errors/nearest.js";
import { quote } from "../errors/quote.js";
import { MAX_TIMER_MS } from "../protocol/number-limits.js";
import type { Context } from "../task/context.js";
import type { WorkflowDefinition } from "../task/definition.js";
import { describeValue, isPlainObject } from "../task/describe-value.js";
import { type Option, readOptions, wholeNumber } from "../task/option-table.js";
import type { TaskHandle } from "../task/task-handle.js";
import type { ConditionScripts } from "./condition-script.js";
import { clockProblems, conditionsProblem, milliseconds, TEST_OPTIONS, type TestOptions } from "./test-options.js";

/** What a task does instead of its own code: a function that always gets a handle, or the values that it leaves. */
export type Replacement = ((context: Context, handle: TaskHandle) => unknown) | Readonly<Record<string, unknown>>;

/** How a workflow is run. All times are virtual, in milliseconds. */
export interface RunWorkflowOptions extends TestOptions {
  /** Tasks that may hold a slot at once, 0 to 100,000. 10 by default. */
  readonly slots?: number | undefined;
  /** What the conditions of tasks say, by the ids of the tasks. By default they are asked, each poll interval. */
  readonly conditions?: Readonly<Record<string, ConditionScripts>> | undefined;
  /** What tasks do instead of their own code, by their ids. Their options, callbacks and dependencies stay. */
  readonly tasks?: Readonly<Record<string, Replacement>> | undefined;
  /** How long each execution of a task takes before its code runs, by the ids of the tasks: a slot is held for so long. */
  readonly takes?: Readonly<Record<string, number>> | undefined;
  /** Leaves the run after so much time, however far it is. By default it is followed to its end. */
  readonly until?: number | undefined;
  /** Cancels the run after so much time. */
  readonly cancelAfterMs?: number | undefined;
  /** The run's own deadline, as when it is started with `timeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** Decides ids, and with them the jitter of retries. 0 by default. */
  readonly seed?: number | string | undefined;
}

const TABLE: readonly Option[] = [
  ...TEST_OPTIONS,
  { name: "slots", check: wholeNumber(0, 100_000) },
  { name: "conditions", check: objectProblem },
  { name: "tasks", check: objectProblem },
  { name: "takes", check: objectProblem },
  { name: "until", check: milliseconds },
  { name: "cancelAfterMs", check: milliseconds },
  { name: "timeoutMs", check: wholeNumber(1, MAX_TIMER_MS, " milliseconds") },
  { name: "seed", check: seedProblem },
];

const BY_TASK: readonly { readonly name: "conditions" | "tasks" | "takes"; readonly check: Option["check"] }[] = [
  { name: "conditions", check: conditionsProblem },
  { name: "tasks", check: replacementProblem },
  { name: "takes", check: milliseconds },
];

/** Throws OptionsError with everything that is wrong. */
export function checkWorkflowOptions(
  { tasks }: Pick<WorkflowDefinition<object>, "tasks">,
  options: unknown = {},
): RunWorkflowOptions {
  const { checked, problems } = readOptions(options, TABLE, "runWorkflow");
  const ids = tasks.map(({ id }) => id);
  const inTasks = BY_TASK.flatMap(({ name, check }) => byTaskProblems(name, checked[name], ids, check));
  const all = [...problems, ...clockProblems(checked), ...inTasks];
  if (all.length > 0) throw new OptionsError("runWorkflow", all);
  return checked as RunWorkflowOptions;
}

function byTaskProblems(name: string, value: unknown, ids: readonly string[], check: Option["check"]): Problem[] {
  return Object.entries(value ?? {}).flatMap(([id, one]): Problem[] => {
    const path = `${name}.${id}`;
    if (!ids.includes(id)) {
      const near = nearest(id, ids);
      const message = `${quote(id)} is not a task of the workflow${didYouMean(near)}`;
      return [{ path, message, ...(near === undefined ? {} : { nearest: near }) }];
    }
    const message = check(one);
    return message === null ? [] : [{ path, message, found: describeValue(one) }];
  });
}

function objectProblem(value: unknown): string | null {
  return isPlainObject(value) ? null : `is ${describeValue(value)}; write an object whose keys are ids of tasks`;
}

function replacementProblem(value: unknown): string | null {
  if (typeof value === "function" || isPlainObject(value)) return null;
  return `is ${describeValue(value)}; write a function, (context, handle) => …, or an object with the values that the task leaves`;
}

function seedProblem(value: unknown): string | null {
  const isSeed = typeof value === "string" || (typeof value === "number" && Number.isFinite(value));
  return isSeed ? null : `is ${describeValue(value)}; write a number or a text`;
}
