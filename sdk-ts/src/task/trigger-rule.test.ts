import { describe, expect, it } from "vitest";
import { DefinitionError } from "../errors/definition-error.js";
import type { Problem } from "../errors/problem.js";
import { toWireDefinition } from "../protocol/encode-definition.js";
import type { Context } from "./context.js";
import type { WorkflowDefinition } from "./definition.js";
import { task } from "./task.js";
import { type RuleLike, rule } from "./trigger-rule.js";
import { toWireWorkflow } from "./wire-workflow.js";
import { workflow } from "./workflow.js";
import { WorkflowBuilder } from "./workflow-builder.js";

const nothing = () => {};

/** start → load → last, beside it other; the last one has the rule. */
function withRule(triggerRule: unknown): WorkflowDefinition {
  return new WorkflowBuilder("etl")
    .addTask({ id: "start" }, nothing)
    .addTask({ id: "load", dependencies: ["start"] }, nothing)
    .addTask({ id: "other" }, nothing)
    .addTask({ id: "last", dependencies: ["load"], triggerRule: triggerRule as RuleLike }, nothing)
    .build();
}

function ruleOf(written: unknown): unknown {
  return withRule(written).tasks[3]?.triggerRule;
}

function problemsOf(run: () => unknown): readonly Problem[] {
  try {
    run();
  } catch (error) {
    if (error instanceof DefinitionError) return error.problems;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** Rules within rules, so deep with the innermost. */
function nested(depth: number): RuleLike {
  return depth === 1 ? rule.always() : rule.any(nested(depth - 1));
}

describe("rule", () => {
  it.each<[string, unknown, unknown]>([
    ["nothing", undefined, undefined],
    ["all_success", "all_success", undefined],
    ["allSuccess()", rule.allSuccess(), undefined],
    ["always", "always", { kind: "always" }],
    ["always()", rule.always(), { kind: "always" }],
    ["succeeded", rule.succeeded("start"), { kind: "succeeded", task: "start" }],
    ["failed", rule.failed("load"), { kind: "failed", task: "load" }],
    ["skipped", rule.skipped("load"), { kind: "skipped", task: "load" }],
    [
      "a value, as JSON text",
      rule.contextValue("n", "equals", { b: [1, null], a: "x" }),
      { kind: "context_value", key: "n", operator: "equals", value: '{"b":[1,null],"a":"x"}' },
    ],
    [
      "a value that is null",
      rule.contextValue("n", "not_equals", null),
      { kind: "context_value", key: "n", operator: "not_equals", value: "null" },
    ],
    [
      "no value",
      rule.contextValue("n", "not_exists"),
      { kind: "context_value", key: "n", operator: "not_exists", value: "" },
    ],
    [
      "rules in rules",
      rule.all("all_success", rule.none(rule.skipped("load"), "always")),
      {
        kind: "all",
        rules: [
          { kind: "all_success" },
          { kind: "none", rules: [{ kind: "skipped", task: "load" }, { kind: "always" }] },
        ],
      },
    ],
    [
      "one written by hand",
      { kind: "any", rules: [{ kind: "failed", task: "load" }] },
      { kind: "any", rules: [{ kind: "failed", task: "load" }] },
    ],
  ])("%s", (_name, written, expected) => {
    expect(ruleOf(written)).toEqual(expected);
  });

  it("is frozen when built", () => {
    const built = ruleOf(rule.any(rule.failed("load"))) as { rules: object[] };
    for (const part of [built, built.rules, built.rules[0]]) expect(Object.isFrozen(part)).toBe(true);
  });

  it("may be nested 32 deep", () => {
    expect(ruleOf(nested(32))).toBeDefined();
    expect(problemsOf(() => withRule(nested(33)))).toEqual([
      { path: expect.stringMatching(/^tasks\[3\]\.triggerRule\.any\[0\]/), message: expect.any(String) },
    ]);
    expect(() => withRule(nested(33))).toThrow('task "last": is nested more than 32 deep');
  });

  it("may have 1,000 rules in a list, and 10,000 in all", () => {
    const many = (count: number) => rule.any(...Array.from({ length: count }, () => rule.always()));
    expect(ruleOf(many(1000))).toBeDefined();
    expect(() => withRule(many(1001))).toThrow("has 1001 rules; a list has 1 to 1000");
    // Shared rules are few objects, and more rules than anybody could count.
    let doubled: RuleLike = "always";
    for (let depth = 0; depth < 31; depth++) doubled = rule.any(doubled, doubled);
    expect(problemsOf(() => withRule(doubled))).toEqual([
      expect.objectContaining({ message: 'task "last": has more than 10000 rules in all' }),
    ]);
  });

  it("names tasks by reference, in function form", () => {
    const etl = workflow("etl", ({ task }) => {
      const load = task({ id: "load" }, nothing);
      const check = task({ id: "check", dependencies: [load] }, nothing);
      task(
        { id: "repair", dependencies: [check], triggerRule: rule.any(rule.failed(load), rule.skipped(check)) },
        nothing,
      );
    });
    expect(etl.tasks[2]?.triggerRule).toEqual({
      kind: "any",
      rules: [
        { kind: "failed", task: "load" },
        { kind: "skipped", task: "check" },
      ],
    });
  });

  it("names methods by a function of the instance, in a class", () => {
    class Etl {
      @task({ id: "load_data" })
      load(_context: Context) {}

      @task({ dependencies: ["load_data"], triggerRule: (self: Etl) => rule.failed(self.load) })
      repair(_context: Context) {}

      @task({ dependencies: ["repair"], triggerRule: "always" })
      report(_context: Context) {}
    }
    const { tasks } = new WorkflowBuilder("etl").addTasks(new Etl()).build();
    expect(tasks.map(({ triggerRule }) => triggerRule)).toEqual([
      undefined,
      { kind: "failed", task: "load_data" },
      { kind: "always" },
    ]);
  });

  it("may name any ancestor, in 20,000 tasks as well", () => {
    expect(ruleOf(rule.failed("start"))).toEqual({ kind: "failed", task: "start" });
    const chain = new WorkflowBuilder("chain").addTask({ id: "t0" }, nothing);
    for (let n = 1; n < 20_000; n++) {
      const triggerRule = rule.any(rule.succeeded("t0"), rule.failed(`t${n >>> 1}`));
      chain.addTask({ id: `t${n}`, dependencies: [`t${n - 1}`], triggerRule }, nothing);
    }
    const started = performance.now();
    expect(chain.build().tasks).toHaveLength(20_000);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe("a wrong rule", () => {
  it.each<[string, unknown, string, string]>([
    ["a number", 5, "", "is the number 5; write a rule, as in rule.failed(load), or one of all_success, always"],
    ["null", null, "", "is null; write a rule"],
    [
      "a wrong word",
      "alway",
      "",
      '"alway" is no rule; write a rule, as in rule.failed(load), or one of all_success, always; did you mean "always"?',
    ],
    ["another object", { any: [] }, "", "is an object; write a rule"],
    ["a task", task({ id: "load" }, nothing), "", 'is the task "load"; say what of it, as in rule.succeeded(load)'],
    ["an unknown task", rule.failed("laod"), ".failed", '"laod" is not a task of this workflow; did you mean "load"?'],
    ["no task", rule.failed(undefined as never), ".failed", "is undefined; write a task or the id of one"],
    [
      "a task of elsewhere",
      rule.skipped(task({ id: "far" }, nothing)),
      ".skipped",
      'the task "far" has not been added',
    ],
    ["a mere function", rule.succeeded(nothing), ".succeeded", 'the function "nothing" is not a task'],
    [
      "no ancestor",
      rule.failed("other"),
      ".failed",
      '"other" does not come before; name a task that this one depends on',
    ],
    ["itself", rule.succeeded("last"), ".succeeded", "a rule cannot name its own task; name a task that"],
    ["an empty list", rule.any(), ".any", "is empty; a list has 1 to 1000 rules"],
    ["no list", { kind: "all", rules: "always" }, ".all", 'is the string "always"; write a list of rules'],
    ["an empty key", rule.contextValue("", "exists"), ".contextValue.key", "the key is empty"],
    [
      "a wrong operator",
      rule.contextValue("n", "grater" as never, 3),
      ".contextValue.operator",
      '"grater" is not one of equals, not_equals, greater, less, contains, not_contains, exists, not_exists; did you mean "greater"?',
    ],
    [
      "no operator",
      rule.contextValue("n", undefined as never),
      ".contextValue.operator",
      "is undefined; allowed are equals",
    ],
    [
      "exists with a value",
      rule.contextValue("n", "exists", ...([3] as unknown as [])),
      ".contextValue.value",
      "is the number 3; exists takes no value",
    ],
    [
      "equals without",
      rule.contextValue("n", "equals", undefined),
      ".contextValue.value",
      "is missing; equals compares with",
    ],
    [
      "a value that is no JSON",
      rule.contextValue("n", "equals", { at: new Date() }),
      ".contextValue.value.at",
      "is a Date, which JSON does not have",
    ],
    [
      "an infinite value",
      rule.contextValue("n", "less", Number.POSITIVE_INFINITY),
      ".contextValue.value",
      "is Infinity",
    ],
    [
      "greater than a list",
      rule.contextValue("n", "greater", [1] as never),
      ".contextValue.value",
      "is an array; greater compares with a number or a string",
    ],
    [
      "a function that throws",
      () => {
        throw new Error("boom");
      },
      "",
      "the function threw Error: boom; let it return a rule",
    ],
    ["a function that returns nothing", nothing, "", "the function returned undefined; let it return a rule"],
  ])("%s", (_name, written, path, message) => {
    expect(problemsOf(() => withRule(written))).toEqual([
      expect.objectContaining({
        path: `tasks[3].triggerRule${path}`,
        message: expect.stringContaining(`task "last": ${message}`),
      }),
    ]);
  });

  it("has all its problems told at once, with their places", () => {
    const problems = problemsOf(() =>
      withRule(
        rule.any(
          rule.all(rule.failed("laod"), rule.none()),
          "alway" as "always",
          rule.contextValue("", "grater" as never, 1n),
          rule.failed("other"),
        ),
      ),
    );
    expect(problems.map(({ path, nearest }) => [path.slice("tasks[3].triggerRule".length), nearest])).toEqual([
      [".any[0].all[0].failed", "load"],
      [".any[0].all[1].none", undefined],
      [".any[1]", "always"],
      [".any[2].contextValue.key", undefined],
      [".any[2].contextValue.operator", "greater"],
      [".any[2].contextValue.value", undefined],
      [".any[3].failed", undefined],
    ]);
  });

  it("is not told where it follows from another problem", () => {
    const problems = problemsOf(() =>
      new WorkflowBuilder("etl")
        .addTask({ id: "a" }, nothing)
        .addTask({ id: "b", dependencies: ["aa"], triggerRule: rule.failed("a") }, nothing)
        .build(),
    );
    expect(problems.map(({ path }) => path)).toEqual(["tasks[1].dependencies[0]"]);
    const inCycle = problemsOf(() =>
      new WorkflowBuilder("etl")
        .addTask({ id: "a", dependencies: ["b"] }, nothing)
        .addTask({ id: "b", dependencies: ["a"] }, nothing)
        .addTask({ id: "c", dependencies: ["b"], triggerRule: rule.failed("other") }, nothing)
        .addTask({ id: "other" }, nothing)
        .build(),
    );
    expect(inCycle.map(({ path }) => path)).toEqual(["tasks[1].dependencies[0]"]);
    const bad = task({ id: "not a name" }, nothing);
    const more = problemsOf(() =>
      new WorkflowBuilder("etl")
        .addTask(bad)
        .addTask(task({ id: "b", dependencies: [bad], triggerRule: rule.failed(bad) }, nothing))
        .build(),
    );
    expect(more.map(({ path }) => path)).toEqual(["tasks[0].id"]);
  });
});

describe("a rule on the wire", () => {
  it("is what the protocol has for it", () => {
    const built = withRule(
      rule.all("always", rule.any("all_success", rule.failed("load")), rule.none(rule.contextValue("n", "greater", 3))),
    );
    const wire = toWireDefinition(toWireWorkflow(built));
    expect(wire.tasks.slice(0, 3).map(({ triggerRule }) => triggerRule)).toEqual([undefined, undefined, undefined]);
    expect(wire.tasks[3]?.triggerRule).toMatchObject({
      rule: {
        case: "all",
        value: {
          rules: [
            { rule: { case: "always", value: true } },
            {
              rule: {
                case: "any",
                value: {
                  rules: [{ rule: { case: "allSuccess", value: true } }, { rule: { case: "failed", value: "load" } }],
                },
              },
            },
            {
              rule: {
                case: "none",
                value: { rules: [{ rule: { case: "contextValue", value: { key: "n", operator: 3, value: "3" } } }] },
              },
            },
          ],
        },
      },
    });
  });
});
