/**
 * Trigger rules (engine.md, Graph and rules): checked and compiled with a definition, evaluated once all dependencies of
 * a task have ended.
 */

import { compareJson, containsJson, type JsonValue, sameJson } from "./json-value.js";
import type { View } from "./merge.js";
import type { CompiledRule, ContextOperator, TaskRunState, TriggerRule } from "./model.js";

/** Compiles a rule that was checked; null for the default, which needs no evaluation. */
export function compileRule(rule: TriggerRule | undefined, indexOf: ReadonlyMap<string, number>): CompiledRule | null {
  return rule === undefined || rule.kind === "all_success" ? null : compile(rule, indexOf);
}

function compile(rule: TriggerRule, indexOf: ReadonlyMap<string, number>): CompiledRule {
  switch (rule.kind) {
    case "all_success":
    case "always":
      return rule;
    case "all":
    case "any":
    case "none":
      return { kind: rule.kind, rules: rule.rules.map((inner) => compile(inner, indexOf)) };
    case "succeeded":
    case "failed":
    case "skipped": {
      const task = indexOf.get(rule.task);
      if (task === undefined) throw new Error(`a checked rule names the unknown task ${rule.task}`);
      return { kind: rule.kind, task };
    }
    case "context_value": {
      const { kind, key, operator, value } = rule;
      return { kind, key, operator, value: value === "" ? null : (JSON.parse(value) as JsonValue) };
    }
  }
}

/** Indexes of the tasks whose failure a rule names, each once. */
export function namedFailures(rule: CompiledRule): number[] {
  const named = new Set<number>();
  const open = [rule];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if ("rules" in next) open.push(...next.rules);
    else if (next.kind === "failed") named.add(next.task);
  }
  return [...named];
}

/** What a rule is asked about. */
export interface RuleFacts {
  stateOf(task: number): TaskRunState;
  /** Whether every dependency succeeded. */
  readonly allSucceeded: boolean;
  /** The task's input, as its code would see it. */
  readonly view: View;
}

export function holds(rule: CompiledRule, facts: RuleFacts): boolean {
  switch (rule.kind) {
    case "always":
      return true;
    case "all_success":
      return facts.allSucceeded;
    case "all":
      return rule.rules.every((inner) => holds(inner, facts));
    case "any":
      return rule.rules.some((inner) => holds(inner, facts));
    case "none":
      return !rule.rules.some((inner) => holds(inner, facts));
    case "succeeded":
      return facts.stateOf(rule.task) === "SUCCEEDED";
    case "failed":
      return facts.stateOf(rule.task) === "FAILED";
    case "skipped":
      return facts.stateOf(rule.task) === "SKIPPED";
    case "context_value": {
      // A removed key is not there.
      const text = facts.view.entries.get(rule.key)?.value ?? null;
      return compares(rule.operator, text === null ? undefined : (JSON.parse(text) as JsonValue), rule.value);
    }
  }
}

/** `found` is undefined when the key is not there. A `not_` is the exact negation. */
function compares(operator: ContextOperator, found: JsonValue | undefined, value: JsonValue): boolean {
  switch (operator) {
    case "exists":
      return found !== undefined;
    case "not_exists":
      return found === undefined;
    case "equals":
      return found !== undefined && sameJson(found, value);
    case "not_equals":
      return found === undefined || !sameJson(found, value);
    case "contains":
      return found !== undefined && containsJson(found, value);
    case "not_contains":
      return found === undefined || !containsJson(found, value);
    case "greater":
      return found !== undefined && compareJson(found, value) === 1;
    case "less":
      return found !== undefined && compareJson(found, value) === -1;
  }
}
