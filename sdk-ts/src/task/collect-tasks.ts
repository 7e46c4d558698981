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
 * code of the override.
 */
export function collectTasks(source: object): DraftTask[] {
  const found = new Map<PropertyKey, Found>();
  for (const holder of chainOf(source)) collectFrom(holder, found);
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

function collectFrom(holder: object, found: Map<PropertyKey, Found>): void {
  const declared = declaredTasks(holder);
  for (const key of new Set([...Reflect.ownKeys(holder), ...declared.keys()])) {
    const inherited = found.get(key);
    // Only the value is read: a getter could do anything.
    const value: unknown = Reflect.getOwnPropertyDescriptor(holder, key)?.value;
    const spec = taskOf(value) ?? declared.get(key) ?? inherited?.spec;
    if (spec === undefined) continue;
    const functions = isFunction(value) ? [value] : [];
    found.set(key, { spec, references: [...(inherited?.references ?? []), spec.fn, ...functions] });
  }
}
