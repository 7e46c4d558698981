/** Which tasks get a handle: the second parameter's name says it. */
import { type Context, DefinitionError, type TaskHandle, task, WorkflowBuilder, workflow } from "cloaca";
import { expect, it } from "vitest";
import { useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

class Tasks {
  readonly given: [task: string, handle: boolean][] = [];

  @task()
  named(_context: Context, handle: TaskHandle) {
    this.#tell("named", handle);
  }

  @task()
  namedTaskHandle(_context: Context, taskHandle: TaskHandle) {
    this.#tell("namedTaskHandle", taskHandle);
  }

  @task()
  namedAsInTheReference(_context: Context, task_handle: TaskHandle) {
    this.#tell("namedAsInTheReference", task_handle);
  }

  @task()
  without(_context: Context, ...rest: unknown[]) {
    this.#tell("without", rest[0]);
  }

  #tell(name: string, handle: unknown): void {
    this.given.push([name, typeof (handle as TaskHandle | undefined)?.deferUntil === "function"]);
  }
}

it("a second parameter named handle, taskHandle or task_handle gets the handle, and a task without one does not", async () => {
  const tasks = new Tasks();
  await scheduler.runner.execute(new WorkflowBuilder("injected").addTasks(tasks).build());
  expect(tasks.given.toSorted()).toEqual([
    ["named", true],
    ["namedAsInTheReference", true],
    ["namedTaskHandle", true],
    ["without", false],
  ]);
});

it("so in function form, sync and async", async () => {
  const given: [task: string, handle: boolean][] = [];
  const functions = workflow("functions", ({ task }) => {
    task({ id: "arrow" }, (_context, handle) => {
      given.push(["arrow", handle.isSlotHeld()]);
    });
    task({ id: "function" }, async (_context, taskHandle) => {
      given.push(["function", taskHandle.isSlotHeld()]);
    });
  });
  await scheduler.runner.execute(functions);
  expect(given.toSorted()).toEqual([
    ["arrow", true],
    ["function", true],
  ]);
});

it("any other name gets none: it is told when the workflow is built, where the original calls the task without it", () => {
  const wrong = (): unknown =>
    workflow("wrong", ({ task }) => {
      task({ id: "other" }, (_context, slots) => {
        slots.isSlotHeld();
      });
    });
  expect(wrong).toThrow(DefinitionError);
  expect(wrong).toThrow(/"slots".*handle, taskHandle or task_handle.*handle: true/);
});

it("a parameter of another name that can do without a value is left to it", async () => {
  const seen: unknown[] = [];
  const defaults = new WorkflowBuilder("defaults").addTask({ id: "default" }, ((_context: Context, retries = 3) => {
    seen.push(retries);
  }) as never);
  await scheduler.runner.execute(defaults.build());
  expect(seen).toEqual([3]);
});

it("the option handle says it where a name cannot", async () => {
  const seen: boolean[] = [];
  const said = workflow("said", ({ task }) => {
    task({ id: "destructured", handle: true }, (_context, { attempt }) => {
      seen.push(attempt === 1);
    });
    task({ id: "renamed", handle: true, dependencies: ["destructured"] }, (_context, h) => {
      seen.push(h.isSlotHeld());
    });
  });
  await scheduler.runner.execute(said);
  expect(seen).toEqual([true, true]);
});

it("two parameters and no way to tell their names are told when the workflow is built", () => {
  const bound = ((_context: Context, _handle: TaskHandle) => {}).bind(null);
  const unreadable = new WorkflowBuilder("unreadable").addTask({ id: "bound" }, bound);
  expect(() => unreadable.build()).toThrow(/cannot be read.*handle: true/);
});

it("a third parameter that needs a value is told when the workflow is built, whatever the options say", () => {
  // A compiler lets none through, so these are functions as plain JavaScript may have them.
  const three: never = new Function("context", "handle", "database", "") as never;
  for (const options of [{}, { handle: true }, { handle: false }]) {
    const builder = new WorkflowBuilder("three").addTask({ id: "load", ...options }, three);
    expect(() => builder.build()).toThrow(
      'task "load": parameter 3, named "database", would get no value: a task takes its context and, when it wants it, the handle',
    );
  }
});
