import { describe, expect, it } from "vitest";
import { InMemoryScheduler } from "../fakes/in-memory-scheduler.js";

describe("callbacks", () => {
  function called() {
    const calls: unknown[] = [];
    const back = {
      onSuccess: (id: string) => void calls.push(["success", id]),
      onFailure: (id: string, error: { code: string; message: string }) =>
        void calls.push(["failure", id, error.code, error.message]),
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
    });
    scheduler.connect();
    return { scheduler, calls };
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
