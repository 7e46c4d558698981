/** Workflow definitions: from words of the domain to protobuf, for reading. What holds its default is left out. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  RetryBackoff,
  RetryCondition,
  type RetryPolicySchema,
  type TriggerRuleSchema,
  ContextOperator as WireOperator,
  type WorkflowDefinitionSchema,
} from "@cloaca/protocol";
import type { ContextOperator, RetryPolicy, TriggerRule, WorkflowDefinition } from "../core/model.js";

const BACKOFFS = {
  fixed: RetryBackoff.FIXED,
  linear: RetryBackoff.LINEAR,
  exponential: RetryBackoff.EXPONENTIAL,
} as const;

const CONDITIONS = {
  never: RetryCondition.NEVER,
  transient: RetryCondition.TRANSIENT,
  all: RetryCondition.ALL,
} as const;

const OPERATORS: Readonly<Record<ContextOperator, WireOperator>> = {
  equals: WireOperator.EQUALS,
  not_equals: WireOperator.NOT_EQUALS,
  greater: WireOperator.GREATER,
  less: WireOperator.LESS,
  contains: WireOperator.CONTAINS,
  not_contains: WireOperator.NOT_CONTAINS,
  exists: WireOperator.EXISTS,
  not_exists: WireOperator.NOT_EXISTS,
};

export function definitionToWire(definition: WorkflowDefinition): MessageInitShape<typeof WorkflowDefinitionSchema> {
  const { name, description, tags, tasks } = definition;
  return {
    name,
    description,
    tags,
    tasks: tasks.map(({ id, dependencies, timeoutMs, retry, rule }) => ({
      id,
      dependencies: [...dependencies],
      timeoutMs,
      ...(retry === undefined ? null : { retry: retryToWire(retry) }),
      ...(rule === undefined ? null : { triggerRule: ruleToWire(rule) }),
    })),
  };
}

function retryToWire(retry: RetryPolicy): MessageInitShape<typeof RetryPolicySchema> {
  const { attempts, backoff, delayMs, maxDelayMs, condition, jitter } = retry;
  return { attempts, backoff: BACKOFFS[backoff], delayMs, maxDelayMs, condition: CONDITIONS[condition], jitter };
}

function ruleToWire(rule: TriggerRule): MessageInitShape<typeof TriggerRuleSchema> {
  switch (rule.kind) {
    case "all_success":
      return { rule: { case: "allSuccess", value: true } };
    case "always":
      return { rule: { case: "always", value: true } };
    case "all":
    case "any":
    case "none":
      return { rule: { case: rule.kind, value: { rules: rule.rules.map(ruleToWire) } } };
    case "succeeded":
    case "failed":
    case "skipped":
      return { rule: { case: rule.kind, value: rule.task } };
    case "context_value": {
      const { key, operator, value } = rule;
      return { rule: { case: "contextValue", value: { key, operator: OPERATORS[operator], value } } };
    }
  }
}
