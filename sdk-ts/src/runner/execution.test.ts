import { describe, expect, it } from "vitest";
import { CancelledError, ContextTooLargeError, PermanentError, TransientError } from "../errors/index.js";
import { gated } from "../fakes/gated-task.js";
import { InMemoryScheduler } from "../fakes/in-memory-scheduler.js";
import { Context } from "../task/context.js";

describe("a lease that is executed", () => {
  it("ends with Complete and the patch, and is listed in Hello until the receipt (P6)", async () => {
    const { scheduler, go } = gated();
    const leaseId = scheduler.lease("a");
    expect(scheduler.held()).toEqual([{ leaseId, state: "HELD", deferral: 0 }]);
    go();
    expect(await scheduler.next("complete")).toMatchObject({ leaseId, patch: { set: { seen: "true" }, removed: [] } });
    expect(scheduler.held()).toEqual([{ leaseId, state: "FINISHED", deferral: 0 }]);
    expect(scheduler.session.isIdle).toBe(false);
    scheduler.receipt();
    expect(scheduler.held()).toEqual([]);
    expect(scheduler.session.isIdle).toBe(true);
  });

  it("says Fail with the error's code, type, message and stack, for the scheduler to decide about", async () => {
    const scheduler = new InMemoryScheduler({ a: () => Promise.reject(new TypeError("boom")) });
    scheduler.connect();
    scheduler.lease("a");
    const { failure, final } = await scheduler.next("fail");
    expect(failure).toMatchObject({ code: "TASK_FAILED", type: "TypeError", message: "boom" });
    expect(failure.stack).toContain("execution.test");
    expect(final).toBe(false);
  });

  it.each<[string, unknown, object]>([
    ["of a kind that passes", Object.assign(new Error("x"), { code: "ECONNRESET" }), { transient: true, final: false }],
    ["of any other kind", new Error("ECONNRESET"), { transient: false, final: false }],
    ["that is to be final", new PermanentError("never"), { transient: false, final: true }],
    [
      "that says when to try again",
      new TransientError("locked", { retryAfterMs: 40 }),
      { transient: true, final: false, nextDelayMs: 40 },
    ],
  ])("says about a failure %s what it is", async (_name, error, expected) => {
    const scheduler = new InMemoryScheduler({ a: () => Promise.reject(error) });
    scheduler.connect();
    scheduler.lease("a");
    const { seq: _seq, type: _type, leaseId: _leaseId, failure: _failure, ...said } = await scheduler.next("fail");
    expect(said).toEqual(expected);
  });

  it("cuts a failure to what the scheduler takes (P10)", async () => {
    const scheduler = new InMemoryScheduler({ a: () => Promise.reject(new Error("€".repeat(10_000))) });
    scheduler.connect();
    scheduler.lease("a");
    const { failure } = await scheduler.next("fail");
    expect(Buffer.byteLength(failure.message) + Buffer.byteLength(failure.stack)).toBeLessThanOrEqual(4_096);
    expect(failure.message).toMatch(/^€{1000,}…$/);
  });

  it("says Fail(CONTEXT_TOO_LARGE), final, in place of a patch over the limit (P10)", async () => {
    const scheduler = new InMemoryScheduler({ a: () => ({ big: "é".repeat(20) }) });
    scheduler.connect({ limits: { maxMessageBytes: 1_000_000, maxPatchBytes: 60, maxFailureBytes: 4_096 } });
    scheduler.lease("a");
    const { failure, final } = await scheduler.next("fail");
    // The key and 16 bytes for it, two quotes, and two bytes for each letter.
    expect([failure.code, failure.message, final]).toEqual([
      "CONTEXT_TOO_LARGE",
      'the patch of task "a" has 61 bytes, the limit is 60',
      true,
    ]);
  });

  it("lets a task catch that its checkpoint or its deferral is too large, and shed what is too much (P10)", async () => {
    const caught: unknown[] = [];
    const scheduler = new InMemoryScheduler({
      a: async (context, handle) => {
        context.set("big", "x".repeat(100));
        caught.push(await handle?.checkpoint().catch((e: unknown) => e));
        caught.push(await handle?.deferUntil(() => true).catch((e: unknown) => e));
        context.remove("big");
      },
    });
    scheduler.connect({ limits: { maxMessageBytes: 1_000_000, maxPatchBytes: 50, maxFailureBytes: 4_096 } });
    scheduler.lease("a");
    expect(await scheduler.next("complete")).toMatchObject({ patch: { set: {}, removed: [] } });
    expect(caught).toEqual([expect.any(ContextTooLargeError), expect.any(ContextTooLargeError)]);
  });

  it("counts what was committed before against the limit: all of it goes out in the next lease (P10)", async () => {
    const scheduler = new InMemoryScheduler({
      a: async (context, handle) => {
        context.set("one", "x".repeat(20));
        await handle?.checkpoint();
        context.set("two", "x".repeat(20));
      },
    });
    scheduler.connect({ limits: { maxMessageBytes: 1_000_000, maxPatchBytes: 60, maxFailureBytes: 4_096 } });
    scheduler.lease("a");
    await scheduler.next("checkpoint");
    scheduler.receipt();
    expect((await scheduler.next("fail")).failure.message).toBe('the patch of task "a" has 82 bytes, the limit is 60');
    scheduler.lease("a", { checkpoint: { set: { before: "x".repeat(20) }, removed: [] } });
    expect((await scheduler.next("fail")).failure.code).toBe("CONTEXT_TOO_LARGE");
  });

  it("stops where the scheduler has failed it: for a checkpoint that it could not take (P10)", async () => {
    const failed: string[] = [];
    const scheduler = new InMemoryScheduler({
      a: {
        fn: async (context, handle) => {
          context.set("n", 1);
          await handle?.checkpoint();
        },
        onFailure: (id, error) => void failed.push(`${id}: ${error.message}`),
      },
    });
    scheduler.connect();
    scheduler.lease("a");
    const { seq } = await scheduler.next("checkpoint");
    scheduler.receipt({
      seq,
      result: "REJECTED",
      code: "CONTEXT_TOO_LARGE",
      message: "too large",
      isFinalFailure: true,
    });
    await scheduler.settled();
    expect(scheduler.types()).toEqual(["checkpoint"]);
    expect(failed).toEqual(["a: too large"]);
    expect(scheduler.session.isIdle).toBe(true);
  });

  it("makes the task's failure of a Complete that is refused: a lease must not stay for ever", async () => {
    const { scheduler, go } = gated();
    const leaseId = scheduler.lease("a");
    go();
    const { seq } = await scheduler.next("complete");
    scheduler.receipt({ seq, result: "REJECTED", code: "CONTEXT_KEY_INVALID", message: "the key is odd" });
    const { failure, final } = await scheduler.next("fail");
    expect([failure.code, failure.message, final]).toEqual(["CONTEXT_KEY_INVALID", "the key is odd", true]);
    expect(scheduler.held()).toMatchObject([{ leaseId, state: "FINISHED" }]);
    scheduler.receipt();
    expect(scheduler.session.isIdle).toBe(true);
  });

  it("ends no process for a promise of its handle that it forgot to await", async () => {
    const { scheduler, go } = gated((handle) => {
      // Refused at once, refused by a Cancel, refused by a receipt: nobody reads of it.
      void handle.deferUntil(() => false, -1);
      void handle.checkpoint();
      void handle.deferUntil(() => false);
      return new Promise((resolve) => handle.signal.addEventListener("abort", resolve));
    });
    const leaseId = scheduler.lease("a");
    go();
    const { seq } = await scheduler.next("checkpoint");
    scheduler.receipt({ seq, result: "STALE" });
    scheduler.say({ type: "cancel", leaseId, reason: "TIMEOUT", detail: "" });
    await scheduler.next("defer");
    // A rejection without a reader would have failed this test.
    expect(await scheduler.next("stopped")).toMatchObject({ leaseId });
  });

  it("refuses a handle that outlives its task", async () => {
    const { scheduler, go, started } = gated();
    scheduler.lease("a");
    const handle = await started;
    go();
    await scheduler.next("complete");
    expect(() => handle.isSlotHeld()).toThrow(expect.objectContaining({ code: "HANDLE_CONSUMED" }));
  });

  it.each<[string, () => unknown, "complete" | "fail"]>([
    ["has succeeded", () => undefined, "complete"],
    ["has returned values", () => ({ n: 1 }), "complete"],
    ["has failed", () => Promise.reject(new Error("boom")), "fail"],
  ])("lets nobody change the context of a task that %s, and everybody read it", async (_name, then, end) => {
    let own: Context = new Context();
    const seen: Context[] = [];
    const a = (context: Context): unknown => {
      own = context.set("seen", true) as Context;
      return then();
    };
    const scheduler = new InMemoryScheduler({
      a: {
        fn: a,
        onSuccess: (_id, context) => seen.push(context),
        onFailure: (_id, _error, context) => seen.push(context),
      },
    });
    scheduler.connect();
    scheduler.lease("a", { input: { day: '"monday"' } });
    const { seq } = await scheduler.next(end);
    scheduler.receipt({ seq, isFinalFailure: end === "fail" });
    await scheduler.settled();
    expect(seen).toHaveLength(1);
    for (const context of [own, ...seen]) {
      const consumed = expect.objectContaining({ code: "CONTEXT_CONSUMED" });
      expect(() => context.set("late", 1)).toThrow(consumed);
      expect(() => context.insert("late", 1)).toThrow(consumed);
      expect(() => context.update("day", 1)).toThrow(consumed);
      expect(() => context.remove("day")).toThrow(consumed);
      expect(context.toJSON()).toMatchObject({ day: "monday", seen: true });
    }
  });

  it("resolves a checkpoint with its receipt, and says what was committed no second time", async () => {
    const done: string[] = [];
    const { scheduler, go } = gated(async (handle) => {
      await handle.checkpoint();
      done.push("committed");
      await handle.checkpoint();
      done.push("nothing new");
    });
    scheduler.lease("a");
    go();
    expect(await scheduler.next("checkpoint")).toMatchObject({ patch: { set: { seen: "true" } } });
    await scheduler.settled();
    expect(done).toEqual([]);
    scheduler.receipt();
    // What was committed is not said again.
    expect(await scheduler.next("complete")).toMatchObject({ patch: { set: {} } });
    expect(done).toEqual(["committed", "nothing new"]);
  });

  it("rejects a checkpoint that was not taken", async () => {
    const { scheduler, go } = gated((handle) => handle.checkpoint());
    scheduler.lease("a");
    go();
    const { seq } = await scheduler.next("checkpoint");
    scheduler.receipt({ seq, result: "STALE", code: "LEASE_STALE", message: "the lease was fenced" });
    expect((await scheduler.next("fail")).failure).toMatchObject({ code: "CANCELLED", type: "CancelledError" });
  });
});

