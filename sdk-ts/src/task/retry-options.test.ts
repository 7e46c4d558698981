import { describe, expect, it } from "vitest";
import { DefinitionError } from "../errors/definition-error.js";
import { ErrorRecord } from "../errors/error-record.js";
import type { Problem } from "../errors/problem.js";
import { toWireDefinition } from "../protocol/encode-definition.js";
import { Context } from "./context.js";
import type { RetryInfo, WorkflowDefinition } from "./definition.js";
import { task } from "./task.js";
import { toWireWorkflow } from "./wire-workflow.js";
import { workflow } from "./workflow.js";
import { WorkflowBuilder } from "./workflow-builder.js";

const nothing = () => {};

/** The same options in all forms: each a way to a workflow with one task. */
const forms: readonly [string, (options: object) => WorkflowDefinition][] = [
  ["function", (options) => new WorkflowBuilder("etl").addTask(task({ id: "a", ...options }, nothing)).build()],
  ["builder", (options) => new WorkflowBuilder("etl").addTask({ id: "a", ...options }, nothing).build()],
  ["scope", (options) => workflow("etl", ({ task }) => void task({ id: "a", ...options }, nothing))],
  [
    "decorator",
    (options) => {
      class Etl {
        @task({ id: "a", ...options })
        a(_context: Context) {}
      }
      return new WorkflowBuilder("etl").addTasks(new Etl()).build();
    },
  ],
];

