/** What the loop says, and does not say, while its store cannot commit. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LiveStore } from "../store/live/live-store.js";
import { MemoryJournal } from "../store/memory/memory-journal.js";
import { type FailingJournal, failing } from "../testing/failing-journal.js";
import { CountingIds, ManualTime } from "../testing/manual-time.js";
import { offering, ScriptedHost, workflowOf } from "../testing/scripted-host.js";
import type { SchedulerEvent } from "./events.js";
import { DEFAULT_LIMITS } from "./limits.js";
import { Scheduler } from "./scheduler.js";

const START = {
  namespace: "default",
  workflow: "w",
  version: "",
  context: {},
  priority: 0,
  labels: {},
  traceparent: "",
  requestId: "",
  timeoutMs: 0,
};
/** One lease with such an input fills a message. */
const LARGE = { context: { big: JSON.stringify("x".repeat(40_000)) } };

/** A host whose wire takes one message, and then none until it is told to. */
class SlowHost extends ScriptedHost {
  override send(events: readonly SchedulerEvent[]): void {
    super.send(events);
    if (events.some((event) => event.type === "lease")) this.isWritable = false;
  }

  drain(): void {
    this.isWritable = true;
    this.connection.owner.writable(this.connection);
  }
}

/** Remembers when it was read no further, and when again. */
class ThrottledHost extends ScriptedHost {
  readonly reading: boolean[] = [];

  override setReading(reading: boolean): void {
    this.reading.push(reading);
  }
}

