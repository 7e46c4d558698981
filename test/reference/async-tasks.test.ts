/** Async tasks, and sync ones. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Context, task, WorkflowBuilder, workflow } from "cloaca";
import { expect, it } from "vitest";
import { newSignal } from "../support/signal.js";
import { useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

class Tasks {
  /** Example async task. */
  @task({ id: "async_task" })
  async asyncTask(context: Context) {
    await sleep(1); // Simulate async operation
    context.set("async_result", "Async operation completed");
    return context;
  }

  @task({ id: "sync_task", dependencies: (self: Tasks) => [self.asyncTask] })
  syncTask(context: Context) {
    context.set("sync_result", context.require<string>("async_result").toUpperCase());
    return context;
  }
}

it("async and sync tasks work in the same workflow", async () => {
  const { runner } = scheduler;
  const { context } = await runner.execute(new WorkflowBuilder("async").addTasks(new Tasks()).build());
  expect(context.toJSON()).toEqual({
    async_result: "Async operation completed",
    sync_result: "ASYNC OPERATION COMPLETED",
  });
});

it("an async task does not block others: two that wait for each other both end", async () => {
  const [left, right] = [newSignal(), newSignal()];
  const meeting = workflow("meeting", ({ task }) => {
    task({ id: "left" }, async () => {
      left.tell();
      await right.told;
    });
    task({ id: "right" }, async () => {
      right.tell();
      await left.told;
    });
  });
  await using runner = scheduler.newRunner({ slots: 2 });
  expect((await runner.execute(meeting)).run.status).toBe("SUCCEEDED");
});
