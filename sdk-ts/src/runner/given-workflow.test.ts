import { describe, expect, it } from "vitest";
import { DefinitionError } from "../errors/index.js";
import { plainWorkflow } from "../fakes/plain-workflow.js";
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
    const [problem, ...others] = problemsOf({ name: "work", description: "", tags: {}, tasks: [task] });
    expect(others).toEqual([]);
    expect(problem).toMatch(/^workflow: does not fit the protocol \(.*\); pass what /);
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
