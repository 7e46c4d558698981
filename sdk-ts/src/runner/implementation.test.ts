import { describe, expect, it } from "vitest";
import { OptionsError } from "../errors/index.js";
import { Context } from "../task/context.js";
import { noHandle } from "../task/no-handle.js";
import { task } from "../task/task.js";
import { workflow } from "../task/workflow.js";
import { implementedTask } from "./implementation.js";

/** Path and message of each problem, cut where the advice begins. */
function problemsOf(workflowName: unknown, ...code: readonly unknown[]): string[] {
  try {
    implementedTask(workflowName, code);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    expect(error.message).toMatch(/^host\.implement: /);
    return error.problems.map(({ path, message }) => `${path}: ${message.replace(/;.*/, "")}`);
  }
  return [];
}

describe("the code of a task for a workflow that another registers", () => {
  it("is an id and a function, which gets a handle when it is written for one, and callbacks", () => {
    const onSuccess = () => {};
    const made = implementedTask("etl", ["load", (_context: Context) => ({ n: 1 }), { onSuccess }]);
    expect(made).toMatchObject({ id: "load", dependencies: [], wantsHandle: false });
    expect(made.fn(new Context(), null)).toEqual({ n: 1 });
    expect(made.onSuccess).toBeTypeOf("function");
    const passed: unknown[] = [];
    const withHandle = implementedTask("etl", [
      "load",
      (_context: Context, handle: unknown) => void passed.push(handle),
    ]);
    expect(withHandle.wantsHandle).toBe(true);
    withHandle.fn(new Context(), null);
    expect(passed).toEqual([noHandle]);
    const bound = (() => {}).bind(null);
    expect(implementedTask("etl", ["load", bound, { handle: true }]).wantsHandle).toBe(true);
  });

  it("is a task that was made, or one of a workflow that was built", () => {
    const made = task({ id: "load", dependencies: ["fetch"], retryAttempts: 3 }, (_context, handle) => void handle);
    const taken = implementedTask("etl", [made]);
    expect(taken).toMatchObject({ id: "load", wantsHandle: true });
    const [built] = workflow("etl", ({ task }) => void task({ id: "load" }, () => {})).tasks;
    expect(implementedTask("etl", [built])).toBe(built);
  });

  it.each<[string, readonly unknown[], string[]]>([
    ["nothing", [undefined], ["workflowName: is undefined, not a string", "task: is undefined"]],
    ["a workflow name that is none", ["a b", "load", () => {}], ['workflowName: "a b" contains " "']],
    ["an id without code", ["etl", "load"], ["fn: the task's code is undefined"]],
    ["code that is none", ["etl", "load", 5], ["fn: the task's code is the number 5"]],
    [
      "a parameter that may be the handle",
      ["etl", "load", (_a: 1, _b: 2) => {}],
      ['fn: the second parameter is named "_b", so it is not clear whether it takes the handle'],
    ],
    [
      "names that are none, and options that belong to the graph",
      ["a b", "", () => {}, { retryAttempts: 3, handles: true, onSuccess: 5 }],
      [
        'workflowName: "a b" contains " "',
        "taskId: is empty",
        'retryAttempts: "retryAttempts" is not an option of an implementation',
        'handles: "handles" is not an option of an implementation',
        "onSuccess: is the number 5",
      ],
    ],
    ["options that are none", ["etl", "load", () => {}, 5], [": the options are the number 5"]],
    ["a task without a name", ["etl", task({}, () => {})], ["task: id: is empty"]],
    [
      "a task with problems of its own",
      ["etl", task({ id: "4", timeoutMs: -1 }, () => {})],
      ['task: id: "4" starts with "4"', "task: timeoutMs: is the number -1"],
    ],
    ["an object that only looks like a task", ["etl", { id: "load", fn: () => {} }], ["task: is an object"]],
    [
      "a task of a built workflow with a wrong name",
      ["etl", { id: 4, fn: () => {}, wantsHandle: false }],
      ["task.id: is number, not a string"],
    ],
  ])("is refused for %s, all problems at once", (_name, [workflowName, ...code], problems) => {
    expect(problemsOf(workflowName, ...code)).toEqual(problems);
  });

  it("is refused for a method, whose instance nobody knows", () => {
    class Etl {
      @task()
      load(context: Context) {
        return context;
      }
    }
    expect(problemsOf("etl", new Etl().load)).toEqual(["task: is a method, and its instance is not known"]);
  });
});
