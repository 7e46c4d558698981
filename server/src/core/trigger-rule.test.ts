import { describe, expect, it } from "vitest";
import { checkDefinition, compileGraph } from "./graph.js";
import { inputView } from "./merge.js";
import type { ContextOperator, TaskRunState, TriggerRule } from "./model.js";
import { compileRule, holds, namedFailures } from "./trigger-rule.js";

const INDEX = new Map([
  ["a", 0],
  ["b", 1],
]);

function verdict(rule: TriggerRule, states: readonly TaskRunState[], context: Record<string, string> = {}): boolean {
  const compiled = compileRule(rule, INDEX);
  const allSucceeded = states.every((state) => state === "SUCCEEDED");
  if (compiled === null) return allSucceeded;
  return holds(compiled, { stateOf: (task) => states[task] ?? "WAITING", allSucceeded, view: inputView(context) });
}

const succeeded = (task: string): TriggerRule => ({ kind: "succeeded", task });
const failed = (task: string): TriggerRule => ({ kind: "failed", task });
const skipped = (task: string): TriggerRule => ({ kind: "skipped", task });
const list = (kind: "all" | "any" | "none", ...rules: TriggerRule[]): TriggerRule => ({ kind, rules });

describe("trigger rules", () => {
  it.each<[string, TriggerRule, readonly TaskRunState[], boolean]>([
    ["all_success, and all did", { kind: "all_success" }, ["SUCCEEDED", "SUCCEEDED"], true],
    ["all_success, and one failed", { kind: "all_success" }, ["SUCCEEDED", "FAILED"], false],
    ["always", { kind: "always" }, ["FAILED", "SKIPPED"], true],
    ["succeeded", succeeded("a"), ["SUCCEEDED", "FAILED"], true],
    ["succeeded of what failed", succeeded("b"), ["SUCCEEDED", "FAILED"], false],
    ["failed", failed("b"), ["SUCCEEDED", "FAILED"], true],
    ["failed of what was skipped", failed("b"), ["SUCCEEDED", "SKIPPED"], false],
    ["skipped", skipped("b"), ["SUCCEEDED", "SKIPPED"], true],
    ["all", list("all", succeeded("a"), failed("b")), ["SUCCEEDED", "FAILED"], true],
    ["all but one", list("all", succeeded("a"), failed("b")), ["SUCCEEDED", "SUCCEEDED"], false],
    ["any", list("any", failed("a"), failed("b")), ["SUCCEEDED", "FAILED"], true],
    ["any of none", list("any", failed("a"), failed("b")), ["SUCCEEDED", "SUCCEEDED"], false],
    ["none", list("none", failed("a"), failed("b")), ["SUCCEEDED", "SKIPPED"], true],
    ["none but one", list("none", failed("a"), failed("b")), ["SUCCEEDED", "FAILED"], false],
    [
      "nested",
      list("any", list("all", failed("a"), skipped("b")), list("none", { kind: "always" })),
      ["FAILED", "SKIPPED"],
      true,
    ],
    ["all_success inside", list("all", { kind: "all_success" }, succeeded("a")), ["SUCCEEDED", "FAILED"], false],
  ])("%s", (_name, rule, states, expected) => {
    expect(verdict(rule, states)).toBe(expected);
  });

  const CONTEXT = { n: "3", text: '"rain"', list: '[1, {"b": 2, "a": 1}]', none: "null", yes: "true" };

  it.each<[string, ContextOperator, string, boolean]>([
    ["n", "equals", "3", true],
    ["n", "equals", "3.0", true],
    ["n", "equals", '"3"', false],
    ["n", "greater", "2", true],
    ["n", "greater", "3", false],
    ["n", "less", "4", true],
    ["n", "greater", '"2"', false],
    ["n", "less", '"2"', false],
    ["text", "greater", '"ra"', true],
    ["text", "less", '"snow"', true],
    ["yes", "greater", "false", false],
    ["text", "contains", '"ai"', true],
    ["text", "contains", '"x"', false],
    ["list", "contains", '{"a": 1, "b": 2}', true],
    ["list", "contains", '{"a": 1}', false],
    ["list", "equals", '[1, {"a": 1, "b": 2}]', true],
    ["n", "contains", "3", false],
    ["none", "exists", "", true],
    ["none", "equals", "null", true],
    ["missing", "exists", "", false],
    ["missing", "equals", "null", false],
    ["missing", "greater", "0", false],
    ["missing", "contains", '""', false],
    ["toString", "exists", "", false],
    ["__proto__", "exists", "", false],
  ])("%s %s %s: %s", (key, operator, value, expected) => {
    const rule: TriggerRule = { kind: "context_value", key, operator, value };
    expect(verdict(rule, [], CONTEXT)).toBe(expected);
    const negation = { equals: "not_equals", contains: "not_contains", exists: "not_exists" } as const;
    if (operator === "equals" || operator === "contains" || operator === "exists") {
      // A `not_` is the exact negation, also for a key that is not there.
      expect(verdict({ ...rule, operator: negation[operator] }, [], CONTEXT)).toBe(!expected);
    }
  });

  it("names each failure once, however deep", () => {
    const rule = compileRule(list("any", failed("b"), list("none", failed("a"), failed("b"), skipped("a"))), INDEX);
    expect(rule === null ? [] : namedFailures(rule).sort()).toEqual([0, 1]);
  });
});

