/** What a task gets from those before it, and leaves to those after it. */
import { Context, task, WorkflowBuilder, workflow } from "cloaca";
import { expect, it } from "vitest";
import { useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

class Tasks {
  /** Demonstrate context usage. */
  @task({ id: "context_example" })
  contextExample(context: Context) {
    // Get data from previous tasks
    const inputValue = context.get("input_key", "default_value") as string;

    // Process the data
    const result = inputValue.toUpperCase();

    // Set results for subsequent tasks
    context.set("output_key", result);
    context.set("processing_complete", true);
    return context;
  }
}

const example = new WorkflowBuilder("context_example").addTasks(new Tasks()).build();

it("get returns what came in", async () => {
  const { context } = await scheduler.runner.execute(example, { input_key: "given" });
  expect(context.toJSON()).toEqual({ input_key: "given", output_key: "GIVEN", processing_complete: true });
});

it("get returns the default where nothing came in, and sets nothing", async () => {
  const { context } = await scheduler.runner.execute(example);
  expect(context.toJSON()).toEqual({ output_key: "DEFAULT_VALUE", processing_complete: true });
});

it("set reaches the tasks that depend on it, and those after them", async () => {
  const chain = workflow("chain", ({ task }) => {
    const first = task({ id: "first" }, (context) => context.set("n", 1));
    const second = task({ id: "second", dependencies: [first] }, (context) => context.set("m", context.get("n") + 1));
    task({ id: "third", dependencies: [second] }, (context) => ({ sum: context.get("n") + context.get("m") }));
  });
  expect((await scheduler.runner.execute(chain)).context.toJSON()).toEqual({ n: 1, m: 2, sum: 3 });
});

it("where branches set the same key, the one that is named later counts, in each run alike", async () => {
  const diamond = workflow("diamond", ({ task }) => {
    const left = task({ id: "left" }, (context) => context.set("who", "left").set("l", 1));
    const right = task({ id: "right" }, (context) => context.set("who", "right").set("r", 1));
    task({ id: "join", dependencies: [right, left] }, (context) => ({ joined: context.get("who") }));
  });
  const runs = Array.from({ length: 5 }, () => scheduler.runner.execute(diamond));
  for (const { context } of await Promise.all(runs)) expect(context.get<string>("joined")).toBe("left");
});

it("a key without a value is undefined; require throws, and lists what is there", async () => {
  let thrown: unknown;
  let found: unknown = "nothing was asked";
  const asks = new WorkflowBuilder("asks").addTask({ id: "ask" }, (context) => {
    found = context.get("output_kye");
    try {
      context.require("input_kye");
    } catch (error) {
      thrown = error;
    }
  });
  await scheduler.runner.execute(asks.build(), { input_key: 1, other: 2 });
  expect(found).toBeUndefined();
  expect(thrown).toMatchObject({ code: "CONTEXT_KEY_MISSING", message: expect.stringMatching(/input_key.*other/s) });
});

it("a value that was got is a copy: changing it changes nothing until it is set", async () => {
  const copies = new WorkflowBuilder("copies").addTask({ id: "change" }, (context) => {
    context.require<number[]>("list").push(4);
    const kept = context.require<number[]>("list");
    kept.push(5);
    context.set("kept", kept);
  });
  const { context } = await scheduler.runner.execute(copies.build(), new Context({ list: [1, 2, 3] }));
  expect(context.toJSON()).toEqual({ list: [1, 2, 3], kept: [1, 2, 3, 5] });
});

it("remove takes a key away from those that come after", async () => {
  const removing = workflow<{ secret: string }>("removing", ({ task }) => {
    const use = task({ id: "use" }, (context) => context.remove("secret"));
    task({ id: "after", dependencies: [use] }, (context) => ({ isThere: context.has("secret") }));
  });
  const { context } = await scheduler.runner.execute(removing, { secret: "s" });
  expect(context.toJSON()).toEqual({ isThere: false });
});
