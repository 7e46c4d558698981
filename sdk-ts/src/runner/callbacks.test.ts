import { describe, expect, it } from "vitest";
import { type ErrorRecord, isTransient, TaskTimeoutError } from "../errors/index.js";
import { InMemoryScheduler } from "../fakes/in-memory-scheduler.js";
import type { Context, RetryInfo } from "../task/index.js";

describe("callbacks", () => {
  function called() {
    const calls: unknown[] = [];
    const errors: unknown[] = [];
    let go = (): void => {};
    const back = {
      onSuccess: (id: string) => void calls.push(["success", id]),
      onFailure: (id: string, error: { code: string; message: string }) =>
        void calls.push(["failure", id, error.code, error.message]),
      onRetry: (id: string, error: { message: string }, context: Context, info: RetryInfo) =>
        void calls.push(["retry", id, error.message, context.keys(), info.attempt, info.delayMs, info.nextAttempt]),
    };
    const scheduler = new InMemoryScheduler({
      good: { fn: () => ({ n: 1 }), ...back },
      bad: { fn: () => Promise.reject(new Error("boom")), ...back },
      broken: {
        fn: () => {},
        onSuccess: () => {
          throw new Error("the callback is broken");
        },
      },
      slow: {
        fn: (context: Context) => {
          context.set("begun", true);
          return new Promise<void>((resolve) => {
            go = resolve;
          });
        },
        ...back,
        onFailure: (id: string, error: ErrorRecord, context: Context) => {
          errors.push(error.thrown);
          calls.push(["failure", id, error.code, error.message, context.keys()]);
        },
      },
      unlucky: {
        fn: () => Promise.reject(new Error("boom")),
        onRetry: () => Promise.reject(new Error("the callback is broken")),
      },
    });
    scheduler.connect();
    return { scheduler, calls, errors, go: () => go() };
  }

  it("come after the receipt", async () => {
    const { scheduler, calls } = called();
    scheduler.lease("good");
    await scheduler.next("complete");
    await scheduler.settled();
    expect(calls).toEqual([]);
    scheduler.receipt();
    await scheduler.settled();
    expect(calls).toEqual([["success", "good"]]);
  });

  it("never tell of a success that did not count", async () => {
    const { scheduler, calls } = called();
    scheduler.lease("good");
    const { seq } = await scheduler.next("complete");
    scheduler.receipt({ seq, result: "STALE" });
    await scheduler.settled();
    expect(calls).toEqual([]);
    expect(scheduler.session.isIdle).toBe(true);
  });

  it("tell of a failure where it was final, not where it is retried", async () => {
    const { scheduler, calls } = called();
    scheduler.lease("bad");
    await scheduler.next("fail");
    scheduler.receipt();
    await scheduler.settled();
    // A scheduler that does not say what follows.
    expect(calls).toEqual([]);
    scheduler.lease("bad");
    const { seq } = await scheduler.next("fail");
    scheduler.receipt({ seq, isFinalFailure: true });
    await scheduler.settled();
    expect(calls).toEqual([["failure", "bad", "TASK_FAILED", "boom"]]);
  });

  it("tell of a failure when the scheduler made one of a result that it could not take (P10)", async () => {
    const { scheduler, calls } = called();
    scheduler.lease("good");
    const { seq } = await scheduler.next("complete");
    scheduler.receipt({
      seq,
      result: "REJECTED",
      code: "CONTEXT_TOO_LARGE",
      message: "too large",
      isFinalFailure: true,
    });
    await scheduler.settled();
    expect(calls).toEqual([["failure", "good", "TASK_FAILED", "too large"]]);
    expect(scheduler.types()).toEqual(["complete"]);
  });

  it("tell of a failure that another attempt follows, once, with when and which", async () => {
    const { scheduler, calls } = called();
    scheduler.lease("bad", { input: { n: "1" }, attempt: 2 });
    const { seq } = await scheduler.next("fail");
    const receipt = { seq, retry: { delayMs: 250, nextAttempt: 3 } };
    scheduler.receipt(receipt);
    scheduler.receipt({ ...receipt, result: "DUPLICATE" });
    await scheduler.settled();
    expect(calls).toEqual([["retry", "bad", "boom", ["n"], 2, 250, 3]]);
    expect(scheduler.session.isIdle).toBe(true);
  });

  it("tell of it after a reconnect, when the scheduler knew the failure already", async () => {
    const { scheduler, calls } = called();
    scheduler.lease("bad");
    await scheduler.next("fail");
    scheduler.disconnect();
    scheduler.connect();
    const { seq } = await scheduler.next("fail");
    scheduler.receipt({ seq, result: "DUPLICATE", retry: { delayMs: 0, nextAttempt: 2 } });
    await scheduler.settled();
    expect(calls).toEqual([["retry", "bad", "boom", [], 1, 0, 2]]);
  });

  it("tell of no retry where the failure did not count", async () => {
    const { scheduler, calls } = called();
    scheduler.lease("bad");
    const { seq } = await scheduler.next("fail");
    scheduler.receipt({ seq, result: "STALE" });
    await scheduler.settled();
    expect(calls).toEqual([]);
  });

  it("tell of a retry when the scheduler made a failure of a result (P10)", async () => {
    const { scheduler, calls } = called();
    scheduler.lease("good");
    const { seq } = await scheduler.next("complete");
    const retry = { delayMs: 5, nextAttempt: 2 };
    scheduler.receipt({ seq, result: "REJECTED", code: "X", message: "odd", retry });
    await scheduler.settled();
    expect(calls).toEqual([["retry", "good", "odd", ["n"], 1, 5, 2]]);
    expect(scheduler.types()).toEqual(["complete"]);
  });

  const timeout = { reason: "TIMEOUT", detail: 'task "slow" held a slot for too long' } as const;

  it("tell of a timeout at once, whether or not the code ever stops, and of nothing after it (P9)", async () => {
    const { scheduler, calls, errors, go } = called();
    const leaseId = scheduler.lease("slow");
    scheduler.say({ type: "cancel", leaseId, ...timeout, next: null });
    await scheduler.settled();
    const told = ["failure", "slow", "TASK_TIMEOUT", timeout.detail, ["begun"]];
    expect(calls).toEqual([told]);
    expect(errors).toEqual([expect.any(TaskTimeoutError)]);
    expect(errors.map(isTransient)).toEqual([true]);
    // What it had not heard of for sure it hears of again, and tells nobody twice (P6).
    scheduler.connect({
      verdicts: [scheduler.verdict(leaseId, { state: "ENDING", fencing: { ...timeout, next: null } })],
    });
    go();
    await scheduler.next("stopped");
    scheduler.receipt();
    await scheduler.settled();
    expect(calls).toEqual([told]);
    expect(scheduler.session.isIdle).toBe(true);
  });

  it("tell of a timeout that another attempt follows, with when and which", async () => {
    const { scheduler, calls } = called();
    const leaseId = scheduler.lease("slow", { attempt: 2 });
    scheduler.say({ type: "cancel", leaseId, ...timeout, next: { delayMs: 250, nextAttempt: 3 } });
    await scheduler.settled();
    expect(calls).toEqual([["retry", "slow", timeout.detail, ["begun"], 2, 250, 3]]);
  });

  it("tell of a timeout that came while the connection was away", async () => {
    const { scheduler, calls } = called();
    const leaseId = scheduler.lease("slow");
    scheduler.disconnect();
    const fencing = { ...timeout, next: { delayMs: 9, nextAttempt: 2 } };
    scheduler.connect({ verdicts: [scheduler.verdict(leaseId, { state: "ENDING", fencing })] });
    await scheduler.settled();
    expect(calls).toEqual([["retry", "slow", timeout.detail, ["begun"], 1, 9, 2]]);
  });

  it("tell of the timeout, and not of the result that crossed it on the wire", async () => {
    for (const task of ["good", "bad"]) {
      const { scheduler, calls } = called();
      const leaseId = scheduler.lease(task);
      const { seq } = await scheduler.next(task === "good" ? "complete" : "fail");
      scheduler.say({ type: "cancel", leaseId, ...timeout, next: null });
      scheduler.receipt({ seq, result: "STALE" });
      await scheduler.settled();
      expect(calls).toEqual([["failure", task, "TASK_TIMEOUT", timeout.detail]]);
      expect(scheduler.session.isIdle).toBe(true);
    }
  });

  it("tell of no failure when the run was cancelled, and of none that a scheduler says nothing about", async () => {
    const { scheduler, calls } = called();
    for (const reason of ["RUN_CANCELLED", "RUN_TIMEOUT", "TIMEOUT"] as const) {
      scheduler.say({ type: "cancel", leaseId: scheduler.lease("slow"), reason, detail: "" });
    }
    await scheduler.settled();
    expect(calls).toEqual([]);
  });

  it("that throw before a retry are logged as well", async () => {
    const { scheduler } = called();
    scheduler.lease("unlucky");
    const { seq } = await scheduler.next("fail");
    scheduler.receipt({ seq, retry: { delayMs: 5, nextAttempt: 2 } });
    await scheduler.settled();
    expect(scheduler.warnings).toMatchObject([{ message: "callback_failed", fields: { callback: "onRetry" } }]);
    expect(scheduler.session.isIdle).toBe(true);
  });

  it("that throw are logged, and change nothing", async () => {
    const { scheduler } = called();
    scheduler.lease("broken");
    await scheduler.next("complete");
    scheduler.receipt();
    await scheduler.settled();
    expect(scheduler.warnings).toMatchObject([{ message: "callback_failed", fields: { callback: "onSuccess" } }]);
    expect(scheduler.session.isIdle).toBe(true);
  });
});
