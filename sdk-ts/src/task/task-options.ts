import type { Problem } from "../errors/problem.js";
import { MAX_TIMER_MS } from "../protocol/number-limits.js";
import type { OnFailure, OnRetry, OnSuccess } from "./definition.js";
import { describeValue, isPlainObject } from "./describe-value.js";
import { nameProblem } from "./names.js";
import { type Option, readOptions } from "./option-table.js";
import { RETRY_OPTIONS, type RetryOptions } from "./retry-options.js";

/** What can be said about a task besides its dependencies. */
export interface CommonTaskOptions extends RetryOptions {
  /** Unique within the workflow. By default the name of the method, or of the function. */
  readonly id?: string | undefined;
  /**
   * Longest time that an attempt may hold a slot, in milliseconds: 1 to 2,147,483,647. Time in a deferral does not count. No
   * limit by default.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether the task is called with a handle. By default it is when its second parameter is named `handle`, `taskHandle` or
   * `task_handle`. Say it where a minifier may rename parameters.
   */
  readonly handle?: boolean | undefined;
  /** Called in the host after the result was accepted, at most once. Its errors are logged and have no effect. */
  readonly onSuccess?: OnSuccess | undefined;
  /**
   * Called in the host whose failure was final, at most once. Its errors are logged and have no effect. Not called for an end
   * that the scheduler decides: a timeout, a cancellation, a host that was lost.
   */
  readonly onFailure?: OnFailure | undefined;
  /**
   * Called in the host whose failure is followed by another attempt, at most once for each failure; its last argument says
   * when, and which. Its errors are logged and have no effect. Like `onFailure`, it hears nothing of timeouts.
   */
  readonly onRetry?: OnRetry | undefined;
}

/** An option, and what it is for. */
interface TaskOption extends Option {
  readonly doc: string;
}

/** All options of a task. What is not in this table is an unknown option. */
export const TASK_OPTIONS: readonly TaskOption[] = [
  { name: "id", check: nameProblem, doc: "unique within the workflow" },
  { name: "dependencies", check: checkDependencies, doc: "tasks, or ids of tasks, that must have ended before" },
  { name: "triggerRule", check: checkRule, doc: "decides whether the task starts once its dependencies have ended" },
  ...RETRY_OPTIONS,
  { name: "timeoutMs", check: checkTimeout, doc: "longest time that an attempt may hold a slot, in milliseconds" },
  { name: "handle", check: checkHandle, doc: "whether the task is called with a handle" },
  { name: "onSuccess", check: checkCallback, doc: "called after the result was accepted" },
  { name: "onFailure", check: checkCallback, doc: "called after the failure was final" },
  { name: "onRetry", check: checkCallback, doc: "called after a failure that another attempt follows" },
];

/** The options of a task, each undefined where it was not given or is wrong. */
export interface CheckedOptions extends CommonTaskOptions {
  /** An array of anything, or a function that returns one. */
  readonly dependencies?: unknown;
  /** A text, an object or a function. */
  readonly triggerRule?: unknown;
}

/** The options that are fine, and the problems of the others; paths are relative to the task: `timeoutMs`. */
export function checkTaskOptions(options: unknown): { readonly checked: CheckedOptions; readonly problems: Problem[] } {
  return readOptions(options, TASK_OPTIONS, "a task");
}

function checkDependencies(value: unknown): string | null {
  if (Array.isArray(value) || typeof value === "function") return null;
  return `is ${describeValue(value)}; write an array of tasks or ids, or in a class a function such as (self: Etl) => [self.load]`;
}

// What a rule says can be judged only when the tasks are known that it names.
function checkRule(value: unknown): string | null {
  if (typeof value === "string" || typeof value === "function" || isPlainObject(value)) return null;
  return `is ${describeValue(value)}; write a rule, as in rule.failed(load), or one of all_success, always`;
}

function checkTimeout(value: unknown): string | null {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_TIMER_MS) return null;
  return `is ${describeValue(value)}; allowed are whole milliseconds from 1 to ${MAX_TIMER_MS}, or leave it out for no limit`;
}

function checkHandle(value: unknown): string | null {
  return typeof value === "boolean" ? null : `is ${describeValue(value)}; allowed are true and false`;
}

function checkCallback(value: unknown): string | null {
  return typeof value === "function" ? null : `is ${describeValue(value)}; a callback is a function`;
}