function problemsOf(run: () => unknown): readonly Problem[] {
  try {
    run();
  } catch (error) {
    if (error instanceof DefinitionError) return error.problems;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const DEFAULTS = {
  retryAttempts: 0,
  retryBackoff: "exponential",
  retryDelayMs: 1000,
  retryMaxDelayMs: 60_000,
  retryCondition: "all",
  retryJitter: true,
};

describe.each(forms)("retries of a task, as %s", (_form, build) => {
  it("are a policy, whole", () => {
    const [a] = build({ retryAttempts: 3, retryBackoff: "linear", retryJitter: false }).tasks;
    const policy = {
      attempts: 3,
      backoff: "linear",
      delayMs: 1000,
      maxDelayMs: 60_000,
      condition: "all",
      jitter: false,
    };
    expect(a?.retry).toEqual(policy);
    expect(Object.isFrozen(a?.retry)).toBe(true);
  });

  it("are nothing where all is as by default, said or not", () => {
    expect(build({}).tasks[0]).not.toHaveProperty("retry");
    expect(build(DEFAULTS).tasks[0]).not.toHaveProperty("retry");
    expect(build({ retryAttempts: undefined }).tasks[0]).not.toHaveProperty("retry");
  });

  it("tell all that is wrong at once: task, option, value, what is allowed, what was meant", () => {
    const problems = problemsOf(() =>
      build({
        retryAttempts: 1.5,
        retryBackoff: "expo",
        retryDelayMs: -1,
        retryMaxDelayMs: 2 ** 31,
        retryCondition: "transiet",
        retryJitter: "yes",
        onRetry: 5,
        retryAttempt: 3,
      }),
    );
    expect(problems).toEqual([
      {
        path: "tasks[0].retryAttempts",
        message: 'task "a": is the number 1.5; allowed are whole numbers from 0 to 1000',
        found: "the number 1.5",
      },
      {
        path: "tasks[0].retryBackoff",
        message: 'task "a": "expo" is not one of fixed, linear, exponential; did you mean "exponential"?',
        found: 'the string "expo"',
        allowed: ["fixed", "linear", "exponential"],
        nearest: "exponential",
      },
      {
        path: "tasks[0].retryDelayMs",
        message: 'task "a": is the number -1; allowed are whole numbers from 0 to 2147483647 milliseconds',
        found: "the number -1",
      },
      {
        path: "tasks[0].retryMaxDelayMs",
        message: 'task "a": is the number 2147483648; allowed are whole numbers from 0 to 2147483647 milliseconds',
        found: "the number 2147483648",
      },
      {
        path: "tasks[0].retryCondition",
        message: 'task "a": "transiet" is not one of never, transient, all; did you mean "transient"?',
        found: 'the string "transiet"',
        allowed: ["never", "transient", "all"],
        nearest: "transient",
      },
      {
        path: "tasks[0].retryJitter",
        message: 'task "a": "yes" is not one of true, false',
        found: 'the string "yes"',
        allowed: ["true", "false"],
      },
      {
        path: "tasks[0].onRetry",
        message: 'task "a": is the number 5; a callback is a function',
        found: "the number 5",
      },
      expect.objectContaining({ path: "tasks[0].retryAttempt", nearest: "retryAttempts" }),
    ]);
  });
});

describe("retry options", () => {
  const [, build] = forms[1] ?? ["", () => workflow("etl", nothing)];

  it.each<[string, unknown]>([
    ["retryAttempts", 1000],
    ["retryDelayMs", 0],
    ["retryDelayMs", 2 ** 31 - 1],
    ["retryMaxDelayMs", 0],
    ["retryCondition", "never"],
  ])("%s may be %j", (name, value) => {
    expect(build({ [name]: value }).tasks[0]?.retry).toBeDefined();
  });

  it.each([
    ["retry_attempts", "retryAttempts"],
    ["retry_backoff", "retryBackoff"],
    ["retry_delay_ms", "retryDelayMs"],
    ["retry_max_delay_ms", "retryMaxDelayMs"],
    ["retry_condition", "retryCondition"],
    ["retry_jitter", "retryJitter"],
    ["on_success", "onSuccess"],
    ["on_failure", "onFailure"],
    ["on_retry", "onRetry"],
    ["trigger_rules", "triggerRule"],
  ])("%s of other languages is told to be %s", (name, nearest) => {
    expect(problemsOf(() => build({ [name]: 1 }))).toEqual([
      expect.objectContaining({ path: `tasks[0].${name}`, nearest }),
    ]);
  });

  it("a first delay over the longest is fine: it is capped", () => {
    expect(build({ retryDelayMs: 5, retryMaxDelayMs: 1 }).tasks[0]?.retry).toMatchObject({ delayMs: 5, maxDelayMs: 1 });
  });

  it.each<[string, unknown, string]>([
    ["retryAttempts", 1001, "is the number 1001; allowed are whole numbers from 0 to 1000"],
    ["retryAttempts", -1, "is the number -1"],
    ["retryAttempts", "3", 'is the string "3"'],
    ["retryAttempts", null, "is null"],
    ["retryDelayMs", Number.NaN, "is the number NaN"],
    ["retryDelayMs", 0.5, "is the number 0.5"],
    ["retryDelayMs", Number.POSITIVE_INFINITY, "is the number Infinity"],
    ["retryBackoff", 2, "is the number 2; allowed are fixed, linear, exponential"],
    ["retryBackoff", "Exponential", 'did you mean "exponential"?'],
    ["retryCondition", true, "is the boolean true; allowed are never, transient, all"],
    ["retryJitter", 1, "is the number 1; allowed are true, false"],
  ])("%s may not be %j", (name, value, message) => {
    const problems = problemsOf(() => build({ [name]: value }));
    expect(problems).toEqual([
      expect.objectContaining({ path: `tasks[0].${name}`, message: expect.stringContaining(message) }),
    ]);
  });

  it("onRetry is called with the instance for this, and what follows", () => {
    const seen: unknown[] = [];
    class Etl {
      readonly name = "etl";
      @task({
        onRetry(this: Etl, id, error, context, info) {
          seen.push([this.name, id, `${error}`, context.keys(), info.delayMs, info.nextAttempt]);
        },
      })
      load(_context: Context) {}
    }
    const [load] = new WorkflowBuilder("etl").addTasks(new Etl()).build().tasks;
    const info = { delayMs: 7, nextAttempt: 2 } as RetryInfo;
    load?.onRetry?.("load", ErrorRecord.from(new Error("boom")), new Context({ n: 1 }), info);
    expect(seen).toEqual([["etl", "load", "Error: boom", ["n"], 7, 2]]);
  });
});

describe("retries on the wire", () => {
  const policyOf = (options: object) => {
    const built = new WorkflowBuilder("etl").addTask({ id: "a", ...options }, nothing).build();
    return toWireDefinition(toWireWorkflow(built)).tasks[0]?.retry;
  };

  it("are only what is not as by default", () => {
    expect(policyOf(DEFAULTS)).toBeUndefined();
    expect(policyOf({ ...DEFAULTS, retryAttempts: 2 })).toEqual({
      $typeName: "cloaca.v1.RetryPolicy",
      attempts: 2,
      backoff: 0,
      condition: 0,
    });
  });

  it("are all that is not", () => {
    const policy = policyOf({
      retryAttempts: 2,
      retryBackoff: "fixed",
      retryDelayMs: 0,
      retryMaxDelayMs: 5,
      retryCondition: "transient",
      retryJitter: false,
    });
    expect(policy).toMatchObject({
      attempts: 2,
      backoff: 1,
      delayMs: 0,
      maxDelayMs: 5,
      condition: 2,
      jitter: false,
    });
    expect([policyOf({ retryBackoff: "linear" })?.backoff, policyOf({ retryCondition: "never" })?.condition]).toEqual([
      2, 1,
    ]);
  });
});
