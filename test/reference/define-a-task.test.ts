/** The first example: what a task is. */
import { type Context, task, WorkflowBuilder, workflow } from "cloaca";
import { expect, it } from "vitest";
import { useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

class Tasks {
  /** Example task that processes data. */
  @task({ id: "my_task" })
  myTask(context: Context) {
    context.set("result", "Task completed successfully");
    return context;
  }
}

it("a decorated method is a task of a workflow", async () => {
  const { runner } = scheduler;
  const { context, runId } = await runner.execute(new WorkflowBuilder("basic").addTasks(new Tasks()).build());
  expect(context.toJSON()).toEqual({ result: "Task completed successfully" });
  expect((await scheduler.client.tasks(runId)).map(({ task, state }) => [task, state])).toEqual([
    ["my_task", "SUCCEEDED"],
  ]);
});

it("the same as a function, whose context has types", async () => {
  const basic = workflow("basic_function", ({ task }) => {
    task({ id: "my_task" }, (context) => context.set("result", "Task completed successfully"));
  });
  const { runner } = scheduler;
  const { context } = await runner.execute(basic);
  expect(context.get<string>("result")).toBe("Task completed successfully");
});

it("a task may return its context, nothing, or a plain object", async () => {
  const returns = workflow("returns", ({ task }) => {
    const returned = task({ id: "context" }, (context) => context.set("a", 1));
    const nothing = task({ id: "nothing", dependencies: [returned] }, (context) => {
      context.set("b", 2);
    });
    task({ id: "object", dependencies: [nothing] }, () => ({ c: 3 }));
  });
  const { runner } = scheduler;
  expect((await runner.execute(returns)).context.toJSON()).toEqual({ a: 1, b: 2, c: 3 });
});

it("anything else that it returns fails it for good, and says what is allowed", async () => {
  const wrong = new WorkflowBuilder("returns_wrong").addTask({ id: "list", retryAttempts: 3, retryDelayMs: 0 }, (() => [
    1,
  ]) as never);
  const { runner } = scheduler;
  await expect(runner.execute(wrong.build())).rejects.toMatchObject({
    tasks: [{ task: "list", failure: { code: "TASK_RESULT_INVALID", message: expect.stringContaining("an array") } }],
  });
});
