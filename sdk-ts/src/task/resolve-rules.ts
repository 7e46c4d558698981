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
  const ancestors = new Ancestors(edges);
  const rules = tasks.map((task, position) => {
    const written = writtenRule(task);
    if (written.kind === "none") return undefined;
    const path = `tasks[${position}].triggerRule`;
    if (written.kind === "problem") {
      problems.push({ path, message: `${lookup.label(position)}${written.message}` });
      return undefined;
    }
    const reader = new RuleReader(position, lookup);
    const found = reader.read(written.rule, path);
    problems.push(...reader.problems, ...strangers(reader, position, lookup, ancestors));
    return found?.kind === "all_success" ? undefined : (found ?? undefined);
  });
  return { rules, problems };
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

/** Problems for the tasks that a rule names and that do not surely end before it is asked. */
function strangers(reader: RuleReader, position: number, lookup: TaskLookup, ancestors: Ancestors): Problem[] {
  if (reader.named.length === 0) return [];
  const before = ancestors.among(position, new Set(reader.named.map(({ target }) => target)));
  // It may well come before by way of the dependency that is a problem.
  if (before === "unknown") return [];
  return reader.named.flatMap(({ path, target }) => {
    if (before.has(target)) return [];
    const what =
      target === position ? "a rule cannot name its own task" : `${lookup.name(target)} does not come before`;
    const hint = "name a task that this one depends on, directly or through others";
    return [{ path, message: `${lookup.label(position)}${what}; ${hint}` }];
  });
}
