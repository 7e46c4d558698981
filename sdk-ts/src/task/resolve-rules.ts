import type { Problem } from "../errors/problem.js";
import { Ancestors } from "./ancestors.js";
import type { ResolvedRule } from "./definition.js";
import { describeValue, isPlainObject } from "./describe-value.js";
import { RuleReader } from "./rule-reader.js";
import type { TaskLookup } from "./task-lookup.js";
import { isFunction, taskOf } from "./task-spec.js";
import type { DraftTask } from "./workflow-draft.js";

/**
 * The trigger rules of the tasks, with ids for the tasks that they name; undefined for a task without one, and where a rule
 * is the default or has problems.
 *
 * @param edges the dependencies of each task, as `resolveDependencies` found them
 */
export function resolveRules(
  tasks: readonly DraftTask[],
  lookup: TaskLookup,
  edges: readonly (readonly number[])[],
): { readonly rules: readonly (ResolvedRule | undefined)[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const named: NamedTask[] = [];
  const rules = tasks.map((task, position) => {
    const written = writtenRule(task);
    if (written.kind === "none") return undefined;
    const path = `tasks[${position}].triggerRule`;
    if (written.kind === "problem") {
      problems.push({ path, message: `${lookup.label(position)}${written.message}` });
      return undefined;
    }
    const reader = new RuleReader(position, lookup);
    const rule = reader.read(written.rule, path);
    problems.push(...reader.problems);
    for (const { path, target } of reader.named) named.push({ position, path, target });
    return rule === null || rule.kind === "all_success" ? undefined : rule;
  });
  return { rules, problems: [...problems, ...strangers(named, lookup, edges)] };
}

/** A task that the rule of another one names. */
interface NamedTask {
  /** Position of the task with the rule. */
  readonly position: number;
  readonly path: string;
  readonly target: number;
}

type Written =
  | { readonly kind: "none" }
  | { readonly kind: "rule"; readonly rule: unknown }
  | { readonly kind: "problem"; readonly message: string };

/** What a task said; in a class it may be a function of the instance, since methods cannot be named before there is one. */
function writtenRule({ spec, self }: DraftTask): Written {
  const { triggerRule } = spec.options;
  if (triggerRule === undefined) return { kind: "none" };
  // A task in place of a rule is told as what it is.
  if (!isFunction(triggerRule) || taskOf(triggerRule) !== undefined) return { kind: "rule", rule: triggerRule };
  let answer: unknown;
  try {
    answer = Reflect.apply(triggerRule, self, [self]);
  } catch (error) {
    return { kind: "problem", message: `the function threw ${String(error)}; let it return a rule` };
  }
  if (typeof answer === "string" || isPlainObject(answer)) return { kind: "rule", rule: answer };
  return { kind: "problem", message: `the function returned ${describeValue(answer)}; let it return a rule` };
}

/** Problems for the tasks that a rule names and that need not have ended when it is asked. */
function strangers(named: readonly NamedTask[], lookup: TaskLookup, edges: readonly (readonly number[])[]): Problem[] {
  if (named.length === 0) return [];
  const ancestors = new Ancestors(
    edges,
    named.map(({ target }) => target),
  );
  return named.flatMap(({ position, path, target }) => {
    const isItself = target === position;
    // Where it is not known, it may well come before by way of a dependency that is a problem.
    if (!isItself && ancestors.isBefore(target, position) !== false) return [];
    const what = isItself ? "a rule cannot name its own task" : `${lookup.name(target)} does not come before`;
    const hint = "name a task that this one depends on, directly or through others";
    return [{ path, message: `${lookup.label(position)}${what}; ${hint}` }];
  });
}
