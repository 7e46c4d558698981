import { toBinary } from "@bufbuild/protobuf";
import { WorkflowDefinitionSchema } from "@cloaca/protocol";
import { describe, expect, it } from "vitest";
import { definitionBytes, toWireDefinition } from "./encode-definition.js";
import type { ResolvedRule, RetryPolicy, WireWorkflow } from "./words.js";

const retry: RetryPolicy = {
  attempts: 1000,
  backoff: "fixed",
  delayMs: 2 ** 31 - 1,
  maxDelayMs: 2 ** 31 - 1,
  condition: "transient",
  jitter: false,
};

const state: ResolvedRule = { kind: "failed", task: "a" };
const value: ResolvedRule = { kind: "context_value", key: "n", operator: "not_contains", value: '"ü"' };

describe("the size of a definition", () => {
  it.each<[string, object]>([
    ["a plain task", {}],
    ["a time limit", { timeoutMs: 2 ** 31 - 1 }],
    ["retries", { retry }],
    ["a rule", { triggerRule: { kind: "always" } }],
    ["a rule about a task", { triggerRule: state }],
    ["a rule about a value", { triggerRule: value }],
    [
      "rules in rules",
      { triggerRule: { kind: "all", rules: [state, value, { kind: "none", rules: [value, state] }] } },
    ],
    ["dependencies with the longest names", { dependencies: Array.from({ length: 50 }, () => "t".repeat(128)) }],
    ["dependencies", { dependencies: Array.from({ length: 50 }, (_, n) => `t${n}`) }],
  ])("is not guessed too small, nor many times too large, for %s", (_name, more) => {
    const tasks = Array.from({ length: 100 }, (_, n) => ({ id: `task${n}`, dependencies: [], ...more }));
    const workflow: WireWorkflow = { name: "etl", description: "für alle", tags: { team: "data" }, tasks };
    const bytes = toBinary(WorkflowDefinitionSchema, toWireDefinition(workflow)).length;
    expect(definitionBytes(workflow)).toBeGreaterThanOrEqual(bytes);
    expect(definitionBytes(workflow)).toBeLessThan(bytes * 5);
  });

  it("is not guessed too small for a short one with many short tags", () => {
    const tags = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`${n}`, ""]));
    const workflow: WireWorkflow = { name: "w", description: "", tags, tasks: [] };
    const bytes = toBinary(WorkflowDefinitionSchema, toWireDefinition(workflow)).length;
    expect(definitionBytes(workflow)).toBeGreaterThanOrEqual(bytes);
  });
});
