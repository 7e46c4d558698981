/** Tasks that can safely be executed again. */
import { type Context, type TaskHandle, task, WorkflowBuilder } from "cloaca";
import { expect, it } from "vitest";
import { useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();
const RETRY = { retryAttempts: 1, retryDelayMs: 0 } as const;

class Tasks {
  performed = 0;

  /** Task that can be safely retried. */
  @task({ id: "idempotent_task", ...RETRY })
  async idempotentTask(context: Context, handle: TaskHandle) {
    // Check if already processed
    if (context.get("already_processed", false)) return context;

    // Perform operation
    const result = ++this.performed;

    // Mark as processed
    context.set("result", result);
    context.set("already_processed", true);
    await handle.checkpoint(); // from here on it stays, whatever becomes of this attempt
    throw new Error("the power went out");
  }
}

it("what was checkpointed is there in the next attempt, so that the operation is performed once", async () => {
  const tasks = new Tasks();
  const { context, runId } = await scheduler.runner.execute(new WorkflowBuilder("idempotent").addTasks(tasks).build());
  expect(tasks.performed).toBe(1);
  expect(context.toJSON()).toEqual({ result: 1, already_processed: true });
  expect(await scheduler.client.tasks(runId)).toMatchObject([{ task: "idempotent_task", attempt: 2 }]);
});

it("a run that finds the mark in its input performs nothing", async () => {
  const tasks = new Tasks();
  const idempotent = new WorkflowBuilder("idempotent").addTasks(tasks).build();
  const { context } = await scheduler.runner.execute(idempotent, { already_processed: true, result: 7 });
  expect(tasks.performed).toBe(0);
  expect(context.get<number>("result")).toBe(7);
});

it("what a failed attempt only set is gone in the next one", async () => {
  const seen: unknown[] = [];
  const forgetting = new WorkflowBuilder("forgetting").addTask({ id: "forget", ...RETRY }, (context) => {
    seen.push(context.get("mark", "none"));
    context.set("mark", "set");
    if (seen.length === 1) throw new Error("once");
  });
  await scheduler.runner.execute(forgetting.build());
  expect(seen).toEqual(["none", "none"]);
});

it("a deferral is a checkpoint too", async () => {
  const seen: unknown[] = [];
  const deferring = new WorkflowBuilder("deferring").addTask({ id: "defer", ...RETRY }, async (context, handle) => {
    seen.push(context.get("mark", "none"));
    if (seen.length > 1) return;
    context.set("mark", "set");
    await handle.deferUntil(() => true);
    throw new Error("once");
  });
  await scheduler.runner.execute(deferring.build());
  expect(seen).toEqual(["none", "set"]);
});

it("each execution has a fence that grows, for systems outside to refuse an older one", async () => {
  const fences: number[] = [];
  const fenced = new WorkflowBuilder("fenced").addTask({ id: "fenced", ...RETRY }, (_context, handle) => {
    fences.push(handle.fence);
    if (fences.length === 1) throw new Error("once");
  });
  await scheduler.runner.execute(fenced.build());
  expect(fences).toEqual([1, 2]);
});
