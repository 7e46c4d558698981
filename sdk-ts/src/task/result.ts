import { TaskResultInvalidError } from "../errors/task-errors.js";
import { type AnyContext, Context } from "./context.js";
import type { Patch } from "./context-state.js";
import { patchOf, withValues, withView } from "./context-wire.js";
import { describeValue, isPlainObject } from "./describe-value.js";

/**
 * The context that a task leaves, from what it returned (awaited): its own context or nothing, as it is; a plain object, set on
 * top of it; another context, whose values then are all that there is.
 *
 * @throws TaskResultInvalidError when it returned anything else
 * @throws ContextKeyInvalidError, ContextValueError with all that is wrong with the entries of the plain object
 */
export function resultContext(context: AnyContext, returned: unknown): Context {
  if (returned === undefined || returned === null || returned === context) return withValues(context, {});
  if (returned instanceof Context) return withView(context, returned);
  if (isPlainObject(returned)) return withValues(context, returned);
  throw new TaskResultInvalidError(describeValue(returned));
}

/** The patch of what a task left, as `resultContext` reads it. */
export function resultToPatch(context: AnyContext, returned: unknown): Patch {
  return patchOf(resultContext(context, returned));
}
