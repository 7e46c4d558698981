import { type AnyContext, Context } from "./context.js";
import { type ContextState, fold, keysOf, type Patch, patchFrom, REMOVED, STATE, textOf } from "./context-state.js";
import { encodedEntries } from "./encode-values.js";
import { decodeValue, encodeValue } from "./value-codec.js";

const NOTHING: Patch = { set: {}, removed: [] };

/**
 * A context with an input from the wire, key to JSON text, unparsed. A checkpoint of earlier executions lies on top of the
 * input and is part of it: the patch is empty.
 */
export function contextFromWire(input: Readonly<Record<string, string>>, checkpoint: Patch = NOTHING): Context {
  const base = new Map(Object.entries(input));
  for (const [key, text] of Object.entries(checkpoint.set)) base.set(key, text);
  for (const key of checkpoint.removed) base.delete(key);
  return contextOver({ base, changes: new Map() });
}

/** All values of a context, key to JSON text: what a run starts with. */
export function contextToWire(context: AnyContext): Record<string, string> {
  const state = context[STATE];
  return Object.fromEntries(keysOf(state).map((key) => [key, textOf(state, key) ?? "null"]));
}

/** What was set and removed since the input, or since the patch was last taken. */
export function patchOf(context: AnyContext): Patch {
  return patchFrom(context[STATE].changes);
}

/** The patch, to be committed as a checkpoint: from here on it is part of the input, and the patch starts empty again. */
export function takePatch(context: AnyContext): Patch {
  const state = context[STATE];
  const patch = patchFrom(state.changes);
  state.base = fold(state.base, state.changes);
  state.changes = new Map();
  return patch;
}

/** The task of a context has ended: it can be read as before, and changing it throws a ContextConsumedError. */
export function endContext(context: AnyContext): void {
  context[STATE].hasEnded = true;
}

/** Whether a patch changes anything. */
export function isEmptyPatch(patch: Patch): boolean {
  return patch.removed.length === 0 && Object.keys(patch.set).length === 0;
}

/**
 * A context with the same input, where these values are set on top of what the context has set.
 *
 * @throws ContextKeyInvalidError, ContextValueError with all problems
 */
export function withValues(context: AnyContext, values: Readonly<Record<string, unknown>>): Context {
  const { base, changes } = context[STATE];
  const fork = contextOver({ base, changes: new Map(changes) });
  for (const [key, text] of encodedEntries(values)) fork[STATE].changes.set(key, text);
  return fork;
}

/** A context with the input of `context`, and changes that give it exactly the values of `view`. */
export function withView(context: AnyContext, view: AnyContext): Context {
  const { base } = context[STATE];
  const target = view[STATE];
  const changes: ContextState["changes"] = new Map();
  for (const key of keysOf(target)) {
    const text = textOf(target, key);
    const before = base.get(key);
    if (text !== undefined && (before === undefined || !sameValue(before, text, key))) changes.set(key, text);
  }
  for (const key of base.keys()) if (textOf(target, key) === undefined) changes.set(key, REMOVED);
  return contextOver({ base, changes });
}

/** Texts that differ may still say the same: other languages write other spaces. */
function sameValue(before: string, text: string, key: string): boolean {
  if (before === text) return true;
  try {
    return encodeValue(decodeValue(before, key), key) === text;
  } catch {
    return false;
  }
}

function contextOver({ base, changes }: ContextState): Context {
  const context = new Context();
  const state = context[STATE];
  state.base = base;
  state.changes = changes;
  return context;
}
