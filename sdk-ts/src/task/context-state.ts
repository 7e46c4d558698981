/** What a task did to its context: the keys that it set, with the JSON text of their values, and those that it removed. */
export interface Patch {
  readonly set: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
}

/** Stands for the value of a key that was removed. */
export const REMOVED = null;

/**
 * What a context holds: JSON texts, which are parsed only when somebody asks for the value. The input is never copied: what
 * was done to it lies on top.
 */
export interface ContextState {
  /** The values that came in, or that have been committed since. */
  base: ReadonlyMap<string, string>;
  /** What was set and removed on top of `base`, in the order of the keys' first change. */
  changes: Map<string, string | typeof REMOVED>;
  /** Its task has ended: it can be read, and not be changed. */
  hasEnded?: boolean;
}

/** Where a context keeps its state; every copy of this package finds it there. */
export const STATE: unique symbol = Symbol.for("@cloaca/sdk/Context.state");

/** The text of a key, or undefined. */
export function textOf({ base, changes }: ContextState, key: string): string | undefined {
  const changed = changes.get(key);
  if (changed === REMOVED) return undefined;
  return changed ?? base.get(key);
}

/** All keys, those of the input first. */
export function keysOf({ base, changes }: ContextState): string[] {
  const keys: string[] = [];
  for (const key of base.keys()) if (changes.get(key) !== REMOVED) keys.push(key);
  for (const [key, text] of changes) if (text !== REMOVED && !base.has(key)) keys.push(key);
  return keys;
}

/** Removes a key. What was not in the base needs no mention in a patch. */
export function removeFrom({ base, changes }: ContextState, key: string): void {
  if (base.has(key)) changes.set(key, REMOVED);
  else changes.delete(key);
}

/** The patch that the changes make. */
export function patchFrom(changes: ReadonlyMap<string, string | typeof REMOVED>): Patch {
  const set: [string, string][] = [];
  const removed: string[] = [];
  for (const [key, text] of changes) {
    if (text === REMOVED) removed.push(key);
    else set.push([key, text]);
  }
  return { set: Object.fromEntries(set), removed };
}

/** The values with the changes applied. */
export function fold(base: ReadonlyMap<string, string>, changes: ContextState["changes"]): Map<string, string> {
  const values = new Map(base);
  for (const [key, text] of changes) {
    if (text === REMOVED) values.delete(key);
    else values.set(key, text);
  }
  return values;
}