describe("a store that cannot commit", () => {
  let time: ManualTime;
  let journal: FailingJournal;
  let scheduler: Scheduler;
  const logged: string[] = [];

  beforeEach(() => {
    time = new ManualTime();
    journal = failing(new MemoryJournal());
    const limits = { ...DEFAULT_LIMITS, maxMessageBytes: 64 * 1024 };
    const store = new LiveStore(journal, { clock: time, ids: new CountingIds(), limits });
    logged.length = 0;
    const log = { info() {}, warn() {}, error: (event: string) => void logged.push(event) };
    scheduler = new Scheduler({ store, clock: time, runtime: time, limits, log, checkBooks: true });
    scheduler.start();
  });

  afterEach(async () => {
    expect(await scheduler.store.check()).toEqual([]);
    expect(logged.filter((event) => event !== "store_unavailable")).toEqual([]);
  });

  async function connect<T extends ScriptedHost>(host: T, hello: Parameters<ScriptedHost["hello"]>[0]): Promise<T> {
    host.hello({ ...offering(workflowOf("w", { a: [] })), ...hello });
    await time.settle();
    return host;
  }

  async function start(more: Partial<typeof START> = {}): Promise<string> {
    const started = scheduler.startRun({ ...START, ...more });
    started.catch(() => {});
    await time.settle();
    return (await started).runId;
  }

  it("P4: nothing is receipted or told until it can; then each event counts once", async () => {
    const host = await connect(new ScriptedHost(scheduler), { slots: 1 });
    const [first, second] = [await start(), await start()];
    const [lease] = host.leases;
    if (lease === undefined) throw new Error("expected a lease");
    journal.fails = true;
    const heard = host.heard.length;
    const seq = host.say({ type: "complete", leaseId: lease.leaseId, patch: null });
    await time.settle();
    const refused = expect(scheduler.startRun(START)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await time.advance(5_000);
    await refused;
    expect(host.heard.slice(heard)).toEqual([]);
    expect((await scheduler.store.readRun("default", first))?.run.status).toBe("RUNNING");
    expect(logged).toContain("store_unavailable");
    journal.fails = false;
    await time.advance(1_000);
    expect(host.result(seq)).toBe("APPLIED");
    expect(host.leases.map((l) => l.run.id)).toEqual([first, second]);
    expect((await scheduler.store.readRun("default", first))?.run.status).toBe("SUCCEEDED");
    const { chunks } = await scheduler.store.events({ namespace: "default", runId: first, after: 0, limit: 100 });
    expect(chunks.flatMap((c) => c.events).filter((e) => e.type === "TASK_SUCCEEDED")).toHaveLength(1);
  });

  it("a request that was refused for it can be made again", async () => {
    await connect(new ScriptedHost(scheduler), {});
    journal.plan.push("fails");
    await expect(start({ requestId: "q" })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await time.advance(1_000);
    expect(await start({ requestId: "q" })).toBe(await start({ requestId: "q" }));
  });

  it("P5: a host that says more than can wait is not read any further until it can, and is not expired for that", async () => {
    const host = await connect(new ThrottledHost(scheduler), {});
    await start();
    const [lease] = host.leases;
    journal.fails = true;
    const patch = { set: { n: "1" }, removed: [] };
    let seq = 0;
    for (let n = 0; n < 10_000; n++) seq = host.say({ type: "checkpoint", leaseId: lease?.leaseId ?? "", patch });
    expect(host.reading).toEqual([false]);
    await time.advance(2 * DEFAULT_LIMITS.sessionTtlMs);
    expect(host.reading).toEqual([false]);
    journal.fails = false;
    await time.advance(1_000);
    expect(host.reading).toEqual([false, true]);
    expect(host.closedWith).toBeUndefined();
    expect(host.result(seq)).toBe("APPLIED");
  });

  it("P5: a host that is heard while it cannot commit is not expired afterwards", async () => {
    const host = await connect(new ScriptedHost(scheduler), {});
    await start();
    journal.fails = true;
    const [lease] = host.leases;
    host.say({ type: "checkpoint", leaseId: lease?.leaseId ?? "", patch: { set: { n: "1" }, removed: [] } });
    for (let i = 0; i < 10; i++) {
      await time.advance(DEFAULT_LIMITS.sessionTtlMs / 3);
      host.connection.receive([{ seq: 0, type: "heartbeat", nonce: 1n, mainLoopLagMs: 0 }]);
    }
    journal.fails = false;
    await time.advance(1_000);
    expect(host.closedWith).toBeUndefined();
    expect(scheduler.store.session(host.connection.sessionId)).not.toBeNull();
  });

  it("P7: a lease that is cancelled while it is queued is never sent, and its slot is free for the next", async () => {
    const host = await connect(new SlowHost(scheduler), { slots: 2 });
    const [sent, queued] = await Promise.all([
      scheduler.startRun({ ...START, ...LARGE }),
      scheduler.startRun({ ...START, ...LARGE }),
      time.settle(),
    ]);
    expect(host.leases.map((l) => l.run.id)).toEqual([sent.runId]);
    const third = await start();
    const cancelled = scheduler.controlRun({
      namespace: "default",
      runId: queued.runId,
      control: { type: "cancel", reason: "" },
    });
    await time.settle();
    expect(await cancelled).toEqual({ status: "CANCELLED", resetTasks: [] });
    expect(host.all("cancel")).toEqual([]);
    host.drain();
    await time.settle();
    expect(host.leases.map((l) => l.run.id)).toEqual([sent.runId, third]);
    expect(host.all("cancel")).toEqual([]);
  });

  it("P7: when that cannot be committed at once, what was committed with the cancellation stays told, and it is freed later", async () => {
    const host = await connect(new SlowHost(scheduler), { slots: 2 });
    const [sent, queued] = await Promise.all([
      scheduler.startRun({ ...START, ...LARGE }),
      scheduler.startRun({ ...START, ...LARGE }),
      time.settle(),
    ]);
    const third = await start();
    journal.plan.push("commits", "fails");
    const seq = host.say({
      type: "checkpoint",
      leaseId: host.leases[0]?.leaseId ?? "",
      patch: { set: { n: "1" }, removed: [] },
    });
    const cancelled = scheduler.controlRun({
      namespace: "default",
      runId: queued.runId,
      control: { type: "cancel", reason: "" },
    });
    await time.settle();
    expect(await cancelled).toEqual({ status: "CANCELLED", resetTasks: [] });
    host.drain();
    await time.settle();
    expect(host.result(seq)).toBe("APPLIED");
    await time.advance(1_000);
    expect(host.leases.map((l) => l.run.id)).toEqual([sent.runId, third]);
    const { chunks } = await scheduler.store.events({ namespace: "default", runId: sent.runId, after: 0, limit: 100 });
    expect(chunks.flatMap((c) => c.events).filter((e) => e.type === "TASK_CHECKPOINTED")).toHaveLength(1);
    const receipts = host.all("receipts").flatMap((r) => r.exceptions);
    expect(receipts).toEqual([]);
  });

  it("a Hello that cannot be committed is refused, and works when it is said again", async () => {
    journal.plan.push("fails");
    const refused = await connect(new ScriptedHost(scheduler), {});
    expect(refused.closedWith).toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(refused.heard).toEqual([]);
    const host = await connect(new ScriptedHost(scheduler), {});
    expect(host.welcome).toMatchObject({ resumed: false });
  });

  it("P6: a Hello whose leases cannot be looked up is refused, so that none is forgotten", async () => {
    const before = await connect(new ScriptedHost(scheduler), { slots: 1 });
    const runId = await start();
    const leaseId = before.leases[0]?.leaseId ?? "";
    const wait = { n: 1, pollIntervalMs: 10, maxWaitMs: 0, description: "", patch: null };
    before.say({ type: "defer", leaseId, ...wait });
    await time.settle();
    const resumeToken = before.welcome?.session.resumeToken ?? "";
    // The session is resumed; that its host has forgotten the deferral is not committed.
    journal.plan.push("commits", "fails");
    const refused = await connect(new ScriptedHost(scheduler), { resumeToken });
    expect(refused.closedWith).toMatchObject({ code: "STORE_UNAVAILABLE" });
    const host = await connect(new ScriptedHost(scheduler), { resumeToken });
    await time.settle();
    expect(host.welcome).toMatchObject({ resumed: true });
    expect(host.leases).toMatchObject([{ attempt: 1, recovery: 1, run: { id: runId } }]);
  });
});
