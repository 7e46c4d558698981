import { describe, expect, it } from "vitest";
import type { CompiledRule, Graph } from "./model.js";
import { ruleText } from "./rule-text.js";

const GRAPH = { tasks: ["load", "sum"].map((id) => ({ id })) } as unknown as Pick<Graph, "tasks">;

const failed: CompiledRule = { kind: "failed", task: 0 };

describe("ruleText", () => {
  const CASES: readonly [text: string, rule: CompiledRule][] = [
    ["always", { kind: "always" }],
    ["allSuccess", { kind: "all_success" }],
    ['succeeded("sum")', { kind: "succeeded", task: 1 }],
    ['contextValue("n", "not_equals", [1])', { kind: "context_value", key: "n", operator: "not_equals", value: [1] }],
    ['contextValue("n", "not_exists")', { kind: "context_value", key: "n", operator: "not_exists", value: null }],
    ['contextValue("n", "equals", null)', { kind: "context_value", key: "n", operator: "equals", value: null }],
    [
      'none(failed("load"), all(skipped("sum")))',
      { kind: "none", rules: [failed, { kind: "all", rules: [{ kind: "skipped", task: 1 }] }] },
    ],
  ];

  it.each(CASES)("%s", (text, rule) => {
    expect(ruleText(rule, GRAPH)).toBe(text);
  });

  it("cuts what is long or deep", () => {
    const long: CompiledRule = { kind: "any", rules: Array.from({ length: 9 }, () => failed) };
    expect(ruleText(long, GRAPH)).toMatch(/^any\((failed\("load"\), ){5}4 more\)$/);
    let deep: CompiledRule = failed;
    for (let level = 0; level < 32; level++) deep = { kind: "all", rules: [deep] };
    expect(ruleText(deep, GRAPH)).toBe("all(all(all(all(…))))");
    const wide: CompiledRule = { kind: "all", rules: [long, long, long, long, long] };
    expect(ruleText(wide, GRAPH)).toMatch(/^all\(any\(.{290,}…$/);
  });
});
