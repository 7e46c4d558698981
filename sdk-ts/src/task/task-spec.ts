import type { Problem } from "../errors/problem.js";
import { describeValue, isClass } from "./describe-value.js";
import { type HandleRequest, handleRequest } from "./handle-parameter.js";
import { type CheckedOptions, checkTaskOptions } from "./task-options.js";

/** Any function: its arguments are the business of whoever calls it. */
export type AnyFunction = (...args: never[]) => unknown;

/** A task as it was written down: what `task` was given, looked at, its problems kept for `build()`. */
export interface TaskSpec {
  /** A method is called with its instance for `this`. */
  readonly form: "function" | "method";
  readonly fn: AnyFunction;
  readonly options: CheckedOptions;
  /** What is wrong with the options; paths are relative to the task. */
  readonly problems: readonly Problem[];
  readonly handle: HandleRequest;
  /** The id when the options name none: the name of the method or function; empty when there is none. */
  readonly defaultId: string;
}

/** Looks at what `task` was given. Throws nothing: all problems are told at `build()`. */
export function taskSpec(options: unknown, form: TaskSpec["form"], fn: unknown, defaultId?: string): TaskSpec {
  const { checked, problems } = checkTaskOptions(options);
  const wrong = codeProblem(fn);
  if (wrong !== null || !isFunction(fn)) {
    const found: Problem = { path: "", message: wrong ?? "the task has no code" };
    const handle: HandleRequest = { kind: "unwanted" };
    return { form, fn: () => {}, options: checked, problems: [...problems, found], handle, defaultId: defaultId ?? "" };
  }
  return { form, fn, options: checked, problems, handle: requestFor(checked, fn), defaultId: defaultId ?? fn.name };
}

function codeProblem(fn: unknown): string | null {
  const found = describeValue(fn);
  if (!isFunction(fn) || isClass(fn)) return `the task's code is ${found}; write a function, which may be async`;
  const generator = /Generator/.test(Object.prototype.toString.call(fn));
  return generator ? "the task's code is a generator; write a function, which may be async" : null;
}

function requestFor(options: CheckedOptions, fn: AnyFunction): HandleRequest {
  const request = handleRequest(fn);
  // The option says whether there is a handle, and cannot make up for a parameter that nothing is passed for.
  if (options.handle === undefined || request.kind === "unfit") return request;
  return { kind: options.handle ? "wanted" : "unwanted" };
}

/** The same task with other code: a method that overrides or wraps the one that was decorated. */
export function withCode(spec: TaskSpec, fn: AnyFunction): TaskSpec {
  if (spec.fn === fn) return spec;
  const request = handleRequest(fn);
  if (request.kind === "unfit") return { ...spec, fn, handle: request };
  const { kind } = spec.handle;
  // A handle that is passed to code without a parameter for it does no harm; one that is not passed on does.
  if (kind === "wanted" || spec.options.handle !== undefined) return { ...spec, fn };
  return { ...spec, fn, handle: request.kind === "unreadable" ? spec.handle : request };
}

// Keyed by function, not kept in decorator metadata: it serves functions, and decorators of either kind.
const specs = new WeakMap<AnyFunction, TaskSpec>();

/** Remembers that a function is a task. */
export function rememberTask(fn: AnyFunction, spec: TaskSpec): void {
  specs.set(fn, spec);
}

/** The task that a function is; undefined when it is none. */
export function taskOf(value: unknown): TaskSpec | undefined {
  return isFunction(value) ? specs.get(value) : undefined;
}

/** Whether a value can be called, or is a class. */
export function isFunction(value: unknown): value is AnyFunction {
  return typeof value === "function";
}
