/** Callbacks: their signatures, the monitored task, and errors within them. */
import { once } from "node:events";
import {
  type Context,
  DefaultRunner,
  type ErrorRecord,
  type HostLog,
  type RetryInfo,
  RunFailedError,
  type TaskInfo,
  TaskTimeoutError,
  task,
  WorkflowBuilder,
  workflow,
} from "cloaca";
import { expect, it } from "vitest";
import { newSignal } from "../support/signal.js";
import { useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

/** What a runner's host logs. */
class Log implements HostLog {
  readonly lines: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  info(): void {}
  warn(message: string, fields: Readonly<Record<string, unknown>>): void {
    this.lines.push({ message, fields });
  }
}

class Monitored {
  readonly printed: string[] = [];

  constructor(readonly performOperation: () => unknown) {}

  /** Log successful task completion. */
  logSuccess(taskId: string, _context: Context): void {
    this.printed.push(`Task '${taskId}' completed successfully`);
    // Send metrics, update monitoring, etc.
  }

  /** Alert on task failure. */
  alertFailure(taskId: string, error: ErrorRecord, _context: Context): void {
    this.printed.push(`ALERT: Task '${taskId}' failed: ${error}`);
    // Send to Slack, PagerDuty, etc.
  }

  /** Task with monitoring callbacks. */
  @task({
    id: "monitored_task",
    onSuccess(this: Monitored, taskId, context) {
      this.logSuccess(taskId, context);
    },
    onFailure(this: Monitored, taskId, error, context) {
      this.alertFailure(taskId, error, context);
    },
  })
  monitoredTask(context: Context) {
    const result = this.performOperation();
    context.set("result", result);
    return context;
  }
}

const monitored = (tasks: Monitored) => new WorkflowBuilder("monitored").addTasks(tasks).build();

/** Runs a workflow with a runner of its own; its host has heard every receipt when this returns. */
async function runToTheEnd(definition: ReturnType<typeof monitored>, log?: HostLog): Promise<RunFailedError | null> {
  const runner = new DefaultRunner({ url: scheduler.url, ...(log === undefined ? null : { log }) });
  try {
    await runner.execute(definition);
    return null;
  } catch (error) {
    if (error instanceof RunFailedError) return error;
    throw error;
  } finally {
    await runner.close();
  }
}

it("onSuccess is called once when the task succeeds, and onFailure is not", async () => {
  const tasks = new Monitored(() => 42);
  expect(await runToTheEnd(monitored(tasks))).toBeNull();
  expect(tasks.printed).toEqual(["Task 'monitored_task' completed successfully"]);
});

it("onFailure is called once when the task fails, and onSuccess is not; its error reads as a text", async () => {
  const tasks = new Monitored(() => {
    throw new Error("boom");
  });
  expect(await runToTheEnd(monitored(tasks))).toBeInstanceOf(RunFailedError);
  expect(tasks.printed).toEqual(["ALERT: Task 'monitored_task' failed: Error: boom"]);
});

it("callbacks get the task's id, its error, its context, and which execution it was", async () => {
  const calls: [id: string, error: string | null, values: unknown, info: TaskInfo][] = [];
  const told = workflow<{ day: string }>("told", ({ task }) => {
    const good = task(
      { id: "good", onSuccess: (id, context, info) => calls.push([id, null, context.toJSON(), info]) },
      (context) => context.set("rows", 3),
    );
    task(
      {
        id: "bad",
        dependencies: [good],
        onFailure: (id, error, context, info) => calls.push([id, error.message, context.toJSON(), info]),
      },
      (context) => {
        context.set("half", true);
        throw new Error("boom");
      },
    );
  });
  await using runner = scheduler.newRunner();
  const failed = await runner.execute(told, { day: "monday" }).catch((error: unknown) => error);
  await runner.close();
  const { runId } = failed as RunFailedError;
  expect(calls).toEqual([
    [
      "good",
      null,
      { day: "monday", rows: 3 },
      expect.objectContaining({ runId, workflow: "told", attempt: 1, fence: 1 }),
    ],
    [
      "bad",
      "boom",
      { day: "monday", rows: 3, half: true },
      expect.objectContaining({ runId, attempt: 1, recovery: 0 }),
    ],
  ]);
});

it("onFailure waits for the last attempt; onRetry tells of those before it, with when and which comes next", async () => {
  const calls: [kind: string, attempt: number, delayMs?: number, nextAttempt?: number][] = [];
  const options = {
    id: "flaky",
    retryAttempts: 2,
    retryBackoff: "linear" as const,
    retryDelayMs: 10,
    retryJitter: false,
    onRetry: (_id: string, _error: ErrorRecord, _context: Context, info: RetryInfo) =>
      calls.push(["retry", info.attempt, info.delayMs, info.nextAttempt]),
    onFailure: (_id: string, _error: ErrorRecord, _context: Context, info: TaskInfo) =>
      calls.push(["failure", info.attempt]),
  };
  const failing = new WorkflowBuilder("flaky").addTask(options, () => {
    throw new Error("boom");
  });
  expect(await runToTheEnd(failing.build())).toBeInstanceOf(RunFailedError);
  expect(calls).toEqual([
    ["retry", 1, 10, 2],
    ["retry", 2, 20, 3],
    ["failure", 3],
  ]);
});

it("a timeout is a failure: onRetry and onFailure hear of it, also where the code does not stop", async () => {
  const calls: [kind: string, attempt: number, text: string, isTimeout: boolean, nextAttempt?: number][] = [];
  const failed = newSignal();
  const mayStop = newSignal();
  const options = {
    id: "slow",
    timeoutMs: 50,
    retryAttempts: 1,
    retryDelayMs: 10,
    onRetry: (_id: string, error: ErrorRecord, _context: Context, { attempt, nextAttempt }: RetryInfo) =>
      calls.push(["retry", attempt, `${error}`, error.thrown instanceof TaskTimeoutError, nextAttempt]),
    onFailure: (_id: string, error: ErrorRecord, _context: Context, { attempt }: TaskInfo) => {
      calls.push(["failure", attempt, `${error}`, error.thrown instanceof TaskTimeoutError]);
      failed.tell();
    },
  };
  const timesOut = workflow("times_out", ({ task }) => {
    task(options, async (_context, handle) => {
      if (handle.attempt === 1) await once(handle.signal, "abort");
      else await mayStop.told;
    });
  });
  const running = runToTheEnd(timesOut);
  await failed.told;
  mayStop.tell();
  expect((await running)?.tasks).toMatchObject([{ task: "slow", failure: { code: "TASK_TIMEOUT" } }]);
  const text = 'TaskTimeoutError: task "slow" held a slot for longer than its timeout of 50 ms';
  expect(calls).toEqual([
    ["retry", 1, text, true, 2],
    ["failure", 2, text, true],
  ]);
});

it("and so is a wait of a deferral that was too long, when the task does not catch it", async () => {
  const calls: [kind: string, type: string][] = [];
  const options = {
    id: "waits",
    retryAttempts: 1,
    retryDelayMs: 0,
    onRetry: (_id: string, error: ErrorRecord) => calls.push(["retry", error.type]),
    onFailure: (_id: string, error: ErrorRecord) => calls.push(["failure", error.type]),
  };
  const inVain = workflow("in_vain", ({ task }) => {
    task(options, async (_context, handle) => {
      await handle.deferUntil(() => false, { pollIntervalMs: 5, maxWaitMs: 20 });
    });
  });
  expect(await runToTheEnd(inVain)).toBeInstanceOf(RunFailedError);
  expect(calls).toEqual([
    ["retry", "DeferTimeoutError"],
    ["failure", "DeferTimeoutError"],
  ]);
});

it("an error in a callback does not fail the task, and is logged", async () => {
  class Resilient {
    /** Task completes even if callback fails. */
    @task({
      id: "resilient_task",
      onSuccess: () => {
        throw new Error("Callback error!"); // Won't fail the task
      },
    })
    resilientTask(context: Context) {
      return context;
    }
  }
  const log = new Log();
  expect(await runToTheEnd(new WorkflowBuilder("resilient").addTasks(new Resilient()).build(), log)).toBeNull();
  const warned = log.lines.filter(({ message }) => message === "callback_failed");
  expect(warned).toEqual([
    {
      message: "callback_failed",
      fields: { callback: "onSuccess", task: "resilient_task", error: "Error: Callback error!" },
    },
  ]);
});

it("nor does one in a callback that is async, and it changes no failure either", async () => {
  const log = new Log();
  const failing = new WorkflowBuilder("both_fail").addTask(
    { id: "fails", onFailure: () => Promise.reject(new Error("Callback error!")) },
    () => {
      throw new Error("the task's own");
    },
  );
  const failed = await runToTheEnd(failing.build(), log);
  expect(failed?.tasks).toMatchObject([{ task: "fails", failure: { message: "the task's own" } }]);
  expect(log.lines.map(({ fields }) => fields["callback"])).toEqual(["onFailure"]);
});

it("no callback is waited for: the run goes on while it takes its time", async () => {
  const gate = newSignal();
  const slow = workflow("slow_callback", ({ task }) => {
    const first = task({ id: "first", onSuccess: () => gate.told }, () => {});
    task({ id: "second", dependencies: [first] }, () => ({ isDone: true }));
  });
  const { context } = await scheduler.runner.execute(slow);
  expect(context.get<boolean>("isDone")).toBe(true);
  expect(gate.isTold).toBe(false);
  gate.tell();
});
