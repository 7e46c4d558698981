/** `handle.deferUntil`: the slot is given back while a condition is polled. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Context,
  DeferTimeoutError,
  HandleConsumedError,
  Host,
  OptionsError,
  SlotsClosedError,
  type TaskHandle,
  task,
  WorkflowBuilder,
  workflow,
} from "cloaca";
import { expect, it } from "vitest";
import { newSignal } from "../support/signal.js";
import { nextEvent, useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

it("the slot is free for other tasks while the condition is polled, and is taken again when it holds", async () => {
  let isReady = false;
  class Tasks {
    /** Task that defers until an external condition is met. */
    @task({ id: "wait_for_ready" })
    async waitForReady(context: Context, handle: TaskHandle) {
      function checkReady() {
        // Return true when the task should resume
        return isReady;
      }
      await handle.deferUntil(checkReady, { pollIntervalMs: 10 });
      context.set("ready", true);
      return context;
    }

    @task({ id: "get_ready" })
    getReady() {
      isReady = true;
    }
  }
  await using runner = scheduler.newRunner({ slots: 1 });
  const { context, runId } = await runner.execute(new WorkflowBuilder("ready").addTasks(new Tasks()).build());
  expect(context.get<boolean>("ready")).toBe(true);
  const slots = (await scheduler.log(runId)).filter(({ slotDelta }) => slotDelta !== 0);
  expect(slots.map(({ slotDelta, type, task }) => `${slotDelta} ${type} ${task}`)).toEqual([
    "1 TASK_LEASED wait_for_ready",
    "-1 TASK_DEFERRED wait_for_ready",
    "1 TASK_LEASED get_ready",
    "-1 TASK_SUCCEEDED get_ready",
    "1 TASK_RESUMED wait_for_ready",
    "-1 TASK_SUCCEEDED wait_for_ready",
  ]);
});

it("where no slot is free when the condition holds, the task waits for one", async () => {
  const [isBusy, goOn, met] = [newSignal(), newSignal(), newSignal()];
  let wasHeld = false;
  const busy = workflow("busy", ({ task }) => {
    task({ id: "waiting" }, async (_context, handle) => {
      await handle.deferUntil(() => isBusy.isTold, 10);
      wasHeld = goOn.isTold;
      met.tell();
    });
    task({ id: "busy" }, async () => {
      isBusy.tell();
      await goOn.told;
    });
  });
  await using runner = scheduler.newRunner({ slots: 1 });
  await runner.address();
  const running = runner.execute(busy);
  await isBusy.told;
  const { client } = scheduler;
  const { runs } = await client.list({ workflow: "busy" });
  const runId = runs[0]?.runId ?? "";
  await nextEvent(client, runId, ({ type }) => type === "TASK_RECLAIMING");
  expect((await client.tasks(runId)).map(({ state }) => state)).toEqual(["RECLAIMING", "LEASED"]);
  expect(met.isTold).toBe(false);
  goOn.tell();
  await running;
  expect(wasHeld).toBe(true);
});

it("the condition is called at once, and then every pollIntervalMs until it holds", async () => {
  const calls: number[] = [];
  const polled = workflow("polled", ({ task }) => {
    task({ id: "poll" }, async (_context, handle) => {
      await handle.deferUntil(() => calls.push(performance.now()) === 4, { pollIntervalMs: 25 });
    });
  });
  await scheduler.runner.execute(polled);
  expect(calls).toHaveLength(4);
  // A timer of Node may be up to a millisecond early.
  for (const wait of gaps(calls)) expect(wait).toBeGreaterThanOrEqual(24);
});

it("pollIntervalMs is 1000 by default", async () => {
  const calls: number[] = [];
  const polled = workflow("polled_by_default", ({ task }) => {
    task({ id: "poll" }, async (_context, handle) => {
      await handle.deferUntil(() => calls.push(performance.now()) === 2);
    });
  });
  await scheduler.runner.execute(polled);
  expect(calls).toHaveLength(2);
  for (const wait of gaps(calls)) expect(wait).toBeGreaterThanOrEqual(999);
});

it("local variables are as they were, and the truthy value of the condition comes out", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cloaca-wait-for-file-"));
  const target = join(folder, "input.csv");
  class Tasks {
    @task({ id: "wait_for_file" })
    async waitForFile(context: Context, handle: TaskHandle) {
      const local = { before: "the wait" };
      const found = await handle.deferUntil(() => existsSync(target) && target, { pollIntervalMs: 5 });
      context.set("file_path", found);
      context.set("local", local.before);
      return context;
    }

    @task({ id: "write_file" })
    writeFile() {
      writeFileSync(target, "a,b\n");
    }
  }
  const { context } = await scheduler.runner.execute(new WorkflowBuilder("file").addTasks(new Tasks()).build());
  expect(context.toJSON()).toEqual({ file_path: target, local: "the wait" });
  rmSync(folder, { recursive: true });
});

it("the condition may be async, and its calls never overlap", async () => {
  let calls = 0;
  let open = 0;
  let most = 0;
  const polled = workflow("polled_async", ({ task }) => {
    task({ id: "poll" }, async (_context, handle) => {
      await handle.deferUntil(async () => {
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 20)); // longer than the interval
        open--;
        return ++calls === 3;
      }, 1);
    });
  });
  await scheduler.runner.execute(polled);
  expect(calls).toBe(3);
  expect(most).toBe(1);
});