describe("rules of a definition", () => {
  const task = (id: string, dependencies: string[], rule?: TriggerRule) => ({ id, dependencies, timeoutMs: 0, rule });
  const workflow = (...tasks: ReturnType<typeof task>[]) => ({ name: "w", description: "", tags: {}, tasks });

  it("may name ancestors at any distance", () => {
    const definition = workflow(task("a", []), task("b", ["a"]), task("c", ["b"], failed("a")));
    expect(checkDefinition(definition)).toEqual([]);
    const graph = compileGraph(definition);
    expect(graph.tasks.map((t) => t.handlers)).toEqual([[2], [], []]);
    expect(graph.tasks[2]?.rule).toEqual({ kind: "failed", task: 0 });
  });

  it("are checked whole: all problems with their places", () => {
    const value = (key: string, operator: ContextOperator, text: string): TriggerRule => ({
      kind: "context_value",
      key,
      operator,
      value: text,
    });
    const deep = Array.from({ length: 32 }).reduce<TriggerRule>((inner) => list("all", inner), { kind: "always" });
    const definition = workflow(
      task("load", []),
      task("other", []),
      task("report", ["load"], list("any", failed("laod"), succeeded("other"), skipped("report"))),
      task("empty", ["load"], list("none")),
      task(
        "value",
        ["load"],
        list(
          "all",
          value("", "equals", "1"),
          value("n", "equals", "rain"),
          value("n", "exists", "1"),
          value("n", "less", "[1]"),
        ),
      ),
      task("deep", ["load"], deep),
      task("deeper", ["load"], list("any", deep)),
    );
    expect(checkDefinition(definition).map((p) => `${p.field}: ${p.description}`)).toEqual([
      'tasks[2].triggerRule.any[0].failed: task "report": there is no task "laod"; did you mean "load"?',
      expect.stringMatching(
        /^tasks\[2\]\.triggerRule\.any\[1\]\.succeeded: task "report": task "other" is not an ancestor of it;/,
      ),
      expect.stringMatching(
        /^tasks\[2\]\.triggerRule\.any\[2\]\.skipped: task "report": task "report" is the task itself;/,
      ),
      'tasks[3].triggerRule.none: task "empty": has 0 rules; allowed are 1 to 1000',
      expect.stringMatching(/^tasks\[4\]\.triggerRule\.all\[0\]\.contextValue\.key: /),
      expect.stringMatching(
        /^tasks\[4\]\.triggerRule\.all\[1\]\.contextValue\.value: task "value": is rain, which is not JSON/,
      ),
      expect.stringMatching(
        /^tasks\[4\]\.triggerRule\.all\[2\]\.contextValue\.value: task "value": is "1"; exists compares with nothing/,
      ),
      'tasks[4].triggerRule.all[3].contextValue.value: task "value": is [1]; less compares numbers or texts',
      expect.stringMatching(/^tasks\[5\]\.triggerRule.*: task "deep(?:er)?": is nested deeper than 32 rules$/),
      expect.stringMatching(/^tasks\[6\]\.triggerRule.*: task "deep(?:er)?": is nested deeper than 32 rules$/),
    ]);
  });

  it("names its own task, whatever that is called", () => {
    const odd = workflow(task("a b", [], { kind: "succeeded", task: "a b" }));
    expect(checkDefinition(odd).at(-1)).toEqual({
      field: "tasks[0].triggerRule.succeeded",
      description: 'task "a b" is the task itself; a rule names tasks that the task depends on, directly or not',
    });
  });
});
