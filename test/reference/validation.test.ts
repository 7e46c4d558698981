/** Meaningful error information: the validation task. */
import { type Context, task, WorkflowBuilder, workflow } from "cloaca";
import { expect, it } from "vitest";
import { useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

class Tasks {
  /** Task with clear validation. */
  @task({ id: "validation_task" })
  validationTask(context: Context) {
    const data = context.get<unknown>("data");
    if (!data) {
      context.set("error", "Required 'data' field is missing");
      context.set("valid", false);
      return context;
    }
    if (typeof data !== "object" || Array.isArray(data)) {
      context.set("error", `Expected object, got ${Array.isArray(data) ? "array" : typeof data}`);
      context.set("valid", false);
      return context;
    }
    context.set("valid", true);
    return context;
  }
}

const validation = new WorkflowBuilder("validation").addTasks(new Tasks()).build();

it("tells that the field is missing", async () => {
  const { context } = await scheduler.runner.execute(validation);
  expect(context.toJSON()).toEqual({ error: "Required 'data' field is missing", valid: false });
});

it("tells what it found instead", async () => {
  const { context } = await scheduler.runner.execute(validation, { data: [1] });
  expect(context.toJSON()).toEqual({ data: [1], error: "Expected object, got array", valid: false });
});

it("takes what is valid", async () => {
  const { context } = await scheduler.runner.execute(validation, { data: { rows: 3 } });
  expect(context.toJSON()).toEqual({ data: { rows: 3 }, valid: true });
});

it("a rule after it starts the work or skips it, and a skip is no failure", async () => {
  const guarded = workflow<{ data?: object }>("guarded", ({ task }) => {
    task({ id: "validation_task" }, (context) => new Tasks().validationTask(context as unknown as Context) as Context);
    task(
      {
        id: "work",
        dependencies: ["validation_task"],
        triggerRule: { kind: "context_value", key: "valid", operator: "equals", value: true },
      },
      () => ({ worked: true }),
    );
  });
  const refused = await scheduler.runner.execute(guarded, {});
  expect(refused.context.has("worked")).toBe(false);
  expect(await scheduler.client.tasks(refused.runId)).toMatchObject([
    { state: "SUCCEEDED" },
    { state: "SKIPPED", skipCause: "RULE" },
  ]);
  const taken = await scheduler.runner.execute(guarded, { data: { rows: 3 } });
  expect(taken.context.get<boolean>("worked")).toBe(true);
});

it("a schema refuses an input before the run starts", async () => {
  const schema = {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) =>
        typeof (value as { data?: unknown }).data === "object"
          ? { value: value as { data: object } }
          : { issues: [{ message: "Required 'data' field is missing", path: ["data"] }] },
    },
  };
  const checked = workflow("checked", { input: schema }, ({ task }) => {
    task({ id: "work" }, (context) => ({ keys: Object.keys(context.get("data")) }));
  });
  await expect(scheduler.runner.execute(checked, {} as never)).rejects.toMatchObject({
    code: "INPUT_INVALID",
    message: expect.stringContaining("Required 'data' field is missing"),
  });
  expect((await scheduler.runner.execute(checked, { data: { a: 1 } })).context.get<string[]>("keys")).toEqual(["a"]);
});
