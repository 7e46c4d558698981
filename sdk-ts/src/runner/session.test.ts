import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DeferTimeoutError } from "../errors/index.js";
import { gated } from "../fakes/gated-task.js";
import { InMemoryScheduler } from "../fakes/in-memory-scheduler.js";
import type { Receipt } from "../protocol/words.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

describe("HostSession", () => {
  it("says in one message what is said in one turn of the loop", async () => {
    const scheduler = new InMemoryScheduler({ a: () => {} });
    scheduler.connect();
    for (let n = 0; n < 5; n++) scheduler.lease("a");
    await scheduler.settled();
    expect(scheduler.types()).toEqual(Array(5).fill("complete"));
    expect(scheduler.messages).toBe(1);
  });

  it("executes a lease that is sent twice once", async () => {
    let executions = 0;
    const scheduler = new InMemoryScheduler({ a: () => void executions++ });
    scheduler.connect();
    const leaseId = scheduler.lease("a");
    scheduler.lease("a", { leaseId });
    await scheduler.settled();
    scheduler.lease("a", { leaseId });
    await scheduler.settled();
    expect(executions).toBe(1);
    expect(scheduler.types()).toEqual(["complete"]);
  });

  it("declines a lease that it has no code for, and says for what (P13)", async () => {
    const scheduler = new InMemoryScheduler({ a: () => {} });
    scheduler.connect();
    const leaseId = scheduler.lease("b");
    expect(await scheduler.next("decline")).toMatchObject({
      leaseId,
      reason: 'this host has no code for task "b" of workflow "work", version work-1',
    });
    scheduler.lease("a", { workflowVersion: "work-2" });
    expect((await scheduler.next("decline")).reason).toContain("version work-2");
    expect(scheduler.warnings.map((w) => w.message)).toEqual(["lease_declined", "lease_declined"]);
  });

  it("warns of events that the scheduler refuses", async () => {
    const scheduler = new InMemoryScheduler({ a: () => {} });
    scheduler.connect();
    scheduler.lease("a");
    const { seq } = await scheduler.next("complete");
    scheduler.receipt({ seq, result: "CONFLICT", code: "OUTCOME_CONFLICT", message: "it ended otherwise" });
    const fields = { event: "complete", code: "OUTCOME_CONFLICT", message: "it ended otherwise" };
    expect(scheduler.warnings).toEqual([{ message: "event_refused", fields }]);
    expect(scheduler.session.isIdle).toBe(true);
  });
});

describe("receipts (P4)", () => {
  it("are cumulative: what is not excepted was applied, and what comes after still is owed", async () => {
    const scheduler = new InMemoryScheduler({ a: () => {} });
    scheduler.connect();
    for (let n = 0; n < 3; n++) scheduler.lease("a");
    await scheduler.settled();
    scheduler.say({ type: "receipts", upTo: 2, exceptions: [] });
    scheduler.connect();
    expect(scheduler.heard.map(({ seq }) => seq)).toEqual([3]);
    expect(scheduler.hello.held).toMatchObject([{ leaseId: "l3" }]);
  });

  it("come again without harm, and for what was never said", async () => {
    const scheduler = new InMemoryScheduler({ a: () => {} });
    scheduler.connect();
    scheduler.lease("a");
    const { seq } = await scheduler.next("complete");
    scheduler.receipt();
    scheduler.say({
      type: "receipts",
      upTo: 99,
      exceptions: [{ seq, result: "REJECTED", code: "X", message: "", isFinalFailure: false }],
    });
    expect(scheduler.warnings).toEqual([]);
    expect(scheduler.types()).toEqual(["complete"]);
  });
});

