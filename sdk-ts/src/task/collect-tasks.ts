import { declaredTasks } from "./method-task.js";
import { type AnyFunction, isFunction, type TaskSpec, taskOf, withCode } from "./task-spec.js";
import type { DraftTask } from "./workflow-draft.js";

interface Found {
  readonly spec: TaskSpec;
  /** All functions under the key, along the chain of prototypes. */
  readonly references: readonly AnyFunction[];
}

/**
 * The tasks of an object, in declared order, those of base classes first: the decorated methods of an instance, or the
 * decorated static methods of a class, and properties that hold tasks in function form.
 *
 * An override takes the place of what it overrides. When it is not decorated itself, the options of the base stay, with the
 * code of the override. So it is for what is put on the instance itself: a bound method, or a test's spy.
 */
export function collectTasks(source: object): DraftTask[] {
  const found = new Map<PropertyKey, Found>();
  const ofInstance = declaredTasks(source);
  for (const holder of chainOf(source)) collectFrom(holder, ofInstance, found);
  return [...found].map(([key, { spec, references }]) => {
    if (spec.form === "function") return { spec, self: undefined, references };
    const current: unknown = Reflect.get(source, key);
    return { spec: isFunction(current) ? withCode(spec, current) : spec, self: source, references };
  });
}

/** The object and its prototypes, from the base down. Those of the language itself hold no tasks. */
function chainOf(source: object): object[] {
  const chain: object[] = [];
  for (let holder: object | null = source; holder !== null; holder = Reflect.getPrototypeOf(holder)) {
    if (holder === Object.prototype || holder === Function.prototype) break;
    chain.unshift(holder);
  }
  return chain;
}

function collectFrom(
  holder: object,
  ofInstance: ReadonlyMap<PropertyKey, TaskSpec>,
  found: Map<PropertyKey, Found>,
): void {
  const ofHolder = declaredTasks(holder);
  for (const key of Reflect.ownKeys(holder)) {
    const inherited = found.get(key);
    // Only the value is read: a getter could do anything.
    const value: unknown = Reflect.getOwnPropertyDescriptor(holder, key)?.value;
    // Where another decorator wrapped the method, the function is an unknown one, but its key is known.
    const spec = taskOf(value) ?? ofHolder.get(key) ?? inherited?.spec ?? ofInstance.get(key);
    if (spec === undefined) continue;
    const functions = isFunction(value) ? [value] : [];
    found.set(key, { spec, references: [...(inherited?.references ?? []), spec.fn, ...functions] });
  }
}
