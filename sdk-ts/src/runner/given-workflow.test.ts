import { describe, expect, it, vi } from "vitest";
import { DefinitionError } from "../errors/index.js";
import { plainWorkflow } from "../fakes/plain-workflow.js";
import { isBuilt } from "../task/built.js";
import { HALF_A_PAIR } from "../task/well-formed.js";
import { workflow } from "../task/workflow.js";
import { WorkflowBuilder } from "../task/workflow-builder.js";
import { DefaultRunner } from "./default-runner.js";
import { checkWorkflow } from "./given-workflow.js";
import { Host } from "./host.js";

const RIGHT = "pass what workflow(…) or a builder's build() returned";

function problemsOf(value: unknown): string[] {
  try {
    checkWorkflow(value, "runner.execute");
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

describe("what is given for a workflow", () => {
  it("is one that was built, or has its shape", () => {
    expect(problemsOf(plainWorkflow("work", { a: () => {} }))).toEqual([]);
  });

  it.each<[string, unknown, string[]]>([
    ["undefined", undefined, [`workflow: is undefined; ${RIGHT}`]],
    ["an array", [], [`workflow: is an array; ${RIGHT}`]],
    [
      "a name",
      "nope",
      [
        `workflow: is the string "nope"; ${RIGHT}; to run a workflow that is registered, by its name, write client.execute("nope")`,
      ],
    ],
    [
      "a builder",
      new WorkflowBuilder("x"),
      ["workflow: is a WorkflowBuilder; call its build(), and pass what that returns"],
    ],
    [
      "an object with a name",
      { name: "x" },
      [
        `workflow.description: is undefined, not text, which may be empty; ${RIGHT}`,
        `workflow.tags: is undefined, not an object whose values are text; ${RIGHT}`,
        `workflow.tasks: is undefined, not an array of tasks; ${RIGHT}`,
      ],
    ],
    [
      "parts that are null",
      {
        name: "x",
        description: "",
        tags: {},
        tasks: [{ id: "a", dependencies: [], timeoutMs: null, retry: null, triggerRule: null, fn: () => {} }],
      },
      [
        `tasks[0].timeoutMs: is null, not a number; ${RIGHT}`,
        `tasks[0].retry: is null, not a retry policy; ${RIGHT}`,
        `tasks[0].triggerRule: is null, not a rule; ${RIGHT}`,
      ],
    ],
    [
      "holes",
      // biome-ignore lint/suspicious/noSparseArray: what a program in JavaScript may write.
      { name: "x", description: "", tags: {}, tasks: [, { id: "a", dependencies: [,], fn: () => {} }] },
      [`tasks[0]: is undefined; ${RIGHT}`, `tasks[1].dependencies: is an array, not an array of ids; ${RIGHT}`],
    ],
    [
      "tasks that are none",
      { name: "x", description: "", tags: {}, tasks: [{ id: 1, dependencies: [2] }, null] },
      [
        `tasks[0].id: is the number 1, not text; ${RIGHT}`,
        `tasks[0].dependencies: is an array, not an array of ids; ${RIGHT}`,
        `tasks[0].fn: is undefined, not a function; ${RIGHT}`,
        `tasks[1]: is null; ${RIGHT}`,
      ],
    ],
  ])("is refused when it is %s, all problems at once", (_name, value, problems) => {
    expect(problemsOf(value)).toEqual(problems);
  });

  it.each<[string, object]>([
    ["a time limit", { timeoutMs: -1 }],
    ["a number of retries", { retry: { attempts: "x" } }],
    ["a task that a rule names", { triggerRule: { kind: "failed", task: 5 } }],
    ["a rule", { triggerRule: { kind: "all", rules: 5 } }],
  ])("is refused when it was made by hand, with %s that cannot be sent", (_name, more) => {
    const task = { id: "a", dependencies: [], wantsHandle: false, fn: () => {}, ...more };
    const byHand = { name: "work", description: "", tags: {}, tasks: [task] };
    for (const value of [byHand, Object.freeze({ ...byHand })]) {
      const [problem, ...others] = problemsOf(value);
      expect(others).toEqual([]);
      expect(problem).toMatch(/^workflow: does not fit the protocol \(.*\); pass what /);
    }
  });

  it("is refused when it holds half a pair, wherever it is", () => {
    const half = "\ud800";
    const triggerRule = { kind: "all", rules: [{ kind: "failed", task: half }] };
    const task = { id: "a", dependencies: [half], triggerRule, fn: () => {} };
    expect(problemsOf({ name: "x", description: half, tags: { a: half, [half]: "b" }, tasks: [task] })).toEqual([
      `workflow.description: ${HALF_A_PAIR}`,
      `workflow.tags["a"]: ${HALF_A_PAIR}`,
      `workflow.tags["\\ud800"]: the key ${HALF_A_PAIR}`,
      `tasks[0].dependencies[0]: ${HALF_A_PAIR}`,
      `tasks[0].triggerRule.rules[0].task: ${HALF_A_PAIR}`,
    ]);
  });

  it("is not looked at again when it was built, and a copy with other parts is", () => {
    const built = workflow("work", ({ task }) => void task({ id: "a" }, () => {}));
    const reads: unknown[] = [];
    const watched = new Proxy(built, { get: (_target, key) => reads.push(key) });
    expect(problemsOf(watched)).toEqual([]);
    expect(reads).toEqual([]);
    expect(problemsOf(Object.freeze({ ...built, name: 5 }))).toEqual([
      `workflow.name: is the number 5, not text; ${RIGHT}`,
    ]);
  });

  it("is known as built by a second copy of the package", async () => {
    vi.resetModules();
    const copy = await import("../task/workflow.js");
    expect(copy.workflow).not.toBe(workflow);
    expect(isBuilt(copy.workflow("work", ({ task }) => void task({ id: "a" }, () => {})))).toBe(true);
  });

  it("is looked at by everything that takes one, which says what it is", async () => {
    const host = new Host({ url: "grpc://127.0.0.1:1" });
    const nothing = undefined as never;
    expect(() => host.register(nothing)).toThrow(/^host\.register: workflow: is undefined/);
    await expect(host.bring(nothing)).rejects.toThrow(/^host\.bring: workflow: is undefined/);
    const runner = new DefaultRunner("grpc://127.0.0.1:1");
    expect(() => host.register("x" as never)).toThrow(`host.register: workflow: is the string "x"; ${RIGHT}`);
    await expect(runner.execute(nothing)).rejects.toThrow(/^runner\.execute: workflow: is undefined/);
  });
});
