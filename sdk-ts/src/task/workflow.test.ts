import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, it } from "vitest";
import { DefinitionError } from "../errors/definition-error.js";
import { HandleMissingError } from "../errors/handle-errors.js";
import { Context } from "./context.js";
import { noHandle } from "./no-handle.js";
import { task } from "./task.js";
import { type WorkflowScope, workflow } from "./workflow.js";
import { WorkflowBuilder } from "./workflow-builder.js";

const schema: StandardSchemaV1<{ day?: string }, { day: string }> = {
  "~standard": { version: 1, vendor: "test", validate: () => ({ value: { day: "monday" } }) },
};

describe("workflow", () => {
  it("declares tasks in a function, with dependencies by reference and by id", async () => {
    const etl = workflow("etl", ({ task }) => {
      const fetchData = task({ id: "fetch_data", timeoutMs: 5 }, async (context) => context.set("raw", [1, 2, 3]));
      const waitForFile = task({ id: "wait_for_file", dependencies: [fetchData] }, async (context, handle) => {
        const file = await handle.deferUntil(() => "a.csv");
        return { file, n: context.get("raw").length };
      });
      task({ id: "report", dependencies: ["fetch_data", waitForFile] }, function report() {});
    });
    expect(etl.tasks.map(({ id, dependencies, wantsHandle }) => [id, dependencies, wantsHandle])).toEqual([
      ["fetch_data", [], false],
      ["wait_for_file", ["fetch_data"], true],
      ["report", ["fetch_data", "wait_for_file"], false],
    ]);
    const context = new Context();
    await etl.tasks[0]?.fn(context, null);
    const handle = { ...noHandle, deferUntil: async (condition: () => unknown) => (await condition()) as never };
    expect(await etl.tasks[1]?.fn(context, handle)).toEqual({ file: "a.csv", n: 3 });
  });

  it("takes the name of the function for an id", () => {
    const { tasks } = workflow("etl", ({ task }) => {
      task({}, async function fetchData() {});
    });
    expect(tasks[0]?.id).toBe("fetchData");
  });

  it("takes a description, tags and a schema for the input", () => {
    const etl = workflow("etl", { description: "Loads the day", tags: { team: "data" }, input: schema }, ({ task }) => {
      task({ id: "a" }, (context) => ({ upper: context.get("day").toUpperCase() }));
    });
    expect(etl).toMatchObject({ description: "Loads the day", tags: { team: "data" }, input: schema });
    expect(workflow("plain", { tags: undefined }, ({ task }) => void task({ id: "a" }, () => {}))).not.toHaveProperty(
      "input",
    );
  });

  it("is also WorkflowBuilder.scope", () => {
    expect(WorkflowBuilder.scope).toBe(workflow);
  });

  it.each<[string, unknown[], string]>([
    ["no function", [], "tasks: is undefined; write a function, ({ task }) => { … }"],
    ["no options", [5, () => {}], "the options are the number 5; write an object"],
    [
      "an unknown option",
      [{ tag: {} }, () => {}],
      '"tag" is not an option of a workflow; options are description, tags, input; did you mean "tags"?',
    ],
    ["tags that are none", [{ tags: ["a"] }, () => {}], "tags: is an array; write an object of texts"],
    ["a tag that is none", [{ tags: { a: 1 } }, () => {}], 'tags["a"]: is the number 1; a tag\'s value is text'],
    ["a schema that is none", [{ input: {} }, () => {}], "input: is an object; write a Standard Schema"],
    ["an async function", [async () => {}], "the function that declares the tasks is async"],
  ])("refuses %s", (_name, args, message) => {
    const call = workflow as unknown as (...all: unknown[]) => unknown;
    expect(() => call("etl", ...args)).toThrow(DefinitionError);
    expect(() => call("etl", ...args)).toThrow(message);
  });

  it.each<[string, unknown]>([
    ["no function", undefined],
    ["an async function", async () => {}],
  ])("does not say of %s as well that there are no tasks", (_name, define) => {
    expect(() => workflow("etl", define as () => void)).toThrow(/^workflow "etl": tasks: (?!is empty)/);
  });

  it("ends no process for an async function that fails later", async () => {
    const unread: unknown[] = [];
    const listener = (reason: unknown) => unread.push(reason);
    process.on("unhandledRejection", listener);
    const define: unknown = async ({ task }: WorkflowScope<Record<never, never>>) => {
      await Promise.resolve();
      task({ id: "late" }, () => {});
    };
    expect(() => workflow("etl", define as () => void)).toThrow("is async");
    // Node tells of a rejection that nobody reads once the microtasks are over.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", listener);
    expect(unread).toEqual([]);
  });

  it("refuses tasks that are declared too late", () => {
    let late: WorkflowScope<Record<never, never>>["task"] | undefined;
    workflow("etl", ({ task }) => {
      late = task;
      task({ id: "a" }, () => {});
    });
    expect(() => late?.({ id: "b" }, () => {})).toThrow("a task was declared after its workflow had been built");
  });

  it("lets through what the function throws", () => {
    const boom = new Error("boom");
    expect(() =>
      workflow("etl", () => {
        throw boom;
      }),
    ).toThrow(boom);
  });
});

