/** What is wrong with the trigger rules of a definition. */
import { fieldPath } from "./field-path.js";
import { jsonProblem } from "./json-text.js";
import type { TriggerRule } from "./model.js";
import { contextKeyProblem } from "./names.js";
import type { ProblemList } from "./problem-list.js";
import { quote, shorten } from "./quote.js";

/** Deepest nesting, longest list, and most rules of one task. */
export const MAX_RULE_DEPTH = 32;
export const MAX_RULES_IN_LIST = 1_000;
export const MAX_RULES = 10_000;

/** What is wrong with a task that a rule names; null when it is an ancestor of the task. */
export type NamedTaskProblem = (task: string) => string | null;

export function checkRule(rule: TriggerRule, path: string, named: NamedTaskProblem, problems: ProblemList): void {
  new RuleCheck(named, problems).check(rule, path, 1);
}

class RuleCheck {
  #count = 0;

  constructor(
    readonly named: NamedTaskProblem,
    readonly problems: ProblemList,
  ) {}

  check(rule: TriggerRule, path: string, depth: number): void {
    const { named, problems } = this;
    if (++this.#count > MAX_RULES) {
      if (this.#count > MAX_RULES + 1) return;
      problems.add(path, `is one too many: a task has at most ${MAX_RULES} rules in all`);
      return;
    }
    switch (rule.kind) {
      case "always":
      case "all_success":
        return;
      case "all":
      case "any":
      case "none": {
        const list = fieldPath(path, rule.kind);
        if (depth === MAX_RULE_DEPTH) {
          problems.add(list, `is nested deeper than ${MAX_RULE_DEPTH} rules`);
          return;
        }
        const count = rule.rules.length;
        if (count === 0 || count > MAX_RULES_IN_LIST) {
          problems.add(list, `has ${count} rules; allowed are 1 to ${MAX_RULES_IN_LIST}`);
        }
        rule.rules.forEach((inner, index) => {
          this.check(inner, `${list}[${index}]`, depth + 1);
        });
        return;
      }
      case "succeeded":
      case "failed":
      case "skipped": {
        const problem = named(rule.task);
        if (problem !== null) problems.add(fieldPath(path, rule.kind), problem);
        return;
      }
      case "context_value": {
        const at = fieldPath(path, "contextValue");
        const key = contextKeyProblem(rule.key);
        if (key !== null) problems.add(fieldPath(at, "key"), key);
        const comparesNothing = rule.operator === "exists" || rule.operator === "not_exists";
        if (comparesNothing) {
          if (rule.value === "") return;
          problems.add(
            fieldPath(at, "value"),
            `is ${quote(rule.value)}; ${rule.operator} compares with nothing, leave it empty`,
          );
          return;
        }
        const value = jsonProblem(rule.value);
        if (value !== null) problems.add(fieldPath(at, "value"), value);
        else if (rule.operator === "greater" || rule.operator === "less") {
          const type = typeof JSON.parse(rule.value);
          if (type !== "number" && type !== "string") {
            problems.add(
              fieldPath(at, "value"),
              `is ${shorten(rule.value)}; ${rule.operator} compares numbers or texts`,
            );
          }
        }
        return;
      }
    }
  }
}
