import { describe, expect, it } from "vitest";
import { DefinitionError } from "../errors/definition-error.js";
import type { Problem } from "../errors/problem.js";
import { Context } from "./context.js";
import { HANDLE_NAMES } from "./handle-parameter.js";
import { noHandle } from "./no-handle.js";
import { task } from "./task.js";
import { TASK_OPTIONS } from "./task-options.js";
import { workflow } from "./workflow.js";
import { WorkflowBuilder } from "./workflow-builder.js";

const nothing = () => {};

/** Options as JavaScript writes them: of any kind. */
type Loose = Record<string, unknown>;

/** A workflow of tasks that do nothing. */
function build(...tasks: Loose[]) {
  const builder = new WorkflowBuilder("etl");
  for (const options of tasks) builder.addTask(options, nothing);
  return builder.build();
}

function problemsOf(run: () => unknown): readonly Problem[] {
  return definitionError(run).problems;
}

function definitionError(run: () => unknown): DefinitionError {
  try {
    run();
  } catch (error) {
    if (error instanceof DefinitionError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a built workflow", () => {
  it("is plain, frozen data", () => {
    const etl = build({ id: "a" }, { id: "b", dependencies: ["a"], timeoutMs: 5 });
    expect(etl).toEqual({
      name: "etl",
      description: "",
      tags: {},
      tasks: [
        { id: "a", dependencies: [], wantsHandle: false, fn: expect.any(Function) },
        { id: "b", dependencies: ["a"], timeoutMs: 5, wantsHandle: false, fn: expect.any(Function) },
      ],
    });
    for (const part of [etl, etl.tags, etl.tasks, etl.tasks[1], etl.tasks[1]?.dependencies]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it("may name dependencies before they are declared, and options as undefined", () => {
    const { tasks } = build({ id: "a", dependencies: ["b"], timeoutMs: undefined, onSuccess: undefined }, { id: "b" });
    expect(tasks[0]?.dependencies).toEqual(["b"]);
    expect(tasks[0]).not.toHaveProperty("timeoutMs");
  });

  it("takes names that are special to JavaScript", () => {
    const { tasks } = build({ id: "__proto__" }, { id: "constructor", dependencies: ["__proto__"] });
    expect(tasks.map(({ id }) => id)).toEqual(["__proto__", "constructor"]);
  });

  it("takes 20,000 tasks, in a chain", () => {
    const chain = Array.from({ length: 20_000 }, (_, n) => ({
      id: `t${n}`,
      dependencies: n === 0 ? [] : [`t${n - 1}`],
    }));
    expect(build(...chain).tasks).toHaveLength(20_000);
    const problems = problemsOf(() => build(...chain, { id: "more" }));
    expect(problems).toEqual([{ path: "tasks", message: "has 20001 tasks; at most 20000 are allowed" }]);
  });

  it("calls the code with a handle only where it asks for one", async () => {
    const seen: unknown[][] = [];
    const { tasks } = new WorkflowBuilder("etl")
      .addTask({ id: "without", handle: false }, (...args: unknown[]) => void seen.push(args))
      .addTask({ id: "with", handle: true }, (...args: unknown[]) => void seen.push(args))
      .build();
    const context = new Context();
    for (const { fn } of tasks) await fn(context, noHandle);
    expect(seen).toEqual([[context], [context, noHandle]]);
    expect(tasks.map(({ wantsHandle }) => wantsHandle)).toEqual([false, true]);
  });
});

describe("all problems are told at once", () => {
  it("with their paths, in the order of the definition, and what was most likely meant", () => {
    const error = definitionError(() =>
      new WorkflowBuilder("my etl")
        .description(5 as unknown as string)
        .tag("", "x")
        .tag("team", null as unknown as string)
        .addTask({ id: "fetch_data", timeoutMS: 3, retryattempts: 1 } as Loose, nothing)
        .addTask({ id: "load", dependencies: ["fetch_dat", "fetch_data", "fetch_data", "load"] }, nothing)
        .addTask({ id: "1st", timeoutMs: 1.5 }, nothing)
        .addTask({ id: "load", handle: "yes" } as Loose, nothing)
        .build(),
    );
    expect(error).toMatchObject({ code: "DEFINITION_INVALID", name: "DefinitionError" });
    expect(error.message).toMatch(/^workflow "my etl": 13 problems\n- name: "my etl" contains " "/);
    expect(error.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      expect.stringMatching(/^name: "my etl" contains " "; a name starts with/),
      "description: is the number 5; a description is text",
      'tags[""]: the key of a tag is text, and not empty',
      'tags["team"]: is null; a tag\'s value is text',
      expect.stringMatching(
        /^tasks\[0\]\.timeoutMS: task "fetch_data": "timeoutMS" is not an option .*; did you mean "timeoutMs"\?$/,
      ),
      expect.stringMatching(
        /^tasks\[0\]\.retryattempts: task "fetch_data": "retryattempts" is not an option of a task; .*; did you mean "retryAttempts"\?$/,
      ),
      'tasks[1].dependencies[0]: task "load": "fetch_dat" is not a task of this workflow; did you mean "fetch_data"?',
      'tasks[1].dependencies[2]: task "load": "fetch_data" is already dependencies[1]; name it once',
      'tasks[1].dependencies[3]: task "load": a task cannot depend on itself',
      expect.stringMatching(/^tasks\[2\]\.id: "1st" starts with "1"/),
      "tasks[2].timeoutMs: is the number 1.5; allowed are whole milliseconds from 1 to 2147483647, or leave it out for no limit",
      'tasks[3].handle: task "load": is the string "yes"; allowed are true and false',
      'tasks[3].id: "load" is already the id of tasks[1]; ids are unique within a workflow',
    ]);
  });

  it("refuses texts that would arrive as others", () => {
    const builder = new WorkflowBuilder("etl\ud800").description("\udc00").tag("a\ud800", "fine").tag("b", "\ud800");
    const problems = problemsOf(() => builder.addTask({ id: "a\ud800" }, nothing).build());
    expect(problems.map(({ path }) => path)).toEqual([
      "name",
      "description",
      'tags["a\\ud800"]',
      'tags["b"]',
      "tasks[0].id",
    ]);
    expect(problems[1]?.message).toBe("holds a lone surrogate (half of a pair), which UTF-8 cannot carry");
  });

  it("names the cycle", () => {
    const problems = problemsOf(() =>
      build(
        { id: "start" },
        { id: "a", dependencies: ["start", "c"] },
        { id: "b", dependencies: ["a"] },
        { id: "c", dependencies: ["b"] },
      ),
    );
    expect(problems).toEqual([
      {
        path: "tasks[2].dependencies[0]",
        message: 'task "b": closes a cycle: "a" needs "c" needs "b" needs "a"',
      },
    ]);
  });

  it("says so for a workflow without tasks", () => {
    expect(problemsOf(() => new WorkflowBuilder("etl").build())).toEqual([
      { path: "tasks", message: "is empty; a workflow has at least one task" },
    ]);
    expect(problemsOf(() => workflow("etl", nothing))).toHaveLength(1);
  });

  it.each<[string, unknown, unknown, string, string]>([
    ["no id", {}, nothing.bind(null), "tasks[0].id", "bound nothing"],
    ["no id and no name", {}, (() => () => {})(), "tasks[0].id", 'is missing; write { id: "…" }'],
    ["an id that is no text", { id: 5 }, nothing, "tasks[0].id", "is number, not a string"],
    ["options that are none", "a", nothing, "tasks[0]", 'the options are the string "a"; write an object with id, dep'],
    ["no code", { id: "a" }, undefined, "tasks[0]", "the task's code is undefined; write a function"],
    ["a class for code", { id: "a" }, class {}, "tasks[0]", "the task's code is a class; write a function"],
    ["a generator", { id: "a" }, function* () {}, "tasks[0]", "the task's code is a generator"],
    ["an async generator", { id: "a" }, async function* () {}, "tasks[0]", "the task's code is a generator"],
    ["no callback", { id: "a", onSuccess: "log" }, nothing, "tasks[0].onSuccess", 'is the string "log"; a callback is'],
    ["a timeout of 0", { id: "a", timeoutMs: 0 }, nothing, "tasks[0].timeoutMs", "is the number 0; allowed are"],
    ["a timeout as text", { id: "a", timeoutMs: "5" }, nothing, "tasks[0].timeoutMs", 'is the string "5"; allowed are'],
    ["a dependency alone", { id: "a", dependencies: "b" }, nothing, "tasks[0].dependencies", "write an array of tasks"],
    ["no dependency", { id: "a", dependencies: [null] }, nothing, "tasks[0].dependencies[0]", "is null; write a task"],
    [
      "a function",
      { id: "a", dependencies: [nothing] },
      nothing,
      "tasks[0].dependencies[0]",
      '"nothing" is not a task',
    ],
    ["an unclear handle", { id: "a" }, (_c: unknown, _h: unknown) => {}, "tasks[0].handle", 'is named "_h"'],
  ])("%s", (_name, options, fn, path, message) => {
    const problems = problemsOf(() => new WorkflowBuilder("etl").addTask(options as Loose, fn as () => void).build());
    expect(problems).toContainEqual(expect.objectContaining({ path, message: expect.stringContaining(message) }));
  });

  it("finds a task of another workflow, and one that was never added", () => {
    const elsewhere = task({ id: "elsewhere" }, nothing);
    const problems = problemsOf(() =>
      new WorkflowBuilder("etl").addTask(task({ id: "a", dependencies: [elsewhere] }, nothing)).build(),
    );
    expect(problems).toEqual([
      {
        path: "tasks[0].dependencies[0]",
        message: 'task "a": the task "elsewhere" has not been added to this workflow',
      },
    ]);
  });

  it("does not take long over many wrong ids", () => {
    const wrong = Array.from({ length: 20_000 }, (_, n) => ({ id: `task_${n}`, dependencies: [`tusk_${n}`] }));
    const started = performance.now();
    const error = definitionError(() => build(...wrong));
    expect(error.problems).toHaveLength(20_000);
    expect(error.message.split("\n")).toHaveLength(22);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it("does not repeat what follows from another problem", () => {
    const problems = problemsOf(() => {
      const builder = new WorkflowBuilder("etl");
      const bad = task({ id: "not a name" }, nothing);
      builder.addTask(bad).addTask(task({ id: "b", dependencies: [bad] }, nothing));
      builder.build();
    });
    expect(problems.map(({ path }) => path)).toEqual(["tasks[0].id"]);
  });
});

describe("the table of options", () => {
  it("documents each", () => {
    for (const { doc } of TASK_OPTIONS) expect(doc).not.toBe("");
    expect(TASK_OPTIONS.map(({ name }) => name)).toEqual([
      "id",
      "dependencies",
      "triggerRule",
      "retryAttempts",
      "retryBackoff",
      "retryDelayMs",
      "retryMaxDelayMs",
      "retryCondition",
      "retryJitter",
      "timeoutMs",
      "handle",
      "onSuccess",
      "onFailure",
      "onRetry",
    ]);
    expect(HANDLE_NAMES).toEqual(["handle", "taskHandle", "task_handle"]);
  });
});
