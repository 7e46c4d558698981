/** The list of options. What the retry options do is in `retries.test.ts`, what callbacks do in `callbacks.test.ts`. */
import { WorkflowService } from "@cloaca/protocol";
import { type Context, DefinitionError, type RetryOptions, task, WorkflowBuilder } from "cloaca";
import { expect, it } from "vitest";
import { useScheduler } from "../support/use-scheduler.js";
import { Wire } from "../support/wire.js";

const scheduler = useScheduler();

it("id names the task within its workflow", async () => {
  class Tasks {
    @task({ id: "my_task" })
    first(context: Context) {
      return context.set("first", true);
    }
    @task()
    second(context: Context) {
      return context.set("second", true);
    }
  }
  const { runner } = scheduler;
  const { runId } = await runner.execute(new WorkflowBuilder("ids").addTasks(new Tasks()).build());
  // Without the option it is the method's name.
  expect((await scheduler.client.tasks(runId)).map(({ task }) => task)).toEqual(["my_task", "second"]);
});

it("id is unique: a second task of that id is refused when the workflow is built", () => {
  const twice = new WorkflowBuilder("twice").addTask({ id: "a" }, () => {}).addTask({ id: "a" }, () => {});
  expect(() => twice.build()).toThrow(DefinitionError);
  expect(() => twice.build()).toThrow(/"a"/);
});

it("every option of the reference is there, in camelCase, and travels to the scheduler", async () => {
  class Tasks {
    @task({ id: "first" })
    first() {}
    @task({
      id: "every_option",
      dependencies: ["first"],
      retryAttempts: 3,
      retryBackoff: "linear",
      retryDelayMs: 250,
      retryMaxDelayMs: 4_000,
      retryCondition: "transient",
      retryJitter: false,
      onSuccess: () => {},
      onFailure: () => {},
    })
    everyOption() {}
  }
  const { runner } = scheduler;
  const { run } = await runner.execute(new WorkflowBuilder("every_option").addTasks(new Tasks()).build());
  const wire = new Wire(scheduler.address);
  const { workflow } = await wire.call(WorkflowService.method.getWorkflow, { name: run.workflow });
  wire.close();
  expect(workflow?.definition?.tasks[1]).toMatchObject({
    id: "every_option",
    dependencies: ["first"],
    retry: { attempts: 3, backoff: 2, delayMs: 250, maxDelayMs: 4_000, condition: 2, jitter: false },
  });
});

/** What is wrong with the options of a task, as its workflow says when it is built. */
function problemsOf(options: object): string[] {
  try {
    new WorkflowBuilder("wrong").addTask({ id: "load", ...options }, () => {}).build();
  } catch (error) {
    if (error instanceof DefinitionError) return error.problems.map(({ path, message }) => `${path} ${message}`);
    throw error;
  }
  return [];
}

it("wrong values are refused when the workflow is built: all at once, with the task, the value and what is allowed", () => {
  const wrong = {
    retryAttempts: 1.5,
    retryBackoff: "expo" as RetryOptions["retryBackoff"],
    retryDelayMs: -1,
    retryMaxDelayMs: "1s",
    retryCondition: "always",
    retryJitter: "yes",
    onSuccess: "log",
    onFailure: null,
    retry_attempts: 3,
  };
  const problems = problemsOf(wrong);
  expect(problems).toHaveLength(Object.keys(wrong).length);
  for (const name of Object.keys(wrong)) {
    expect(problems.filter((problem) => problem.includes(`.${name} `))).toHaveLength(1);
  }
  expect(problems.join("\n")).toMatch(/retryBackoff .*"expo".*fixed, linear/);
  expect(problems.join("\n")).toMatch(/retry_attempts .*retryAttempts/);
});

it("the scheduler refuses the same from any other client", async () => {
  const wire = new Wire(scheduler.address);
  const definition = {
    name: "wrong",
    tasks: [
      { id: "a", retry: { attempts: 1_001, backoff: 9, condition: 9 } },
      { id: "a", dependencies: ["b"] },
      { id: "c", dependencies: ["a"], triggerRule: { rule: { case: "failed", value: "nobody" } } },
      { id: "d", triggerRule: { rule: { case: "failed", value: "c" } } },
    ],
  };
  const refused = wire.call(WorkflowService.method.registerWorkflow, { definition: definition as never });
  const { code, details } = (await refused.catch((error: unknown) => error)) as { code: number; details: string };
  expect(code).toBe(3);
  expect(details.split("\n").slice(1).toSorted()).toEqual([
    expect.stringMatching(/^- definition\.tasks\[0\]\.retry\.attempts: task "a": is 1001; allowed are 0 .*1000$/),
    expect.stringMatching(
      /^- definition\.tasks\[0\]\.retry\.backoff: task "a": is 9; allowed are FIXED, LINEAR, EXPONENTIAL$/,
    ),
    expect.stringMatching(
      /^- definition\.tasks\[0\]\.retry\.condition: task "a": is 9; allowed are NEVER, TRANSIENT, ALL$/,
    ),
    expect.stringMatching(/^- definition\.tasks\[1\]\.dependencies\[0\]: task "a": there is no task "b"/),
    expect.stringMatching(/^- definition\.tasks\[1\]\.id: "a" is already the id/),
    expect.stringMatching(/^- definition\.tasks\[2\]\.triggerRule\.failed: task "c": there is no task "nobody"/),
    expect.stringMatching(
      /^- definition\.tasks\[3\]\.triggerRule\.failed: task "d": task "c" is not an ancestor of it/,
    ),
  ]);
  wire.close();
});