describe("a reconnect (P6)", () => {
  it("lists every lease in its state, and says what is owed again, in its order and with its numbers", async () => {
    const { scheduler, go } = gated((handle) => handle.deferUntil(() => false, 10));
    const leaseId = scheduler.lease("a");
    go();
    const { seq } = await scheduler.next("defer");
    const other = scheduler.lease("unknown");
    await scheduler.next("decline");
    scheduler.connect();
    expect(scheduler.hello.resumeToken).toBe("token");
    expect(scheduler.hello.held).toEqual([{ leaseId, state: "DEFERRING", deferral: 1 }]);
    expect(scheduler.heard).toMatchObject([
      { seq, event: { type: "defer", leaseId } },
      { seq: seq + 1, event: { type: "decline", leaseId: other } },
    ]);
  });

  it("keeps what is said while no connection is there, and sends it once to the next", async () => {
    const { scheduler, go } = gated();
    scheduler.lease("a");
    scheduler.disconnect();
    go();
    await scheduler.settled();
    expect(scheduler.session.hasNews).toBe(true);
    scheduler.connect();
    await scheduler.settled();
    expect(scheduler.types()).toEqual(["complete"]);
  });

  it("does not say to a new connection what the old one was about to be told", async () => {
    const scheduler = new InMemoryScheduler({});
    scheduler.connect();
    // Said, and the connection breaks in the same turn.
    scheduler.session.say({ type: "drain", reason: "" });
    scheduler.connect();
    await scheduler.settled();
    expect(scheduler.types()).toEqual(["drain"]);
    expect(scheduler.messages).toBe(1);
  });

  it.each([
    ["HELD", {}, "DEFERRING"],
    ["DEFERRING", {}, "DEFERRING"],
    ["DEFERRED", { deferral: 1 }, "DEFERRED"],
    ["DEFERRED", { deferral: 2 }, "DEFERRING"],
    ["RECLAIMING", { deferral: 1 }, "RECLAIMING"],
  ] as const)("takes the books' word %s %o for a lease that was DEFERRING", async (state, more, expected) => {
    const { scheduler, go } = gated((handle) => handle.deferUntil(() => false, 10));
    const leaseId = scheduler.lease("a");
    go();
    await scheduler.next("defer");
    scheduler.connect({ verdicts: [scheduler.verdict(leaseId, { state, ...more })] });
    expect(scheduler.held()).toMatchObject([{ leaseId, state: expected }]);
  });

  it("goes on after a grant that was lost on the wire: the verdict is HELD, with the outcome", async () => {
    const results: unknown[] = [];
    const { scheduler, go } = gated(async (handle) => void results.push(await handle.deferUntil(() => "here", 10)));
    const leaseId = scheduler.lease("a");
    go();
    await scheduler.next("defer");
    scheduler.say({ type: "deferred", leaseId, n: 1 });
    await scheduler.next("reclaim");
    scheduler.receipt();
    scheduler.connect({ verdicts: [scheduler.verdict(leaseId, { state: "HELD", deferral: 1, outcome: "MET" })] });
    expect(scheduler.hello.held).toMatchObject([{ state: "RECLAIMING" }]);
    await scheduler.next("complete");
    expect(results).toEqual(["here"]);
  });

  it("stops polling when the longest wait ended meanwhile: RECLAIMING, then MAX_WAIT", async () => {
    const results: unknown[] = [];
    const { scheduler, go } = gated(async (handle) => {
      results.push(
        await handle.deferUntil(() => false, { pollIntervalMs: 10, maxWaitMs: 50 }).catch((e: unknown) => e),
      );
    });
    const leaseId = scheduler.lease("a");
    go();
    await scheduler.next("defer");
    scheduler.say({ type: "deferred", leaseId, n: 1 });
    scheduler.receipt();
    scheduler.connect({ verdicts: [scheduler.verdict(leaseId, { state: "RECLAIMING", deferral: 1 })] });
    expect(vi.getTimerCount()).toBe(0);
    scheduler.say({ type: "granted", leaseId, n: 1, outcome: "MAX_WAIT" });
    await scheduler.next("complete");
    expect(results).toEqual([expect.any(DeferTimeoutError)]);
  });

  it("hears of a lease that was fenced meanwhile: ENDING, and why", async () => {
    const { scheduler, go, started } = gated();
    const leaseId = scheduler.lease("a");
    const { signal } = await started;
    const verdict = scheduler.verdict(leaseId, { state: "ENDING", fencing: { reason: "TIMEOUT", detail: "slow" } });
    scheduler.connect({ verdicts: [verdict] });
    expect(signal.reason).toMatchObject({ reason: "TIMEOUT", message: "cancelled: TIMEOUT (slow)" });
    go();
    expect(await scheduler.next("stopped")).toMatchObject({ leaseId });
  });

  it("hears that a lease is not its own any more: REVOKED. What it owed about it is not said again", async () => {
    const { scheduler, go } = gated((handle) => handle.deferUntil(() => false, 10));
    const leaseId = scheduler.lease("a");
    go();
    await scheduler.next("defer");
    scheduler.connect({ verdicts: [scheduler.verdict(leaseId, { state: "REVOKED" })] });
    await scheduler.settled();
    expect(scheduler.types()).toEqual([]);
    expect(scheduler.session.isIdle).toBe(true);
  });

  it("opens a session of its own after the token was refused, with the leases that it still has", () => {
    const { scheduler } = gated();
    scheduler.lease("a");
    scheduler.session.forgetSession();
    scheduler.connect();
    expect(scheduler.hello).toMatchObject({ resumeToken: "", held: [{ state: "HELD" }] });
  });
});