it("a condition that throws: the task takes a slot again, and the error is thrown inside it", async () => {
  const polled = workflow("throwing", ({ task }) => {
    task({ id: "poll" }, async (_context, handle) => {
      try {
        await handle.deferUntil(() => {
          throw new Error("no such host");
        });
      } catch (error) {
        return { caught: String(error), held: handle.isSlotHeld() };
      }
      return {};
    });
  });
  const { context } = await scheduler.runner.execute(polled);
  expect(context.toJSON()).toEqual({ caught: "Error: no such host", held: true });
});

it("a task may defer again and again, one after the other", async () => {
  const twice = workflow("twice", ({ task }) => {
    task({ id: "twice" }, async (_context, handle) => {
      const first = await handle.deferUntil(() => 1);
      const second = await handle.deferUntil(() => 2);
      return { sum: first + second };
    });
  });
  const { context, runId } = await scheduler.runner.execute(twice);
  expect(context.get<number>("sum")).toBe(3);
  const deferrals = (await scheduler.log(runId)).filter(({ type }) => type === "TASK_DEFERRED");
  expect(deferrals.map(({ deferral }) => deferral)).toEqual([1, 2]);
});

it("a consumed handle: after the task has ended it throws HandleConsumedError, and so does a second deferral at a time", async () => {
  const errors: unknown[] = [];
  let kept: TaskHandle | undefined;
  const consumed = workflow("consumed", ({ task }) => {
    task({ id: "keep" }, async (_context, handle) => {
      kept = handle;
      let isOver = false;
      const first = handle.deferUntil(() => isOver, 1);
      await handle.deferUntil(() => true).catch((error: unknown) => errors.push(error));
      isOver = true;
      await first;
    });
  });
  await scheduler.runner.execute(consumed);
  await kept?.deferUntil(() => true).catch((error: unknown) => errors.push(error));
  expect(errors).toEqual([expect.any(HandleConsumedError), expect.any(HandleConsumedError)]);
  expect(errors).toMatchObject([
    { code: "HANDLE_CONSUMED", reason: "deferral_open" },
    { code: "HANDLE_CONSUMED", reason: "task_ended" },
  ]);
});

it("closed: a host that shuts down throws SlotsClosedError into what waits, and the task runs again elsewhere", async () => {
  const errors: unknown[] = [];
  let isSecond = false;
  const closing = workflow("closing", ({ task }) => {
    task({ id: "wait" }, async (_context, handle) => {
      try {
        await handle.deferUntil(() => isSecond, 10);
        return { fence: handle.fence };
      } catch (error) {
        errors.push(error);
        throw error;
      }
    });
  });
  const { client, url } = scheduler;
  const first = new Host({ url, hostId: "first" }).register(closing);
  const served = first.run({ handleSignals: false });
  await first.ready();
  const { runId } = await client.start(closing);
  await nextEvent(client, runId, ({ type }) => type === "TASK_DEFERRED");
  await first.drain(0);
  await served;
  expect(errors).toEqual([expect.any(SlotsClosedError)]);
  expect(errors).toMatchObject([{ code: "SLOTS_CLOSED" }]);

  isSecond = true;
  const second = new Host({ url, hostId: "second" }).register(closing);
  const servedAgain = second.run({ handleSignals: false });
  // Not a failed attempt: the first one, in its second lease.
  expect((await client.result(runId)).context.toJSON()).toEqual({ fence: 2 });
  expect(await client.tasks(runId)).toMatchObject([{ attempt: 1, hostId: "second" }]);
  await second.drain();
  await servedAgain;
});

it("maxWaitMs ends a wait with DeferTimeoutError, in the task and with its slot", async () => {
  const timed = workflow("timed", ({ task }) => {
    task({ id: "wait" }, async (_context, handle) => {
      try {
        await handle.deferUntil(() => false, { pollIntervalMs: 5, maxWaitMs: 30, describe: "what never comes" });
      } catch (error) {
        if (error instanceof DeferTimeoutError) return { error: error.message, held: handle.isSlotHeld() };
      }
      return {};
    });
  });
  const { context } = await scheduler.runner.execute(timed);
  expect(context.toJSON()).toEqual({ error: "waited 30 ms for what never comes, in vain", held: true });
});

it("wrong options are refused at once, all of them", async () => {
  let thrown: unknown;
  const wrong = workflow("wrong_poll", ({ task }) => {
    task({ id: "wait" }, async (_context, handle) => {
      await handle
        .deferUntil(true as never, { pollIntervalMs: 0, poll_interval_ms: 10 } as never)
        .catch((error: unknown) => {
          thrown = error;
        });
    });
  });
  await scheduler.runner.execute(wrong);
  expect(thrown).toBeInstanceOf(OptionsError);
  expect((thrown as OptionsError).problems.map(({ path }) => path).toSorted()).toEqual([
    "condition",
    "pollIntervalMs",
    "poll_interval_ms",
  ]);
});

it("a forgotten await is an error, where the original would go on without having waited", async () => {
  const forgotten = workflow("forgotten", ({ task }) => {
    task({ id: "forget", retryAttempts: 3 }, (_context, handle) => {
      void handle.deferUntil(() => false);
    });
  });
  await expect(scheduler.runner.execute(forgotten)).rejects.toMatchObject({
    tasks: [{ task: "forget", failure: { code: "DEFERRAL_NOT_AWAITED" } }],
  });
});

/** The times between them. */
function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((at, n) => at - (times[n] ?? at));
}
