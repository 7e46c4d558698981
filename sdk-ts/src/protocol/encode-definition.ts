/** Definitions of workflows, from words of the SDK to protobuf. */
import { create, toBinary, toJson } from "@bufbuild/protobuf";
import {
  ContextOperator,
  RetryBackoff,
  RetryCondition,
  type TriggerRule,
  TriggerRuleSchema,
  type WorkflowDefinition,
  WorkflowDefinitionSchema,
} from "@cloaca/protocol";
import type { ResolvedRule, RetryPolicy, WireTask, WireWorkflow } from "./words.js";

export function toWireDefinition({ name, description, tags, tasks }: WireWorkflow): WorkflowDefinition {
  return create(WorkflowDefinitionSchema, {
    name,
    description,
    tags,
    tasks: tasks.map(toWireTask),
  });
}

/**
 * Why a definition cannot be sent; null when it can, as one that was built always can.
 *
 * @param make makes it, of parts that may be anything; what it throws is a reason as well
 */
export function wireProblem(make: () => WireWorkflow): string | null {
  try {
    const message = toWireDefinition(make());
    // The first minds types, the second the range of numbers.
    toJson(WorkflowDefinitionSchema, message);
    toBinary(WorkflowDefinitionSchema, message);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A whole retry policy takes no more. */
const RETRY_BYTES = 32;

/** A field with its tag and its length takes no more besides its content. */
const FIELD_BYTES = 6;

/** Size of a definition in a message, about, and never too small. Names are ASCII, and each has a tag and a length. */
export function definitionBytes({ name, description, tags, tasks }: WireWorkflow): number {
  let bytes = 3 * FIELD_BYTES + name.length + description.length * 3;
  for (const [key, value] of Object.entries(tags)) bytes += 3 * FIELD_BYTES + (key.length + value.length) * 3;
  for (const { id, dependencies, retry, triggerRule } of tasks) {
    bytes += id.length + 16 + (retry === undefined ? 0 : RETRY_BYTES);
    if (triggerRule !== undefined) bytes += ruleBytes(triggerRule);
    for (const dependency of dependencies) bytes += nameBytes(dependency);
  }
  return bytes;
}

/** Size of a name in a message: the longest has a length of two bytes. */
export function nameBytes(name: string): number {
  return name.length + 3;
}

function ruleBytes(rule: ResolvedRule): number {
  switch (rule.kind) {
    case "all":
    case "any":
    case "none":
      return rule.rules.reduce((sum, inner) => sum + ruleBytes(inner), 16);
    case "context_value":
      return 16 + (rule.key.length + rule.value.length) * 3;
    default:
      return 16 + ("task" in rule ? rule.task.length : 0);
  }
}

function toWireTask({ id, dependencies, timeoutMs = 0, retry, triggerRule }: WireTask) {
  return {
    id,
    dependencies: [...dependencies],
    timeoutMs,
    ...(retry === undefined ? null : { retry: retryToWire(retry) }),
    ...(triggerRule === undefined ? null : { triggerRule: ruleToWire(triggerRule) }),
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
function retryToWire({ backoff, condition, ...rest }: Partial<RetryPolicy>) {
  return {
    ...rest,
    ...(backoff === undefined ? null : { backoff: BACKOFF[backoff] }),
    ...(condition === undefined ? null : { condition: CONDITION[condition] }),
  };
}

const OPERATOR = {
  equals: ContextOperator.EQUALS,
  not_equals: ContextOperator.NOT_EQUALS,
  greater: ContextOperator.GREATER,
  less: ContextOperator.LESS,
  contains: ContextOperator.CONTAINS,
  not_contains: ContextOperator.NOT_CONTAINS,
  exists: ContextOperator.EXISTS,
  not_exists: ContextOperator.NOT_EXISTS,
} as const;

function ruleToWire(rule: ResolvedRule): TriggerRule {
  return create(TriggerRuleSchema, { rule: ruleOneof(rule) });
}

type RuleInit = NonNullable<NonNullable<Parameters<typeof create<typeof TriggerRuleSchema>>[1]>["rule"]>;

function ruleOneof(rule: ResolvedRule): RuleInit {
  switch (rule.kind) {
    case "all_success":
      return { case: "allSuccess", value: true };
    case "always":
      return { case: "always", value: true };
    case "all":
    case "any":
    case "none":
      return { case: rule.kind, value: { rules: rule.rules.map(ruleToWire) } };
    case "succeeded":
    case "failed":
    case "skipped":
      return { case: rule.kind, value: rule.task };
    case "context_value": {
      const { key, operator, value } = rule;
      return { case: "contextValue", value: { key, operator: OPERATOR[operator], value } };
    }
  }
}
