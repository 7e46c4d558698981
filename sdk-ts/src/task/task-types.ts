import type { AnyContext, Context } from "./context.js";
import type {
  AnyEntry,
  Entries,
  Entry,
  NoValues,
  OpenValues,
  Overlay,
  PartialValues,
  Values,
} from "./context-types.js";
import type { TaskHandle } from "./task-handle.js";
import type { MeansAllSuccess } from "./trigger-rule.js";

// Only for the compiler: nothing is there at run time.
declare const isTask: unique symbol;
declare const values: unique symbol;

/** Any task in function form. Compared by one small property, since values of long graphs cost time to compare. */
export interface AnyTask {
  readonly [isTask]: true;
}

/** A task that others can depend on; the type knows which values its context has when it ends. */
export interface TaskReference<out Out> extends AnyTask {
  readonly [values]: Out;
}

/** A task in function form. It can be called as the function that was given, in a test for example. */
export interface FunctionTask<In, out Out, Returned> extends TaskReference<Out> {
  (context: Context<In>, handle?: TaskHandle | null): Returned;
}

/** What is no task in function form, for the compiler. */
export interface NoFunctionTask {
  readonly [isTask]?: never;
}

/** What a dependency can be: another task, or its id. */
export type Dependency = string | AnyTask;

/** A value or a promise of it. */
export type MaybePromise<T> = T | PromiseLike<T>;

/**
 * What a task may return: its context or nothing (what it wrote counts), a plain object (keys to set on top), or another
 * context (the difference counts). Arrays, maps, functions, dates and promises within promises are none of these: they have
 * what a plain object lacks.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: what a function without a return statement returns
export type TaskResult = AnyContext | PlainObject | void | null | undefined;

type PlainObject = object & {
  readonly [Symbol.iterator]?: never;
  readonly [Symbol.hasInstance]?: never;
  readonly [Symbol.toPrimitive]?: never;
  readonly then?: never;
};

/**
 * What a task finds in its context: the values of all that it depends on, or the workflow's input when it depends on
 * nothing. Where two of them set a key, it is a union. Of an array whose length is not known, any element may be missing.
 */
export type InputOf<Dependencies extends readonly unknown[], Input> = Dependencies extends readonly []
  ? Input
  : Dependencies extends readonly [infer Only]
    ? OutputValues<Only>
    : number extends Dependencies["length"]
      ? Values<MaybeMissing<OutputEntries<Dependencies[number]>>>
      : Values<OutputEntries<Dependencies[number]>>;

/**
 * What a task with a trigger rule finds in its context. Where the rule also lets it start after a failure or a skip, whatever
 * its dependencies were to set may be missing.
 */
export type RuledInput<Dependencies extends readonly unknown[], Input, Rule> = Dependencies extends readonly []
  ? Input
  : [MeansAllSuccess<Rule>] extends [true]
    ? InputOf<Dependencies, Input>
    : PartialValues<Entries<InputOf<Dependencies, Input>>>;

type OutputValues<D> = D extends TaskReference<infer Out> ? Out : OpenValues;

type OutputEntries<D> = D extends TaskReference<infer Out> ? Entries<Out> : Entry<string, unknown>;

type MaybeMissing<E extends AnyEntry> = E extends Entry<infer K, infer V> ? Entry<K, V | undefined> : never;

/** What a task that found `In` and returned `R` leaves to those that depend on it. */
export type OutputOf<In, R> = [R] extends [never]
  ? In
  : IsUnion<R> extends true
    ? Values<Entries<ResultValues<In, R>>>
    : ResultValues<In, R>;

type IsUnion<R, All = R> = true extends (R extends unknown ? ([All] extends [R] ? false : true) : never) ? true : false;

type ResultValues<In, R> =
  R extends Context<infer Out>
    ? Out
    : // biome-ignore lint/suspicious/noConfusingVoidType: what a function without a return statement returns
      R extends void | null | undefined
      ? In
      : R extends object
        ? Overlay<In, R>
        : NoValues;
