import { setImmediate as nextTurn, setTimeout as realSleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import {
  CancelledError,
  type Context,
  DeferTimeoutError,
  DefinitionError,
  type ErrorRecord,
  OptionsError,
  PermanentError,
  type RetryInfo,
  type TaskHandle,
  TransientError,
  task,
  workflow,
} from "../index.js";
import { runTask, sleep, TestStuckError, VirtualClock } from "./index.js";

const waitForFile = task({ id: "wait_for_file" }, async (context: Context<{ day?: string }>, handle) => {
  context.set("asked", true);
  const file = await handle.deferUntil((): string | false => false, {
    pollIntervalMs: 1_000,
    maxWaitMs: 60_000,
    describe: "the file of the day",
  });
  return { file };
});

describe("runTask", () => {
  it("executes a task with its context, and says what it did", async () => {
    const double = task({ id: "double", dependencies: ["before"] }, (context) => {
      context.remove("old");
      return { n: context.require<number>("n") * 2 };
    });
    const run = await runTask(double, { context: { n: 21, old: true } });
    expect(run).toMatchObject({ status: "SUCCEEDED", failure: null, attempt: 1, durationMs: 0, slotHeldMs: 0 });
    expect(run.context.toJSON()).toEqual({ n: 42 });
    // It can be made the context of the next one.
    expect(run.context.set("m", 1).toJSON()).toEqual({ n: 42, m: 1 });
    expect(run.patch).toEqual({ set: { n: 42 }, removed: ["old"] });
  });

  it("polls scripted conditions on the virtual clock", async () => {
    const run = await runTask(waitForFile, { conditions: [false, false, "a.csv"] });
    expect(run.context.get("file")).toBe("a.csv");
    expect(run.deferrals).toEqual([
      {
        deferral: 1,
        attempt: 1,
        description: "the file of the day",
        pollIntervalMs: 1_000,
        maxWaitMs: 60_000,
        polls: 3,
        atMs: 0,
        waitedMs: 2_000,
        outcome: "MET",
      },
    ]);
    expect(run).toMatchObject({ slotHeldMs: 0, durationMs: 2_000 });
    expect(run.checkpoints).toEqual([{ atMs: 0, by: "deferUntil", set: { asked: true }, removed: [] }]);
  });

  it("asks the task's own conditions where nothing is scripted", async () => {
    const clock = new VirtualClock();
    const startedAt = clock.now();
    const waits = task({ id: "waits" }, async (_context, handle) => ({
      at: await handle.deferUntil(() => clock.now() >= startedAt + 3_600_000 && clock.now(), 60_000),
      held: handle.isSlotHeld(),
    }));
    const run = await runTask(waits, { clock });
    expect(run.context.toJSON()).toEqual({ at: startedAt + 3_600_000, held: true });
    expect(run.deferrals[0]).toMatchObject({ polls: 61, waitedMs: 3_600_000, outcome: "MET" });
    expect(clock.elapsedMs).toBe(3_600_000);
  });

  it("a condition that never holds ends with maxWaitMs, in a DeferTimeoutError", async () => {
    const run = await runTask(waitForFile, { conditions: "never" });
    expect(run).toMatchObject({ status: "FAILED", durationMs: 60_000, slotHeldMs: 0 });
    expect(run.failure?.error).toBeInstanceOf(DeferTimeoutError);
    expect(run.failure).toMatchObject({ code: "DEFER_TIMEOUT", isTransient: true, isFinal: false });
    expect(run.deferrals[0]).toMatchObject({ outcome: "MAX_WAIT", polls: 61, waitedMs: 60_000 });
    // What was not committed is in the context, and not in the patch.
    expect(run.patch).toEqual({ set: { asked: true }, removed: [] });
  });

  it("takes a script for each deferral, throws what a script throws, and calls functions", async () => {
    const thrown = new Error("the share is away");
    const thrice = task({ id: "thrice" }, async (context, handle) => {
      context.set("first", await handle.deferUntil(() => "own", 10));
      context.set("second", await handle.deferUntil(() => "own", 10).catch((error: unknown) => String(error)));
      context.set("third", await handle.deferUntil(() => "own", 10));
    });
    const polls: unknown[] = [];
    const run = await runTask(thrice, {
      conditions: [[0, "scripted"], [false, thrown], (poll) => polls.push(poll) > 2 && poll.poll],
      attempt: 4,
    });
    expect(run.context.toJSON()).toEqual({ first: "scripted", second: `Error: ${thrown.message}`, third: 3 });
    expect(run.deferrals.map(({ outcome }) => outcome)).toEqual(["MET", "THREW", "MET"]);
    expect(polls[2]).toEqual({ task: "thrice", attempt: 4, deferral: 3, poll: 3, waitedMs: 20 });
  });

  it.each([
    [
      "is retried within bounds",
      {},
      new Error("x"),
      1,
      { isRetried: true, nextAttempt: 2, leastDelayMs: 750, mostDelayMs: 1_250 },
    ],
    [
      "is retried later",
      {},
      new Error("x"),
      2,
      { isRetried: true, nextAttempt: 3, leastDelayMs: 1_500, mostDelayMs: 2_500 },
    ],
    [
      "has used its retries up",
      {},
      new Error("x"),
      3,
      { isRetried: false, reason: "retryAttempts is 2, and attempt 3 has failed" },
    ],
    [
      "is permanent",
      {},
      new PermanentError("x"),
      1,
      { isRetried: false, reason: "another attempt would end the same" },
    ],
    ["is not transient", { retryCondition: "transient" as const }, new Error("x"), 1, { isRetried: false }],
    [
      "says when",
      { retryCondition: "transient" as const },
      new TransientError("x", { retryAfterMs: 7 }),
      1,
      { isRetried: true, nextAttempt: 2, leastDelayMs: 7, mostDelayMs: 7 },
    ],
  ])("says what becomes of a failure that %s", async (_name, options, error, attempt, retry) => {
    const called: string[] = [];
    const fails = task(
      {
        id: "fails",
        retryAttempts: 2,
        ...options,
        onFailure: () => void called.push("onFailure"),
        onRetry: (_id, _error, _context, info) => void called.push(`onRetry ${info.nextAttempt}`),
      },
      () => Promise.reject(error),
    );
    const run = await runTask(fails, { attempt });
    expect(run.failure?.error).toBe(error);
    expect(run.failure?.retry).toMatchObject(retry);
    expect(run.status).toBe(retry.isRetried ? "RETRYING" : "FAILED");
    expect(called).toEqual([retry.isRetried ? `onRetry ${attempt + 1}` : "onFailure"]);
    expect(run.callbacks).toEqual([{ callback: retry.isRetried ? "onRetry" : "onFailure", atMs: 0, error: undefined }]);
  });

  it("counts slot-held time for the timeout, and not deferrals (P9)", async () => {
    let reason: unknown;
    const told: unknown[] = [];
    const onRetry = (_id: string, error: ErrorRecord, _context: unknown, info: RetryInfo): void => {
      told.push([error.type, info.delayMs, info.nextAttempt]);
    };
    const slow = task({ id: "slow", timeoutMs: 5_000, retryAttempts: 1, onRetry }, async (_context, handle) => {
      await sleep(4_000);
      await handle.deferUntil(() => true, 1_000);
      try {
        await sleep(4_000, { signal: handle.signal });
      } catch (error) {
        reason = error;
        throw error;
      }
    });
    const run = await runTask(slow, { conditions: [false, false, true] });
    expect(run).toMatchObject({ status: "RETRYING", durationMs: 7_000, slotHeldMs: 5_000 });
    expect(run.callbacks).toEqual([{ callback: "onRetry", atMs: 7_000, error: undefined }]);
    expect(told).toEqual([["TaskTimeoutError", 1_000, 2]]);
    expect(run.failure).toMatchObject({ code: "TASK_TIMEOUT", isTransient: true });
    expect(reason).toBeInstanceOf(CancelledError);
    expect(reason).toMatchObject({ reason: "TIMEOUT" });
  });

  it("cancels a task in its deferral", async () => {
    const run = await runTask(waitForFile, { conditions: "never", cancelAfterMs: 2_500 });
    expect(run).toMatchObject({ status: "CANCELLED", failure: null, durationMs: 2_500 });
    expect(run.deferrals[0]).toMatchObject({ outcome: "CANCELLED", waitedMs: 2_500 });
  });

  it("tells the task its attempt and fence, and commits checkpoints", async () => {
    const pages = task({ id: "pages" }, async (context, handle) => {
      context.set("page", 1);
      await handle.checkpoint();
      await sleep(50);
      context.set("seen", [handle.attempt, handle.fence]);
      throw new Error("away");
    });
    const run = await runTask(pages, { attempt: 2, fence: 7 });
    expect(run.checkpoints).toEqual([{ atMs: 0, by: "checkpoint", set: { page: 1 }, removed: [] }]);
    expect(run.patch).toEqual({ set: { page: 1 }, removed: [] });
    expect(run.context.toJSON()).toEqual({ page: 1, seen: [2, 7] });
  });

  it("waits for what is real before the clock goes on", async () => {
    const order: string[] = [];
    const real = task({ id: "real" }, async (_context, handle) => {
      await realSleep(20);
      order.push("slept");
      await handle.deferUntil(async () => {
        await nextTurn();
        order.push("polled");
        return order.length > 2;
      }, 3_600_000);
    });
    const run = await runTask(real);
    expect(order).toEqual(["slept", "polled", "polled"]);
    expect(run.durationMs).toBe(3_600_000);
  });

  it("runs methods with their instance, tasks of workflows by id, and plain functions", async () => {
    class Etl {
      readonly factor = 3;
      @task({ id: "triple", onSuccess: () => {} })
      triple(context: Context) {
        return { n: context.require<number>("n") * this.factor };
      }
    }
    const etl = new Etl();
    const method = await runTask(etl.triple, { self: etl, context: { n: 2 } });
    expect(method.context.toJSON()).toEqual({ n: 6 });
    expect(method.callbacks).toMatchObject([{ callback: "onSuccess" }]);
    await expect(runTask(etl.triple)).rejects.toThrow("write { self: instance }");
    const bound = await runTask(etl.triple.bind(etl), { context: { n: 3 } });
    expect(bound.context.toJSON()).toEqual({ n: 9 });

    const flow = workflow("flow", (scope) => {
      scope.task({ id: "one" }, () => ({ n: 1 }));
    });
    expect((await runTask(flow, "one")).context.toJSON()).toEqual({ n: 1 });
    await expect(runTask(flow, "onne")).rejects.toThrow('"onne" is not a task of the workflow; did you mean "one"?');
    const plain = await runTask(async (_context: Context, handle: TaskHandle) => {
      await handle.deferUntil(() => true);
    });
    expect(plain.deferrals).toHaveLength(1);
  });

  it("refuses what it cannot run, all problems at once", async () => {
    const wrong = runTask(waitForFile, { contexts: {}, attempt: 0, conditions: 3 } as never);
    await expect(wrong).rejects.toBeInstanceOf(OptionsError);
    await expect(wrong).rejects.toMatchObject({
      problems: [{ path: "contexts", nearest: "context" }, { path: "attempt" }, { path: "conditions" }],
    });
    await expect(runTask(5 as never)).rejects.toThrow("is the number 5");
    const misspelt = task({ id: "x", retryBackoff: "expo" as never }, () => {});
    await expect(runTask(misspelt)).rejects.toBeInstanceOf(DefinitionError);
  });

  it("says what a task waits for that is stuck", async () => {
    const hangs = task({ id: "hangs" }, () => new Promise<void>(() => {}));
    const stuck = runTask(hangs, { patienceMs: 30 });
    await expect(stuck).rejects.toBeInstanceOf(TestStuckError);
    await expect(stuck).rejects.toThrow(
      /runTask\("hangs"\) does not go on: there is no news for 30 ms of real time[\s\S]*task "hangs" \(attempt 1\)/,
    );

    const unlimited = task({ id: "unlimited" }, (_context, handle) =>
      handle.deferUntil((): boolean => false).then(() => {}),
    );
    await expect(runTask(unlimited, { conditions: "never" })).rejects.toThrow(
      'task "unlimited" (attempt 1) waits in deferral 1 for its condition',
    );
    await expect(runTask(unlimited, { patienceMs: 30 })).rejects.toThrow(/was asked \d{5,} times/);
  });

  it("fails a task that forgot to await its deferral, whatever its condition does", async () => {
    const forgets = (ms: number) =>
      task({ id: "forgets" }, async (_context, handle) => {
        void handle.deferUntil(() => false);
        if (ms > 0) await realSleep(ms);
      });
    for (const run of [
      await runTask(forgets(0), { conditions: "never" }),
      await runTask(forgets(10), { conditions: () => new Promise(() => {}) }),
    ]) {
      expect(run.failure).toMatchObject({ code: "DEFERRAL_NOT_AWAITED", isFinal: true });
      expect(run.deferrals).toMatchObject([{ outcome: "OPEN" }]);
    }
    const twice = task({ id: "twice" }, async (_context, handle) => {
      const first = handle.deferUntil(() => true, 10);
      await expect(handle.deferUntil(() => true)).rejects.toMatchObject({ code: "HANDLE_CONSUMED" });
      await first;
      return { second: await handle.deferUntil(() => true) };
    });
    const run = await runTask(twice, { conditions: [[true], ["x"]] });
    expect(run.context.toJSON()).toEqual({ second: "x" });
  });

  it("works while a test has faked its timers", async () => {
    vi.useFakeTimers();
    try {
      const run = await runTask(waitForFile, { conditions: [false, "a.csv"] });
      expect(run.durationMs).toBe(1_000);
    } finally {
      vi.useRealTimers();
    }
  });

  it("sleep fails where no clock moves, and a clock serves one run at a time", async () => {
    await expect(sleep(5)).rejects.toMatchObject({ code: "CLOCK_STANDS_STILL" });
    const clock = new VirtualClock(0);
    await expect(clock.sleep(5)).rejects.toMatchObject({ code: "CLOCK_STANDS_STILL" });
    expect(() => new VirtualClock(Number.NaN)).toThrow(OptionsError);
    const first = runTask(waitForFile, { clock, conditions: "never" });
    await expect(runTask(waitForFile, { clock })).rejects.toMatchObject({ code: "CLOCK_IN_USE" });
    await first;
    expect(clock.now()).toBe(60_000);
    const second = await runTask(waitForFile, { clock, conditions: ["x"] });
    expect(second).toMatchObject({ durationMs: 0, deferrals: [{ atMs: 0 }] });
    // What a run that failed leaves behind is not in the way of the next one.
    const hangs = task({ id: "hangs" }, () => new Promise<void>(() => {}));
    await expect(runTask(hangs, { clock, patienceMs: 20 })).rejects.toBeInstanceOf(TestStuckError);
    const third = await runTask(waitForFile, { clock, conditions: [false, "x"] });
    expect(third.durationMs).toBe(1_000);
    await expect(runTask(waitForFile, { clock, startAt: 0 })).rejects.toThrow("write new VirtualClock(startAt)");
  });
});
