/** Tasks with and without a handle in one workflow. */
import { type Context, type TaskHandle, task, WorkflowBuilder } from "cloaca";
import { expect, it } from "vitest";
import { useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

it("handle-aware and regular tasks work together, in the builder's scope", async () => {
  const mixedPipeline = WorkflowBuilder.scope("mixed_pipeline", ({ task }) => {
    const normalTask = task({ id: "normal_task" }, (context) => context.set("step_1", true));

    task({ id: "deferred_task", dependencies: [normalTask] }, async (context, handle) => {
      await handle.deferUntil(() => true, { pollIntervalMs: 10 });
      return context.set("step_2", true);
    });
  });
  const { context, runId } = await scheduler.runner.execute(mixedPipeline);
  expect(context.toJSON()).toEqual({ step_1: true, step_2: true });
  const log = (await scheduler.log(runId)).filter(({ task }) => task === "deferred_task");
  expect(log.map(({ type }) => type)).toEqual([
    "TASK_READY",
    "TASK_LEASED",
    "TASK_DEFERRED",
    "TASK_RECLAIMING",
    "TASK_RESUMED",
    "TASK_SUCCEEDED",
  ]);
});

it("and as methods of a class", async () => {
  class MixedPipeline {
    @task({ id: "normal_task" })
    normalTask(context: Context) {
      context.set("step_1", true);
      return context;
    }

    @task({ id: "deferred_task", dependencies: ["normal_task"] })
    async deferredTask(context: Context, handle: TaskHandle) {
      await handle.deferUntil(() => true, { pollIntervalMs: 10 });
      context.set("step_2", true);
      return context;
    }
  }
  const mixed = new WorkflowBuilder("mixed_class").addTasks(new MixedPipeline()).build();
  const { context } = await scheduler.runner.execute(mixed);
  expect(context.toJSON()).toEqual({ step_1: true, step_2: true });
});

it("one slot is enough, however many tasks wait", async () => {
  const WAITING = 20;
  let isOpen = false;
  const many = new WorkflowBuilder("many_waiting");
  for (let n = 0; n < WAITING; n++) {
    many.addTask({ id: `wait_${n}` }, async (_context, handle) => {
      await handle.deferUntil(() => isOpen, 10);
    });
  }
  many.addTask({ id: "open" }, () => {
    isOpen = true;
  });
  await using runner = scheduler.newRunner({ slots: 1 });
  const { runId } = await runner.execute(many.build());
  let held = 0;
  for (const { slotDelta } of await scheduler.log(runId)) {
    held += slotDelta;
    expect(held).toBeLessThanOrEqual(1);
  }
  expect(held).toBe(0);
});