describe("task, of a function", () => {
  it("stays callable, also without a handle", async () => {
    const waits = task({ id: "waits" }, async (context, handle) => {
      context.set("before", true);
      await handle.deferUntil(() => true);
    });
    const context = new Context();
    await expect(waits(context)).rejects.toThrow(HandleMissingError);
    await expect(waits(context, null)).rejects.toThrow(
      "this task was called directly, so there is no slot to give back",
    );
    expect(context.toJSON()).toEqual({ before: true });
    const plain = task({ id: "plain" }, (context) => context.set("n", 1));
    expect(plain(new Context<Record<never, never>>({})).toJSON()).toEqual({ n: 1 });
  });

  it("makes several tasks of one function", () => {
    const copy = (context: Context) => context;
    const one = task({ id: "one" }, copy);
    const two = task({ id: "two", dependencies: [one] }, copy);
    const { tasks } = new WorkflowBuilder("etl").addTask(two).addTask(one).build();
    expect(tasks.map(({ id, dependencies }) => [id, dependencies])).toEqual([
      ["two", ["one"]],
      ["one", []],
    ]);
  });

  it("can be in several workflows", () => {
    const shared = task({ id: "shared" }, () => {});
    for (const name of ["a", "b"]) expect(new WorkflowBuilder(name).addTask(shared).build().tasks).toHaveLength(1);
  });

  it("calls its callbacks as they are", () => {
    const seen: unknown[] = [];
    const noted = task({ id: "a", onSuccess: (...args) => void seen.push(args.length) }, () => {});
    const [built] = new WorkflowBuilder("etl").addTask(noted).build().tasks;
    built?.onSuccess?.("a", new Context(), {} as never);
    expect(seen).toEqual([3]);
    expect(built).not.toHaveProperty("onFailure");
  });
});

describe("WorkflowBuilder", () => {
  it("takes the last description, and the last value of a tag", () => {
    const etl = new WorkflowBuilder("etl")
      .description("first")
      .description("second")
      .tag("a", "1")
      .tag("b", "2")
      .tag("a", "3")
      .addTask({ id: "a" }, () => {})
      .input(schema)
      .build();
    expect(etl).toMatchObject({ description: "second", tags: { a: "3", b: "2" }, input: schema });
  });

  it("goes on after build(): what was built does not change", () => {
    const builder = new WorkflowBuilder("etl").addTask({ id: "a" }, () => {});
    const first = builder.build();
    const second = builder
      .tag("x", "y")
      .addTask({ id: "b" }, () => {})
      .build();
    expect([first.tasks.length, second.tasks.length]).toEqual([1, 2]);
    expect(first.tags).toEqual({});
  });

  it("adds the tasks of any object that holds them", () => {
    const load = task({ id: "load" }, () => {});
    const count = task({ id: "count", dependencies: [load] }, () => {});
    const { tasks } = new WorkflowBuilder("etl").addTasks({ load, count, other: 5 }).build();
    expect(tasks.map(({ id }) => id)).toEqual(["load", "count"]);
    class Etl {
      readonly own = task({ id: "own" }, () => ({ name: this.name }));
      constructor(readonly name: string) {}
    }
    const [own] = new WorkflowBuilder("etl").addTasks(new Etl("x")).build().tasks;
    expect(own?.fn(new Context(), null)).toEqual({ name: "x" });
  });

  it.each<[string, (builder: WorkflowBuilder) => unknown, string]>([
    [
      "a function",
      (b) => b.addTask((() => {}) as never),
      "addTask was given a function; give it what task(options, fn)",
    ],
    ["nothing", (b) => b.addTask(undefined as never), "addTask was given undefined"],
    ["no tasks", (b) => b.addTasks({}), "addTasks was given an object that has no tasks"],
    ["null", (b) => b.addTasks(null as never), "addTasks was given null that has no tasks"],
    ["text", (b) => b.addTasks("etl" as never), 'addTasks was given the string "etl"; give it an instance'],
  ])("tells at build() that it was given %s", (_name, add, message) => {
    const builder = new WorkflowBuilder("etl").addTask({ id: "a" }, () => {});
    add(builder);
    expect(() => builder.build()).toThrow(message);
    // It is the cause where there is no other task.
    const alone = new WorkflowBuilder("etl");
    add(alone);
    expect(() => alone.build()).toThrow(`workflow "etl": tasks: ${message}`);
  });

  it("tells at build() that a method needs its instance", () => {
    class Etl {
      @task()
      load(_context: Context) {}
    }
    const builder = new WorkflowBuilder("etl").addTask(new Etl().load as never);
    expect(() => builder.build()).toThrow("load is a method; write addTasks(…) with the instance that it belongs to");
  });
});

describe("noHandle", () => {
  it("holds no slot, never aborts, and refuses to defer", async () => {
    expect(noHandle.isSlotHeld()).toBe(false);
    expect(noHandle.signal.aborted).toBe(false);
    expect([noHandle.attempt, noHandle.fence]).toEqual([1, 0]);
    await noHandle.checkpoint();
    await expect(noHandle.deferUntil(() => true)).rejects.toMatchObject({ code: "HANDLE_MISSING" });
  });
});
