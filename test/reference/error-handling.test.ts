/** A task that catches its own errors, and one that does not. */
import { type Context, task, WorkflowBuilder } from "cloaca";
import { expect, it } from "vitest";
import { useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

class Tasks {
  constructor(readonly riskyOperation: () => unknown) {}

  /** Task with error handling. */
  @task({ id: "safe_task" })
  safeTask(context: Context) {
    try {
      // Potentially failing operation
      const result = this.riskyOperation();
      context.set("success", true);
      context.set("result", result);
    } catch (e) {
      context.set("success", false);
      context.set("error", String(e));
    }
    return context;
  }
}

const safe = (riskyOperation: () => unknown) => new WorkflowBuilder("safe").addTasks(new Tasks(riskyOperation)).build();

it("what a task catches is data, not a failure", async () => {
  const { runner } = scheduler;
  const failing = safe(() => {
    throw new RangeError("out of reach");
  });
  const { context, run } = await runner.execute(failing);
  expect(run.status).toBe("SUCCEEDED");
  expect(context.toJSON()).toEqual({ success: false, error: "RangeError: out of reach" });
});

it("and without an error it has the result", async () => {
  const { runner } = scheduler;
  const { context } = await runner.execute(safe(() => 42));
  expect(context.toJSON()).toEqual({ success: true, result: 42 });
});

it("what a task throws fails it, with type, message and stack", async () => {
  const unsafe = new WorkflowBuilder("unsafe").addTask({ id: "unsafe_task" }, (context) => {
    context.set("half", "done");
    throw new RangeError("out of reach");
  });
  const { runner } = scheduler;
  const failed = runner.execute(unsafe.build());
  await expect(failed).rejects.toMatchObject({
    code: "RUN_FAILED",
    message: expect.stringContaining("RangeError: out of reach"),
    tasks: [
      {
        task: "unsafe_task",
        state: "FAILED",
        failure: { type: "RangeError", message: "out of reach", stack: expect.stringContaining("error-handling") },
      },
    ],
  });
});

it("a value that is not JSON is refused at the line that sets it", async () => {
  let thrown: unknown;
  const wrong = new WorkflowBuilder("not_json").addTask({ id: "set" }, (context) => {
    try {
      context.set("when", { at: [new Date(0)] } as unknown);
    } catch (error) {
      thrown = error;
    }
  });
  const { runner } = scheduler;
  await runner.execute(wrong.build());
  expect(thrown).toMatchObject({ code: "CONTEXT_VALUE_INVALID", message: expect.stringContaining("toISOString") });
});