describe("a lease that is cancelled (P3)", () => {
  it("tells the code by its signal, and says Stopped once the code has stopped, not before", async () => {
    const { scheduler, go, started } = gated();
    const leaseId = scheduler.lease("a");
    const handle = await started;
    scheduler.say({ type: "cancel", leaseId, reason: "TIMEOUT", detail: "took too long" });
    expect(handle.signal.reason).toBeInstanceOf(CancelledError);
    expect(handle.signal.reason).toMatchObject({ reason: "TIMEOUT" });
    await scheduler.settled();
    expect(scheduler.types()).toEqual([]);
    expect(scheduler.held()).toMatchObject([{ leaseId, state: "HELD" }]);
    go();
    expect(await scheduler.next("stopped")).toMatchObject({ leaseId });
    expect(scheduler.held()).toMatchObject([{ leaseId, state: "FINISHED" }]);
    scheduler.receipt();
    expect(scheduler.session.isIdle).toBe(true);
    expect(scheduler.types()).toEqual(["stopped"]);
  });

  it("still owes Stopped when Revoked answers what it had said before", async () => {
    const { scheduler, go } = gated();
    const leaseId = scheduler.lease("a");
    scheduler.say({ type: "cancel", leaseId, reason: "RUN_CANCELLED", detail: "" });
    scheduler.say({ type: "revoked", leaseId, detail: "the lease was fenced" });
    go();
    const { seq } = await scheduler.next("stopped");
    // Late, and the connection breaks: Stopped alone frees the slot.
    scheduler.say({ type: "revoked", leaseId, detail: "the lease was fenced" });
    scheduler.connect();
    expect(scheduler.hello.held).toMatchObject([{ leaseId, state: "FINISHED" }]);
    expect(scheduler.heard).toMatchObject([{ seq, event: { type: "stopped", leaseId } }]);
  });

  it("changes nothing when the code has ended: Complete is on its way and frees the slot", async () => {
    const { scheduler, go } = gated();
    const leaseId = scheduler.lease("a");
    go();
    await scheduler.next("complete");
    scheduler.say({ type: "cancel", leaseId, reason: "RUN_CANCELLED", detail: "" });
    await scheduler.settled();
    expect(scheduler.types()).toEqual(["complete"]);
    scheduler.say({ type: "revoked", leaseId, detail: "the lease was fenced" });
    expect(scheduler.session.isIdle).toBe(true);
  });

  it("is ignored for a lease that is not there, late or never given", async () => {
    const { scheduler } = gated();
    scheduler.say({ type: "cancel", leaseId: "never", reason: "TIMEOUT", detail: "" });
    scheduler.say({ type: "revoked", leaseId: "never", detail: "" });
    scheduler.say({ type: "granted", leaseId: "never", n: 1, outcome: "MET" });
    scheduler.say({ type: "deferred", leaseId: "never", n: 1 });
    await scheduler.settled();
    expect(scheduler.types()).toEqual([]);
  });

  it("stops a wait in a deferral, whatever state that is in", async () => {
    for (const state of ["DEFERRING", "DEFERRED", "RECLAIMING"] as const) {
      const { scheduler, go } = gated((handle) => handle.deferUntil(() => state === "RECLAIMING", 10));
      const leaseId = scheduler.lease("a");
      go();
      await scheduler.next("defer");
      if (state !== "DEFERRING") scheduler.say({ type: "deferred", leaseId, n: 1 });
      if (state === "RECLAIMING") await scheduler.next("reclaim");
      expect(scheduler.held()).toMatchObject([{ state }]);
      scheduler.say({ type: "cancel", leaseId, reason: "RUN_CANCELLED", detail: "" });
      expect(await scheduler.next("stopped")).toMatchObject({ leaseId });
      // A grant that crossed the Cancel on the wire.
      scheduler.say({ type: "granted", leaseId, n: 1, outcome: "MET" });
      scheduler.receipt();
      expect(scheduler.session.isIdle).toBe(true);
    }
  });
});

describe("a lease that is revoked", () => {
  it("says nothing any more, and drops what it owed", async () => {
    const { scheduler, go, started } = gated();
    const leaseId = scheduler.lease("a");
    const { signal: aborted } = await started;
    scheduler.say({ type: "revoked", leaseId, detail: "its session was lost" });
    expect(aborted.reason).toMatchObject({ reason: "REVOKED" });
    // P6: it is not this host's any more, though its code still runs.
    expect(scheduler.held()).toEqual([]);
    expect(scheduler.session.isIdle).toBe(false);
    go();
    await scheduler.settled();
    expect(scheduler.types()).toEqual([]);
    expect(scheduler.session.isIdle).toBe(true);
  });

  it("drops a Complete that no connection has taken yet", async () => {
    const { scheduler, go } = gated();
    const leaseId = scheduler.lease("a");
    scheduler.disconnect();
    go();
    await scheduler.settled();
    scheduler.say({ type: "revoked", leaseId, detail: "" });
    expect(scheduler.session.isIdle).toBe(true);
    scheduler.connect();
    expect(scheduler.types()).toEqual([]);
  });
});
