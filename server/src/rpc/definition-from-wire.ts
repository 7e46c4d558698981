/** Workflow definitions: from protobuf to words of the domain, and what only the wire can get wrong about them (P11). */
import {
  RetryBackoff,
  RetryCondition,
  type ContextCondition as WireCondition,
  ContextOperator as WireOperator,
  type RetryPolicy as WireRetryPolicy,
  type TriggerRule as WireRule,
  type WorkflowDefinition as WireWorkflowDefinition,
} from "@cloaca/protocol";
import { MAX_RULE_DEPTH } from "../core/check-rule.js";
import type {
  ContextOperator,
  Problem,
  RetryPolicy,
  TaskDefinition,
  TriggerRule,
  WorkflowDefinition,
} from "../core/model.js";
import { NO_RETRIES } from "../core/retry.js";
import { withTaskIds } from "../core/task-problems.js";

const BACKOFFS: Readonly<Partial<Record<RetryBackoff, RetryPolicy["backoff"]>>> = {
  [RetryBackoff.UNSPECIFIED]: NO_RETRIES.backoff,
  [RetryBackoff.FIXED]: "fixed",
  [RetryBackoff.LINEAR]: "linear",
  [RetryBackoff.EXPONENTIAL]: "exponential",
};

const CONDITIONS: Readonly<Partial<Record<RetryCondition, RetryPolicy["condition"]>>> = {
  [RetryCondition.UNSPECIFIED]: NO_RETRIES.condition,
  [RetryCondition.NEVER]: "never",
  [RetryCondition.TRANSIENT]: "transient",
  [RetryCondition.ALL]: "all",
};

const OPERATORS: Readonly<Partial<Record<WireOperator, ContextOperator>>> = {
  [WireOperator.EQUALS]: "equals",
  [WireOperator.NOT_EQUALS]: "not_equals",
  [WireOperator.GREATER]: "greater",
  [WireOperator.LESS]: "less",
  [WireOperator.CONTAINS]: "contains",
  [WireOperator.NOT_CONTAINS]: "not_contains",
  [WireOperator.EXISTS]: "exists",
  [WireOperator.NOT_EXISTS]: "not_exists",
};

/** What stands for a rule that `definitionProblems` reports. */
const ANY_RULE: TriggerRule = { kind: "always" };

/** Translates a definition. What `definitionProblems` reports is replaced by something harmless: ask that as well. */
export function toDefinition(wire: WireWorkflowDefinition): WorkflowDefinition {
  const { name, description, tags } = wire;
  const tasks = wire.tasks.map(({ id, dependencies, timeoutMs, retry, triggerRule }): TaskDefinition => {
    return {
      id,
      dependencies,
      timeoutMs,
      ...(retry === undefined ? null : { retry: toRetry(retry) }),
      ...(triggerRule === undefined ? null : { rule: toRule(triggerRule, 1) }),
    };
  });
  return { name, description, tags, tasks };
}

/** All problems of a definition that its domain form cannot show: unknown fields and enum values, rules without a kind. */
export function definitionProblems(wire: WireWorkflowDefinition, path: string): Problem[] {
  const problems = unknownFields(wire, path);
  wire.tasks.forEach((task, index) => {
    const at = `${path}.tasks[${index}]`;
    problems.push(...unknownFields(task, at));
    if (task.retry !== undefined) problems.push(...retryProblems(task.retry, `${at}.retry`));
    if (task.triggerRule !== undefined) problems.push(...ruleProblems(task.triggerRule, `${at}.triggerRule`, 1));
  });
  return withTaskIds(problems, wire.tasks, path);
}

function toRetry({ attempts, backoff, delayMs, maxDelayMs, condition, jitter }: WireRetryPolicy): RetryPolicy {
  return {
    attempts,
    backoff: BACKOFFS[backoff] ?? NO_RETRIES.backoff,
    delayMs: delayMs ?? NO_RETRIES.delayMs,
    maxDelayMs: maxDelayMs ?? NO_RETRIES.maxDelayMs,
    condition: CONDITIONS[condition] ?? NO_RETRIES.condition,
    jitter: jitter ?? NO_RETRIES.jitter,
  };
}

function retryProblems(retry: WireRetryPolicy, path: string): Problem[] {
  const problems = unknownFields(retry, path);
  if (BACKOFFS[retry.backoff] === undefined)
    problems.push(unknownValue(`${path}.backoff`, retry.backoff, RetryBackoff));
  if (CONDITIONS[retry.condition] === undefined) {
    problems.push(unknownValue(`${path}.condition`, retry.condition, RetryCondition));
  }
  return problems;
}

function toRule({ rule }: WireRule, depth: number): TriggerRule {
  switch (rule.case) {
    case "allSuccess":
      return { kind: "all_success" };
    case "always":
      return { kind: "always" };
    case "all":
    case "any":
    case "none":
      // What lies deeper is not looked at: the check of the definition refuses it.
      if (depth > MAX_RULE_DEPTH) return ANY_RULE;
      return { kind: rule.case, rules: rule.value.rules.map((inner) => toRule(inner, depth + 1)) };
    case "succeeded":
    case "failed":
    case "skipped":
      return { kind: rule.case, task: rule.value };
    case "contextValue": {
      const { key, operator, value } = rule.value;
      return { kind: "context_value", key, operator: OPERATORS[operator] ?? "exists", value };
    }
    case undefined:
      return ANY_RULE;
  }
}

function ruleProblems(wire: WireRule, path: string, depth: number): Problem[] {
  const problems = unknownFields(wire, path);
  const { rule } = wire;
  switch (rule.case) {
    case undefined: {
      const description = "says no rule; name exactly one of all_success, always, all, any, none, succeeded, …";
      // An unknown field may be the rule: that is said already.
      return problems.length > 0 ? problems : [{ field: path, description }];
    }
    case "allSuccess":
    case "always":
      if (!rule.value) problems.push({ field: `${path}.${rule.case}`, description: "is false; the value is true" });
      return problems;
    case "all":
    case "any":
    case "none":
      problems.push(...unknownFields(rule.value, `${path}.${rule.case}`));
      if (depth > MAX_RULE_DEPTH) return problems;
      return rule.value.rules.reduce(
        (found, inner, index) => found.concat(ruleProblems(inner, `${path}.${rule.case}[${index}]`, depth + 1)),
        problems,
      );
    case "succeeded":
    case "failed":
    case "skipped":
      return problems;
    case "contextValue":
      return problems.concat(conditionProblems(rule.value, `${path}.contextValue`));
  }
}

function conditionProblems(condition: WireCondition, path: string): Problem[] {
  const problems = unknownFields(condition, path);
  if (OPERATORS[condition.operator] === undefined) {
    problems.push(unknownValue(`${path}.operator`, condition.operator, WireOperator));
  }
  return problems;
}

function unknownValue(
  field: string,
  found: number,
  values: Readonly<Record<string | number, string | number>>,
): Problem {
  const allowed = Object.keys(values).filter((name) => Number.isNaN(Number(name)) && name !== "UNSPECIFIED");
  return { field, description: `is ${values[found] ?? found}; allowed are ${allowed.join(", ")}` };
}

/** Fields of a message that this scheduler does not know, by number. */
function unknownFields({ $unknown }: { $unknown?: { no: number }[] | undefined }, path: string): Problem[] {
  return ($unknown ?? []).map(({ no }) => ({
    field: path,
    description: `has a field with number ${no}, which this scheduler does not know; leave it out, or use a newer scheduler`,
  }));
}
