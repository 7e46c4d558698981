import type { Problem } from "../errors/problem.js";
import type { InputSchema } from "./definition.js";
import type { AnyFunction, TaskSpec } from "./task-spec.js";

/** A task of a workflow that is being put together. */
export interface DraftTask {
  readonly spec: TaskSpec;
  /** What `this` is in the task and its callbacks; undefined for a function. */
  readonly self: object | undefined;
  /** The functions that stand for this task when another task depends on them. */
  readonly references: readonly AnyFunction[];
}

/** A workflow that is being put together: whatever was said, right or wrong. `buildWorkflow` is the judge. */
export interface WorkflowDraft {
  readonly name: unknown;
  description: unknown;
  /** Key and value, in the order in which they were said; a later one of the same key replaces the earlier. */
  readonly tags: Map<unknown, unknown>;
  input: InputSchema | undefined;
  readonly tasks: DraftTask[];
  /** Problems that were found on the way. */
  readonly problems: Problem[];
}

/** A workflow about which only its name is known. */
export function newDraft(name: unknown): WorkflowDraft {
  return { name, description: "", tags: new Map(), input: undefined, tasks: [], problems: [] };
}
