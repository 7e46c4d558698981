import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OptionsError, SlotsClosedError } from "../errors/index.js";
import { gated } from "../fakes/gated-task.js";
import { signal } from "../fakes/signal.js";

// Polls come with the clock, messages by themselves: the loop turns as it always does.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

describe("a deferral (P8)", () => {
  it("keeps the slot until Deferred, polls at once and then by its interval, reclaims, and gives the value back", async () => {
    let polls = 0;
    let value: string | null = null;
    const results: unknown[] = [];
    const { scheduler, go, started } = gated(async (handle) => {
      results.push(
        await handle.deferUntil(
          () => {
            polls++;
            return value;
          },
          { pollIntervalMs: 100, maxWaitMs: 5_000, describe: "the file" },
        ),
      );
      results.push(handle.isSlotHeld());
    });
    const leaseId = scheduler.lease("a");
    const handle = await started;
    go();
    const asked = { leaseId, n: 1, pollIntervalMs: 100, maxWaitMs: 5_000, description: "the file" };
    expect(await scheduler.next("defer")).toMatchObject({ ...asked, patch: { set: { seen: "true" } } });
    expect(handle.isSlotHeld()).toBe(true);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(polls).toBe(0);
    expect(scheduler.held()).toEqual([{ leaseId, state: "DEFERRING", deferral: 1 }]);

    scheduler.receipt();
    scheduler.say({ type: "deferred", leaseId, n: 1 });
    expect(polls).toBe(1);
    expect(handle.isSlotHeld()).toBe(false);
    expect(scheduler.held()).toEqual([{ leaseId, state: "DEFERRED", deferral: 1 }]);
    await vi.advanceTimersByTimeAsync(99);
    expect(polls).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(polls).toBe(2);
    value = "a.csv";
    await vi.advanceTimersByTimeAsync(100);
    expect(await scheduler.next("reclaim")).toMatchObject({ leaseId, n: 1 });
    expect(results).toEqual([]);
    expect(scheduler.held()).toEqual([{ leaseId, state: "RECLAIMING", deferral: 1 }]);

    scheduler.say({ type: "granted", leaseId, n: 1, outcome: "MET" });
    await scheduler.next("complete");
    expect(results).toEqual(["a.csv", true]);
    expect(polls).toBe(3);
  });

  it("never polls twice at once, however long a condition takes", async () => {
    const asked: ((value: boolean) => void)[] = [];
    const { scheduler, go } = gated((handle) =>
      handle.deferUntil(() => new Promise<boolean>((resolve) => asked.push(resolve)), 10),
    );
    const leaseId = scheduler.lease("a");
    go();
    await scheduler.next("defer");
    scheduler.say({ type: "deferred", leaseId, n: 1 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toHaveLength(1);
    asked[0]?.(false);
    await vi.advanceTimersByTimeAsync(10);
    expect(asked).toHaveLength(2);
  });

  it("ignores grants and news of other deferrals, and what is said twice", async () => {
    const results: unknown[] = [];
    let isMet = false;
    const { scheduler, go } = gated(async (handle) => {
      results.push(await handle.deferUntil(() => 1, 10));
      results.push(await handle.deferUntil(() => isMet && 2, 10));
    });
    const leaseId = scheduler.lease("a");
    go();
    await scheduler.next("defer");
    scheduler.say({ type: "granted", leaseId, n: 2, outcome: "MET" });
    scheduler.say({ type: "deferred", leaseId, n: 2 });
    expect(scheduler.held()).toMatchObject([{ state: "DEFERRING", deferral: 1 }]);
    scheduler.say({ type: "deferred", leaseId, n: 1 });
    scheduler.say({ type: "deferred", leaseId, n: 1 });
    await scheduler.next("reclaim");
    scheduler.say({ type: "granted", leaseId, n: 1, outcome: "MET" });
    expect(await scheduler.next("defer")).toMatchObject({ n: 2 });
    scheduler.say({ type: "granted", leaseId, n: 1, outcome: "MET" });
    scheduler.say({ type: "deferred", leaseId, n: 1 });
    await scheduler.settled();
    expect(scheduler.held()).toMatchObject([{ state: "DEFERRING", deferral: 2 }]);
    expect(results).toEqual([1]);
    isMet = true;
    scheduler.say({ type: "deferred", leaseId, n: 2 });
    await scheduler.next("reclaim");
    scheduler.say({ type: "granted", leaseId, n: 2, outcome: "MET" });
    await scheduler.next("complete");
    expect(results).toEqual([1, 2]);
  });

  it("ends with DeferTimeoutError in the task when the longest wait is over", async () => {
    const { scheduler, go } = gated((handle) => handle.deferUntil(() => false, { maxWaitMs: 50, describe: "rain" }));
    const leaseId = scheduler.lease("a");
    go();
    await scheduler.next("defer");
    scheduler.say({ type: "deferred", leaseId, n: 1 });
    scheduler.say({ type: "granted", leaseId, n: 1, outcome: "MAX_WAIT" });
    expect((await scheduler.next("fail")).failure).toMatchObject({ code: "DEFER_TIMEOUT", type: "DeferTimeoutError" });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("throws what the condition threw once it has a slot again", async () => {
    const { scheduler, go } = gated((handle) =>
      handle.deferUntil(() => {
        throw new RangeError("lost");
      }, 10),
    );
    const leaseId = scheduler.lease("a");
    go();
    await scheduler.next("defer");
    scheduler.say({ type: "deferred", leaseId, n: 1 });
    await scheduler.next("reclaim");
    await scheduler.settled();
    expect(scheduler.types()).toEqual(["defer", "reclaim"]);
    scheduler.say({ type: "granted", leaseId, n: 1, outcome: "MET" });
    expect((await scheduler.next("fail")).failure).toMatchObject({ type: "RangeError", message: "lost" });
  });

  it("that is refused ends with the refusal, and the task still has its slot", async () => {
    const { scheduler, go } = gated((handle) => handle.deferUntil(() => false));
    scheduler.lease("a");
    go();
    const { seq } = await scheduler.next("defer");
    scheduler.receipt({ seq, result: "REJECTED", code: "DEFERRAL_OPEN", message: "there is one" });
    expect((await scheduler.next("fail")).failure).toMatchObject({ code: "DEFERRAL_OPEN", message: "there is one" });
    expect(scheduler.warnings).toMatchObject([{ message: "event_refused", fields: { event: "defer" } }]);
  });

  it("that nobody awaits fails the task, and stops polling", async () => {
    const { scheduler, go } = gated((handle) => void handle.deferUntil(() => false, 10));
    const leaseId = scheduler.lease("a");
    go();
    await scheduler.next("defer");
    expect(await scheduler.next("fail")).toMatchObject({ final: true, failure: { code: "DEFERRAL_NOT_AWAITED" } });
    scheduler.say({ type: "deferred", leaseId, n: 1 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("that a task leaves behind while it polls is polled no more", async () => {
    const leave = signal();
    const { scheduler, go } = gated((handle) => {
      void handle.deferUntil(() => false, 10);
      return leave.fired;
    });
    const leaseId = scheduler.lease("a");
    go();
    await scheduler.next("defer");
    scheduler.say({ type: "deferred", leaseId, n: 1 });
    await scheduler.settled();
    expect(vi.getTimerCount()).toBe(1);
    leave.fire();
    expect((await scheduler.next("fail")).failure.code).toBe("DEFERRAL_NOT_AWAITED");
    await scheduler.settled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("refuses a second one at the same time, and options that are wrong, without a word to the scheduler", async () => {
    const caught: unknown[] = [];
    const { scheduler, go } = gated(async (handle) => {
      caught.push(await handle.deferUntil(() => true, 0).catch((e: unknown) => e));
      const first = handle.deferUntil(() => true);
      caught.push(await handle.deferUntil(() => true).catch((e: unknown) => e));
      await first;
    });
    const leaseId = scheduler.lease("a");
    go();
    await scheduler.next("defer");
    scheduler.say({ type: "deferred", leaseId, n: 1 });
    await scheduler.next("reclaim");
    scheduler.say({ type: "granted", leaseId, n: 1, outcome: "MET" });
    await scheduler.next("complete");
    expect(caught).toEqual([expect.any(OptionsError), expect.objectContaining({ code: "HANDLE_CONSUMED" })]);
  });
});

describe("a lease that is handed back at the end of a drain's grace (P12)", () => {
  const declined = (leaseId: string) => ({ leaseId, reason: "the host drains" });

  it.each(["DEFERRING", "DEFERRED", "RECLAIMING"] as const)(
    "goes back when it is %s, with its checkpoint",
    async (state) => {
      const { scheduler, go } = gated((handle) => handle.deferUntil(() => state === "RECLAIMING", 10));
      const leaseId = scheduler.lease("a");
      go();
      await scheduler.next("defer");
      if (state !== "DEFERRING") scheduler.say({ type: "deferred", leaseId, n: 1 });
      if (state === "RECLAIMING") await scheduler.next("reclaim");
      scheduler.session.declineDeferred("the host drains");
      expect(await scheduler.next("decline")).toMatchObject(declined(leaseId));
      // The code ends as well, but what it says counts for nothing.
      await scheduler.settled();
      expect(scheduler.types().at(-1)).toBe("decline");
      expect(scheduler.held()).toMatchObject([{ leaseId, state: "FINISHED" }]);
      scheduler.receipt();
      expect(scheduler.session.isIdle).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it("goes back as soon as it defers, when the grace is over by then; what runs goes on", async () => {
    const reasons: unknown[] = [];
    const { scheduler, go, started } = gated(async (handle) => {
      reasons.push(await handle.deferUntil(() => true).catch((e: unknown) => e));
    });
    const leaseId = scheduler.lease("a");
    const handle = await started;
    scheduler.session.declineDeferred("the host drains");
    await scheduler.settled();
    expect(scheduler.types()).toEqual([]);
    expect(handle.signal.aborted).toBe(false);
    go();
    await scheduler.next("defer");
    scheduler.say({ type: "deferred", leaseId, n: 1 });
    expect(await scheduler.next("decline")).toMatchObject(declined(leaseId));
    await scheduler.settled();
    expect(reasons).toEqual([expect.any(SlotsClosedError)]);
  });
});