describe("a drain (P12)", () => {
  it("is said once, and offers nothing in the Hello of a session that goes on", async () => {
    const scheduler = new InMemoryScheduler({ a: () => {} });
    scheduler.connect();
    expect(scheduler.hello.implementations).toHaveLength(1);
    scheduler.session.drain("enough");
    scheduler.session.drain("enough, again");
    expect(await scheduler.next("drain")).toMatchObject({ reason: "enough" });
    scheduler.receipt();
    scheduler.connect({ resumed: true });
    expect(scheduler.hello.implementations).toEqual([]);
    expect(scheduler.hello.definitions).toHaveLength(1);
    await scheduler.settled();
    expect(scheduler.types()).toEqual([]);
  });

  it("is said again to a session that opens anew: the old one took with it that the host drains", async () => {
    const scheduler = new InMemoryScheduler({});
    scheduler.connect();
    scheduler.session.drain("enough");
    await scheduler.next("drain");
    scheduler.connect({ resumed: false });
    await scheduler.settled();
    expect(scheduler.types()).toEqual(["drain"]);
    scheduler.receipt();
    scheduler.connect({ resumed: false });
    await scheduler.settled();
    expect(scheduler.types()).toEqual(["drain"]);
  });

  it("has no news of its own: a host may go whose scheduler is away", () => {
    const scheduler = new InMemoryScheduler({});
    scheduler.session.drain("enough");
    expect([scheduler.session.isIdle, scheduler.session.hasNews]).toEqual([false, false]);
  });
});

describe("registrations", () => {
  it("bind the workflows of a Hello to the versions of its Welcome", () => {
    const scheduler = new InMemoryScheduler({ a: () => {} });
    scheduler.connect({ workflows: [{ name: "work", version: "v7" }] });
    expect(scheduler.code.find({ workflow: "work", workflowVersion: "v7", task: "a" })).not.toBeNull();
    expect(scheduler.code.find({ workflow: "work", workflowVersion: "work-1", task: "a" })).toBeNull();
  });

  it("that no longer fit into a message are refused here, and all else that is owed is said again (P10)", async () => {
    const scheduler = new InMemoryScheduler({ a: () => {} });
    scheduler.connect();
    const description = "d".repeat(500);
    const { brought } = scheduler.code.bring({ name: "more", description, tags: {}, tasks: [] }, true);
    const receipts: Receipt[] = [];
    scheduler.session.say({ type: "register", offer: brought.offer }, (receipt) => receipts.push(receipt));
    scheduler.lease("a");
    await scheduler.settled();
    expect(scheduler.types().toSorted()).toEqual(["complete", "register"]);
    scheduler.connect({ limits: { maxMessageBytes: 500, maxPatchBytes: 100, maxFailureBytes: 100 } });
    expect(scheduler.types()).toEqual(["complete"]);
    expect(receipts).toMatchObject([{ result: "REJECTED", code: "DEFINITION_INVALID" }]);
    expect(scheduler.warnings).toMatchObject([
      { message: "event_refused", fields: { event: "register", message: expect.stringContaining('workflow "more"') } },
    ]);
  });

  it("that follow are bound to what Registered says of their event", async () => {
    const scheduler = new InMemoryScheduler({ a: () => {} });
    scheduler.connect();
    const { brought } = scheduler.code.bring({ name: "more", description: "", tags: {}, tasks: [] }, true);
    scheduler.session.say({ type: "register", offer: brought.offer });
    const { seq } = await scheduler.next("register");
    scheduler.say({ type: "registered", seq: seq + 1, workflows: [{ name: "more", version: "wrong" }] });
    scheduler.say({ type: "registered", seq, workflows: [{ name: "more", version: "right" }] });
    expect(await brought.registered).toBe("right");
  });
});
