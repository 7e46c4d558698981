import type { WireWorkflow } from "../protocol/words.js";
import type { WorkflowDefinition } from "./definition.js";
import { changesOf } from "./retry-options.js";

/** A workflow as it is registered: its graph without its code. */
export function toWireWorkflow({
  name,
  description,
  tags,
  tasks,
}: Pick<WorkflowDefinition, "name" | "description" | "tags" | "tasks">): WireWorkflow {
  return {
    name,
    description,
    tags,
    tasks: tasks.map(({ id, dependencies, timeoutMs, retry, triggerRule }) => ({
      id,
      dependencies,
      ...(timeoutMs === undefined ? null : { timeoutMs }),
      ...(retry === undefined ? null : { retry: changesOf(retry) }),
      ...(triggerRule === undefined ? null : { triggerRule }),
    })),
  };
}
