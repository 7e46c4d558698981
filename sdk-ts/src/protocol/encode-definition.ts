/** Definitions of workflows, from words of the SDK to protobuf. */
import { create } from "@bufbuild/protobuf";
import { RetryBackoff, RetryCondition, type WorkflowDefinition, WorkflowDefinitionSchema } from "@cloaca/protocol";
import type { WireRetry, WireTask, WireWorkflow } from "./words.js";

export function toWireDefinition({ name, description, tags, tasks }: WireWorkflow): WorkflowDefinition {
  return create(WorkflowDefinitionSchema, {
    name,
    description,
    tags,
    tasks: tasks.map(toWireTask),
  });
}

/** A whole retry policy takes no more. */
const RETRY_BYTES = 32;

/** Size of a definition in a message, about. Names are ASCII, and each has a tag and a length. */
export function definitionBytes({ name, description, tags, tasks }: WireWorkflow): number {
  let bytes = name.length + description.length * 3;
  for (const [key, value] of Object.entries(tags)) bytes += (key.length + value.length) * 3;
  for (const { id, dependencies, retry } of tasks) {
    bytes += id.length + 16 + (retry === undefined ? 0 : RETRY_BYTES);
    for (const dependency of dependencies) bytes += dependency.length + 2;
  }
  return bytes;
}

function toWireTask({ id, dependencies, timeoutMs = 0, retry }: WireTask) {
  return {
    id,
    dependencies: [...dependencies],
    timeoutMs,
    ...(retry === undefined ? null : { retry: retryToWire(retry) }),
  };
}

const BACKOFF = {
  fixed: RetryBackoff.FIXED,
  linear: RetryBackoff.LINEAR,
  exponential: RetryBackoff.EXPONENTIAL,
} as const;

const CONDITION = {
  never: RetryCondition.NEVER,
  transient: RetryCondition.TRANSIENT,
  all: RetryCondition.ALL,
} as const;

/** What is not there stays unset: the scheduler knows the defaults. */
function retryToWire({ backoff, condition, ...rest }: WireRetry) {
  return {
    ...rest,
    ...(backoff === undefined ? null : { backoff: BACKOFF[backoff] }),
    ...(condition === undefined ? null : { condition: CONDITION[condition] }),
  };
}
