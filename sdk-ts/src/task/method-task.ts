import { DefinitionError } from "../errors/definition-error.js";
import type { Context } from "./context.js";
import { describeValue } from "./describe-value.js";
import type { TaskHandle } from "./task-handle.js";
import type { CommonTaskOptions } from "./task-options.js";
import { type AnyFunction, isFunction, rememberTask, type TaskSpec, taskSpec } from "./task-spec.js";
import type { AnyTask, MaybePromise, TaskResult } from "./task-types.js";
import type { RuleLike } from "./trigger-rule.js";

/** What a method can depend on: an id, another decorated method, or a task in function form. */
export type MethodDependency = string | AnyFunction | AnyTask;

/** Options of a decorated method. */
export interface MethodTaskOptions extends CommonTaskOptions {
  /**
   * What must have ended before, and without a trigger rule succeeded: ids, tasks, or a function of the instance that returns them, as in
   * `(self: Etl) => [self.fetchData]`. The contexts are folded in this order. None by default.
   */
  readonly dependencies?: readonly MethodDependency[] | ((self: never) => readonly MethodDependency[]) | undefined;
  /**
   * Decides, once all dependencies have ended, whether the task starts or is skipped: made with `rule`, `"always"`, or a
   * function of the instance that returns it, as in `(self: Etl) => rule.failed(self.fetchData)`. By default `"all_success"`: it
   * starts when all of them succeeded.
   */
  readonly triggerRule?: RuleLike | ((self: never) => RuleLike) | undefined;
}

/** A method that can be a task. What it says about its context is taken at its word. */
export type TaskMethod<This> = (this: This, context: Context<never>, handle: TaskHandle) => MaybePromise<TaskResult>;

/**
 * Makes a method a task; it stays callable as it was. Works as a standard decorator and as one of `experimentalDecorators`.
 *
 * In a direct call it gets the handle that it is given: with `noHandle`, `deferUntil` throws a HandleMissingError that says what
 * to do; with `null`, where its parameter allows that, it has to expect null.
 */
export interface TaskDecorator {
  <This, Method extends TaskMethod<This>>(method: Method, context: ClassMethodDecoratorContext<This, Method>): void;
  <Method extends TaskMethod<never>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void;
}

/** What decorators of a class have declared, by key: for a prototype (legacy decorators) or an instance (standard ones). */
const declared = new WeakMap<object, Map<PropertyKey, TaskSpec>>();

/** The tasks that decorators have declared directly on an object, by key, in declared order. */
export function declaredTasks(holder: object): ReadonlyMap<PropertyKey, TaskSpec> {
  return declared.get(holder) ?? new Map();
}

/** The decorator of a method that is a task with these options. */
export function taskDecorator(options: unknown): TaskDecorator {
  return (...args: readonly unknown[]): void => {
    const [first, second, third] = args;
    if (isStandardContext(second)) decorateStandard(options, first, second);
    else decorateLegacy(options, first, second, third);
  };
}

/** Whether these are the arguments of a decorator, not of a call. */
export function isDecoratorCall(args: readonly unknown[]): boolean {
  return isStandardContext(args[1]) || args.length === 3;
}

function isStandardContext(value: unknown): value is DecoratorContext {
  return typeof value === "object" && value !== null && "kind" in value && "addInitializer" in value;
}

function decorateStandard(options: unknown, method: unknown, context: DecoratorContext): void {
  const name = String(context.name);
  if (context.kind !== "method") throw misplaced(name, `is a ${context.kind}`);
  if (context.private) throw misplaced(name, "is private, so nobody could find it");
  const spec = remember(options, method, context.name);
  // Where another decorator wraps the method, the function on the prototype is not the one that was seen here.
  context.addInitializer(function (this: unknown) {
    if (isObject(this)) declare(this, context.name, spec);
  });
}

function decorateLegacy(options: unknown, target: unknown, key: unknown, descriptor: unknown): void {
  const method: unknown = isObject(descriptor) && "value" in descriptor ? descriptor.value : undefined;
  if ((typeof key !== "string" && typeof key !== "symbol") || !isObject(target) || !isFunction(method)) {
    throw misplaced(String(key ?? describeValue(target)), "is no method");
  }
  declare(target, key, remember(options, method, key));
}

function remember(options: unknown, method: unknown, key: string | symbol): TaskSpec {
  const spec = taskSpec(options, "method", method, typeof key === "string" ? key : "");
  rememberTask(spec.fn, spec);
  return spec;
}

function declare(holder: object, key: PropertyKey, spec: TaskSpec): void {
  const tasks = declared.get(holder) ?? new Map<PropertyKey, TaskSpec>();
  tasks.set(key, spec);
  declared.set(holder, tasks);
}

function misplaced(name: string, problem: string): DefinitionError {
  const message = `${name} ${problem}; @task(…) goes before a public method of a class`;
  return new DefinitionError("decorator @task", [{ path: "", message }]);
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
