import type { ContextOperator } from "../protocol/words.js";
import type { AnyFunction } from "./task-spec.js";
import type { AnyTask } from "./task-types.js";

/** What a rule can name a task by: its id, the task, or a decorated method. It must be an ancestor of the task with the rule. */
export type RuleTask = string | AnyTask | AnyFunction;

/** Holds when every dependency succeeded: the default. */
export interface AllSuccessRule {
  readonly kind: "all_success";
}

/** Always holds. */
export interface AlwaysRule {
  readonly kind: "always";
}

/** Holds when every rule of the list does. */
export interface AllRule<out Rules extends readonly RuleLike[] = readonly RuleLike[]> {
  readonly kind: "all";
  readonly rules: Rules;
}

/** Holds when at least one rule of the list does (`any`), or no rule of it (`none`). */
export interface ChoiceRule {
  readonly kind: "any" | "none";
  readonly rules: readonly RuleLike[];
}

/** Holds when the task ended so. */
export interface TaskStateRule {
  readonly kind: "succeeded" | "failed" | "skipped";
  readonly task: RuleTask;
}

/** Holds when a value of the task's input context does. */
export interface ContextValueRule {
  readonly kind: "context_value";
  readonly key: string;
  readonly operator: ContextOperator;
  /** What the value is compared with; not there for `exists` and `not_exists`. */
  readonly value?: unknown;
}

/** Decides whether a task starts once all its dependencies have ended; one that does not hold skips it. Made with `rule`. */
export type TriggerRule = AllSuccessRule | AlwaysRule | AllRule | ChoiceRule | TaskStateRule | ContextValueRule;

/** A rule, or the name of one that needs nothing else. */
export type RuleLike = TriggerRule | "all_success" | "always";

/** The operators that compare with a value. */
type Comparing = Exclude<ContextOperator, "exists" | "not_exists" | "greater" | "less">;

/**
 * Makes trigger rules. What is wrong with one is told when the workflow is built.
 *
 * ```ts
 * task({ id: "repair", dependencies: [load], triggerRule: rule.failed(load) }, …);
 * task(
 *   { id: "report", dependencies: [load, check], triggerRule: rule.any(rule.failed(check), rule.contextValue("n", "greater", 3)) },
 *   …,
 * );
 * ```
 *
 * Rules may be nested 32 deep; a list has 1 to 1,000 of them.
 */
export const rule = Object.freeze({
  /** Holds when every dependency succeeded: the default. With more, as in `rule.all(rule.allSuccess(), …)`, inputs stay whole. */
  allSuccess: (): AllSuccessRule => Object.freeze({ kind: "all_success" }),

  /** Always holds: the task starts however its dependencies ended. */
  always: (): AlwaysRule => Object.freeze({ kind: "always" }),

  /** Holds when every rule does. */
  all: <const Rules extends readonly RuleLike[]>(...rules: Rules): AllRule<Rules> =>
    Object.freeze({ kind: "all", rules }),

  /** Holds when at least one rule does. */
  any: (...rules: readonly RuleLike[]): ChoiceRule => Object.freeze({ kind: "any", rules }),

  /** Holds when no rule does. */
  none: (...rules: readonly RuleLike[]): ChoiceRule => Object.freeze({ kind: "none", rules }),

  /** Holds when the task succeeded. */
  succeeded: (task: RuleTask): TaskStateRule => Object.freeze({ kind: "succeeded", task }),

  /**
   * Holds when the task failed for good. When a task whose rule names a failure succeeds, that failure is handled: it does not
   * fail the run.
   */
  failed: (task: RuleTask): TaskStateRule => Object.freeze({ kind: "failed", task }),

  /** Holds when the task was skipped. */
  skipped: (task: RuleTask): TaskStateRule => Object.freeze({ kind: "skipped", task }),

  /**
   * Holds when the value of a key of the task's input context does.
   *
   * - `equals`: the same JSON value; the order of an object's keys does not count.
   * - `greater`, `less`: for two numbers or two strings; false for anything else.
   * - `contains`: a string that contains the string, or an array with an element that equals the value.
   * - `exists`: the key is there, whatever its value. It takes no value.
   * - `not_equals`, `not_contains`, `not_exists`: the exact negations, so they hold for a key that is not there.
   */
  contextValue: contextValue,
});

function contextValue(key: string, operator: "exists" | "not_exists"): ContextValueRule;
function contextValue(key: string, operator: "greater" | "less", value: number | string): ContextValueRule;
function contextValue(key: string, operator: Comparing, value: unknown): ContextValueRule;
function contextValue(key: string, operator: ContextOperator, value?: unknown): ContextValueRule {
  return Object.freeze({ kind: "context_value", key, operator, ...(value === undefined ? {} : { value }) });
}

/** Whether a rule holds only when all dependencies succeeded, as far as its type tells: `true`, or something else. */
export type MeansAllSuccess<Rule> = Rule extends undefined | "all_success" | AllSuccessRule
  ? true
  : Rule extends AllRule<infer Rules>
    ? number extends Rules["length"]
      ? false
      : true extends { [I in keyof Rules]: [MeansAllSuccess<Rules[I]>] extends [true] ? true : false }[number]
        ? true
        : false
    : false;
