import { setTimeout as realSleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  CancelledError,
  DeferTimeoutError,
  DefinitionError,
  InputError,
  OptionsError,
  PermanentError,
  rule,
  workflow,
} from "../index.js";
import { runTask, runWorkflow, sleep, TestStuckError, VirtualClock } from "./index.js";

const HOUR = 3_600_000;

const etl = workflow<{ day: string }>("etl", ({ task }) => {
  const wait = task({ id: "wait" }, async (context, handle) => {
    const file = await handle.deferUntil((): string | false => false, { pollIntervalMs: 1_000, describe: "the file" });
    return { file: `${context.get("day")}/${file}` };
  });
  const other = task({ id: "other" }, () => ({ other: true }));
  task({ id: "load", dependencies: [wait, other] }, (context) => ({ loaded: context.get("file") }));
});

describe("runWorkflow", () => {
  it("runs a workflow, and shows that a deferred task's slot ran another one", async () => {
    const run = await runWorkflow(
      etl,
      { day: "monday" },
      { slots: 1, conditions: { wait: [false, false, "a.csv"] }, takes: { other: 5_000, load: 100 } },
    );
    expect(run.status).toBe("SUCCEEDED");
    expect(run.context.toJSON()).toEqual({
      day: "monday",
      file: "monday/a.csv",
      other: true,
      loaded: "monday/a.csv",
    });
    expect(run.slots).toEqual([
      { slot: 0, task: "wait", attempt: 1, fromMs: 0, toMs: 0, begin: "LEASED", end: "DEFERRED" },
      { slot: 0, task: "other", attempt: 1, fromMs: 0, toMs: 5_000, begin: "LEASED", end: "SUCCEEDED" },
      { slot: 0, task: "wait", attempt: 1, fromMs: 5_000, toMs: 5_000, begin: "RESUMED", end: "SUCCEEDED" },
      { slot: 0, task: "load", attempt: 1, fromMs: 5_000, toMs: 5_100, begin: "LEASED", end: "SUCCEEDED" },
    ]);
    // The condition held after two seconds; the slot was free after five.
    expect(run.task("wait").deferrals).toMatchObject([{ polls: 3, waitedMs: 5_000, outcome: "MET" }]);
    expect(run.task("load")).toMatchObject({ state: "SUCCEEDED", attempts: 1, startedMs: 5_000, finishedMs: 5_100 });
    expect(run.durationMs).toBe(5_100);
  });

  it("retries with delays of hours at once, and calls callbacks", async () => {
    const errors = [new Error("first"), new Error("second")];
    const flaky = workflow("flaky", ({ task }) => {
      task(
        {
          id: "flaky",
          retryAttempts: 5,
          retryBackoff: "linear",
          retryDelayMs: HOUR,
          retryMaxDelayMs: 24 * HOUR,
          retryJitter: false,
          onRetry: () => {},
          onSuccess: () => {
            throw new Error("of a callback");
          },
        },
        (_context, handle) => {
          const error = errors[handle.attempt - 1];
          if (error !== undefined) throw error;
          return { attempt: handle.attempt };
        },
      );
    });
    const run = await runWorkflow(flaky);
    expect(run.status).toBe("SUCCEEDED");
    expect(run.durationMs).toBe(3 * HOUR);
    expect(run.task("flaky")).toMatchObject({
      attempts: 3,
      failures: [
        { attempt: 1, atMs: 0, message: "first", retryInMs: HOUR },
        { attempt: 2, atMs: HOUR, message: "second", retryInMs: 2 * HOUR },
      ],
      callbacks: [
        { callback: "onRetry", atMs: 0 },
        { callback: "onRetry", atMs: HOUR },
        { callback: "onSuccess", atMs: 3 * HOUR, error: new Error("of a callback") },
      ],
    });
    expect(run.task("flaky").failures.map(({ error }) => error)).toEqual(errors);
    expect(run.task("flaky").failures[0]?.error).toBe(errors[0]);
  });

  it("decides about retries as runTask says it would", async () => {
    for (const [backoff, jitter] of [
      ["fixed", true],
      ["linear", true],
      ["exponential", true],
      ["exponential", false],
    ] as const) {
      const options = {
        retryAttempts: 4,
        retryBackoff: backoff,
        retryJitter: jitter,
        retryDelayMs: 1_000,
        retryMaxDelayMs: 5_000,
      };
      const fails = workflow("fails", ({ task }) => {
        task({ id: "fails", ...options }, () => Promise.reject(new Error("x")));
      });
      const { failures } = (await runWorkflow(fails, {}, { seed: backoff })).task("fails");
      expect(failures).toHaveLength(5);
      for (const { attempt, retryInMs } of failures) {
        const { failure } = await runTask(fails, "fails", { attempt });
        const retry = failure?.retry;
        if (retry?.isRetried !== true) {
          expect(retryInMs).toBeNull();
          expect(attempt).toBe(5);
          continue;
        }
        expect(retryInMs).toBeGreaterThanOrEqual(retry.leastDelayMs);
        expect(retryInMs).toBeLessThanOrEqual(retry.mostDelayMs);
      }
    }
  });

  it("skips, handles failures, and lets rules decide", async () => {
    const ruled = workflow("ruled", ({ task }) => {
      const pay = task({ id: "pay" }, () => {
        throw new PermanentError("no money");
      });
      task({ id: "ship", dependencies: [pay] }, () => {});
      task({ id: "apologise", dependencies: [pay], triggerRule: rule.failed(pay) }, () => ({ sorry: true }));
      task({ id: "celebrate", dependencies: [pay], triggerRule: rule.succeeded(pay) }, () => {});
    });
    const run = await runWorkflow(ruled);
    expect(run.status).toBe("SUCCEEDED");
    expect(run.task("pay")).toMatchObject({ state: "FAILED", failures: [{ message: "no money", retryInMs: null }] });
    expect(run.task("ship")).toMatchObject({
      state: "SKIPPED",
      skipCause: "UPSTREAM_FAILED",
      attempts: 0,
      startedMs: null,
    });
    expect(run.task("celebrate")).toMatchObject({ state: "SKIPPED", skipCause: "RULE" });
    expect(run.context.get("sorry", false)).toBe(true);

    // What a replacement does instead decides as well.
    const paid = await runWorkflow(ruled, {}, { tasks: { pay: { paid: true } } });
    expect(paid.task("apologise").state).toBe("SKIPPED");
    expect(paid.task("ship").state).toBe("SUCCEEDED");
    expect(paid.context.get("paid", false)).toBe(true);
  });

  it("ends waits with maxWaitMs, attempts with timeoutMs and runs with theirs", async () => {
    const slow = workflow("slow", ({ task }) => {
      task({ id: "waits" }, async (_context, handle) => {
        await handle.deferUntil(() => false, { maxWaitMs: 7 * 24 * HOUR });
      });
      const callbacks = { onRetry: () => {}, onFailure: () => {} };
      const retry = { retryAttempts: 1, retryDelayMs: 60_000, retryJitter: false };
      task({ id: "works", timeoutMs: 1_000, ...retry, ...callbacks }, () => {});
    });
    const run = await runWorkflow(
      slow,
      {},
      {
        conditions: { waits: "never" },
        tasks: { works: (_context, handle) => sleep(2_000, { signal: handle.signal }) },
      },
    );
    expect(run.status).toBe("FAILED");
    expect(run.durationMs).toBe(7 * 24 * HOUR);
    expect(run.task("waits").failures[0]?.error).toBeInstanceOf(DeferTimeoutError);
    expect(run.task("waits").deferrals).toMatchObject([{ outcome: "MAX_WAIT", polls: 604_801 }]);
    expect(run.task("works")).toMatchObject({
      state: "FAILED",
      attempts: 2,
      failures: [
        { attempt: 1, atMs: 1_000, code: "TASK_TIMEOUT", error: undefined, retryInMs: 60_000 },
        { attempt: 2, atMs: 62_000, code: "TASK_TIMEOUT" },
      ],
      callbacks: [
        { callback: "onRetry", atMs: 1_000 },
        { callback: "onFailure", atMs: 62_000 },
      ],
    });
    const ended = await runWorkflow(slow, {}, { conditions: { waits: "never" }, timeoutMs: 60_000 });
    expect(ended).toMatchObject({ status: "CANCELLED", durationMs: 60_000 });
    expect(ended.task("waits")).toMatchObject({ state: "CANCELLED", deferrals: [{ outcome: "CANCELLED" }] });
  });

  it("cancels a run, and waits for what its tasks still do", async () => {
    let reason: unknown;
    const flow = workflow("flow", ({ task }) => {
      task({ id: "deaf" }, () => sleep(10_000));
      task({ id: "polite" }, async (_context, handle) => {
        await handle
          .deferUntil(() => false)
          .catch((error: unknown) => {
            reason = error;
          });
      });
    });
    const run = await runWorkflow(flow, {}, { cancelAfterMs: 4_000 });
    expect(run).toMatchObject({ status: "CANCELLED", reason: "the test said so", durationMs: 4_000, stillRunning: [] });
    expect(reason).toBeInstanceOf(CancelledError);
    // Its slot is its own until its code has stopped.
    expect(run.slots.find(({ task }) => task === "deaf")).toMatchObject({ fromMs: 0, toMs: 10_000 });
  });

  it("leaves a run where the test wants to look at it", async () => {
    const run = await runWorkflow(etl, { day: "monday" }, { until: 90_000, conditions: { wait: "never" } });
    expect(run).toMatchObject({
      status: "RUNNING",
      durationMs: 90_000,
      stillRunning: [],
    });
    expect(run.task("wait")).toMatchObject({ state: "DEFERRED", finishedMs: null, deferrals: [{ outcome: "OPEN" }] });
    expect(run.task("load").state).toBe("WAITING");
  });

  it("waits for what is real, and for what the test does at a time", async () => {
    const clock = new VirtualClock(Date.UTC(2030, 0, 1));
    let file = "";
    clock.after(30_000, () => {
      file = "late.csv";
    });
    const flow = workflow("flow", ({ task }) => {
      const a = task({ id: "a" }, async () => {
        await realSleep(15);
        return { at: clock.now() };
      });
      task({ id: "b", dependencies: [a] }, async (_context, handle) => ({
        file: await handle.deferUntil(async () => {
          await realSleep(1);
          return file;
        }, 10_000),
      }));
    });
    const run = await runWorkflow(flow, {}, { clock });
    expect(run.context.toJSON()).toEqual({ at: Date.UTC(2030, 0, 1), file: "late.csv" });
    expect(run.durationMs).toBe(30_000);
    expect(clock.elapsedMs).toBe(30_000);
  });

  it("gives the same time line for the same seed, and another one for another", async () => {
    const jittery = workflow("jittery", ({ task }) => {
      for (let n = 0; n < 20; n++) {
        task({ id: `t${n}`, retryAttempts: 3, retryDelayMs: 10_000 }, async (_context, handle) => {
          if (handle.attempt < 3) throw new Error(`${handle.attempt}`);
          await handle.deferUntil(() => true, 500);
          await sleep(n * 10);
        });
      }
    });
    const options = { slots: 3, conditions: { t4: [false, true] } };
    const first = await runWorkflow(jittery, {}, { ...options, seed: 7 });
    const second = await runWorkflow(jittery, {}, { ...options, seed: 7 });
    const third = await runWorkflow(jittery, {}, { ...options, seed: 8 });
    expect(first.status).toBe("SUCCEEDED");
    expect(second.events).toEqual(first.events);
    expect(second.slots).toEqual(first.slots);
    expect(second).toEqual(first);
    expect(third.slots).not.toEqual(first.slots);
    expect(third.runId).not.toBe(first.runId);
    // Never more than three at once.
    expect(Math.max(...first.slots.map(({ slot }) => slot))).toBe(2);
  });

  it("goes on with a clock where another run was left, and runs side by side with others", async () => {
    const clock = new VirtualClock();
    let told = 0;
    clock.after(100_000, () => void told++);
    await runWorkflow(etl, { day: "monday" }, { clock, until: 60_000 });
    const day = { day: "tuesday" };
    const [again, other] = await Promise.all([
      runWorkflow(etl, day, { clock, conditions: { wait: ({ waitedMs }) => waitedMs >= 50_000 } }),
      runWorkflow(etl, day, { conditions: { wait: [false, "a.csv"] } }),
    ]);
    expect(again).toMatchObject({ status: "SUCCEEDED", durationMs: 50_000 });
    expect(other).toMatchObject({ status: "SUCCEEDED", durationMs: 1_000 });
    expect([clock.elapsedMs, told]).toEqual([110_000, 1]);
  });

  it("says what waits for what when nothing goes on", async () => {
    const never = runWorkflow(etl, { day: "monday" }, { conditions: { wait: "never" } });
    await expect(never).rejects.toBeInstanceOf(TestStuckError);
    await expect(never).rejects.toThrow(
      /runWorkflow\("etl"\) does not go on: nothing is left[\s\S]*task "wait" \(attempt 1\) waits in deferral 1 for "the file"[\s\S]*task "load" is WAITING: it waits for task "wait" \(deferred\)/,
    );
    const noSlot = runWorkflow(etl, { day: "monday" }, { slots: 0 });
    await expect(noSlot).rejects.toThrow(/task "wait" is READY: .*host "test" offers no slots/);
    const hangs = runWorkflow(
      etl,
      { day: "monday" },
      { tasks: { other: () => new Promise(() => {}) }, conditions: { wait: "never" }, patienceMs: 40 },
    );
    await expect(hangs).rejects.toThrow(
      /no news for 40 ms of real time[\s\S]*task "other" \(attempt 1\) waits for something of which/,
    );
  });

  it("returns a run that is over although a task hangs", async () => {
    const run = await runWorkflow(
      etl,
      { day: "monday" },
      {
        tasks: {
          other: async () => {
            await sleep(10_000);
            await new Promise(() => {});
          },
        },
        conditions: { wait: "never" },
        cancelAfterMs: 1_000,
        patienceMs: 40,
      },
    );
    expect(run).toMatchObject({ status: "CANCELLED", stillRunning: ['task "other" (attempt 1)'] });
  });

  it("refuses what is wrong, all at once", async () => {
    const wrong = runWorkflow(etl, { day: "x" }, {
      slot: 1,
      tasks: { weit: {} },
      takes: { load: -1 },
      conditions: { wait: 3 },
    } as never);
    await expect(wrong).rejects.toBeInstanceOf(OptionsError);
    await expect(wrong).rejects.toMatchObject({
      problems: [
        { path: "slot", nearest: "slots" },
        { path: "conditions.wait" },
        { path: "tasks.weit", nearest: "wait" },
        { path: "takes.load" },
      ],
    });
    await expect(runWorkflow(etl, { day: () => {} } as never)).rejects.toBeInstanceOf(InputError);
    const run = await runWorkflow(etl, { day: "x" }, { conditions: { wait: ["y"] } });
    expect(() => run.task("lod")).toThrow('did you mean "load"?');
    expect(() => workflow("empty", () => {})).toThrow(DefinitionError);
  });
});
