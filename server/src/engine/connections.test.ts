/** P1 and P7: several connections of one session, and connections that do not take what is sent. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStore } from "../store/open-store.js";
import type { Store } from "../store/store.js";
import { CountingIds, ManualTime } from "../testing/manual-time.js";
import { offering, ScriptedHost, workflowOf } from "../testing/scripted-host.js";
import type { Hello } from "./events.js";
import { DEFAULT_LIMITS } from "./limits.js";
import { Scheduler } from "./scheduler.js";

const log = { info() {}, warn() {}, error() {} };
const START = {
  namespace: "default",
  version: "",
  context: {},
  priority: 0,
  labels: {},
  traceparent: "",
  timeoutMs: 0,
  requestId: "",
};
const OFFER = offering(workflowOf("two", { a: [], b: [] }));

class SlowHost extends ScriptedHost {
  readonly reading: boolean[] = [];

  override setReading(reading: boolean): void {
    this.reading.push(reading);
  }
}

describe("connections", () => {
  let time: ManualTime;
  let store: Store;
  let scheduler: Scheduler;

  beforeEach(() => {
    time = new ManualTime();
    store = openStore("memory:", { clock: time, ids: new CountingIds(), limits: DEFAULT_LIMITS }, "");
    scheduler = new Scheduler({ store, clock: time, runtime: time, limits: DEFAULT_LIMITS, log, checkBooks: true });
    scheduler.start();
  });

  afterEach(async () => {
    expect(await store.check()).toEqual([]);
    await store.close();
  });

  async function connect(hello: Partial<Hello> = {}): Promise<SlowHost> {
    const host = new SlowHost(scheduler);
    host.hello({ ...OFFER, ...hello });
    await time.settle();
    return host;
  }

  async function start(): Promise<string> {
    const started = scheduler.startRun({ ...START, workflow: "two" });
    await time.settle();
    return (await started).runId;
  }

  const tokenOf = (host: ScriptedHost): string => host.welcome?.session.resumeToken ?? "";

  it("P1: a Hello whose chunks never end is refused once they are too many, long before it is too slow", async () => {
    const host = new SlowHost(scheduler);
    host.hello({ ...OFFER, more: true });
    const held = [{ leaseId: "r.0.1", state: "HELD", deferral: 0 } as const];
    const chunk = { definitions: [], implementations: [], held, more: true };
    const chunks = Array.from({ length: 50_000 }, () => ({ seq: 0, type: "hello_chunk", chunk, bytes: 12 }) as const);
    for (let message = 0; host.closedWith === undefined && message < 100; message++) host.connection.receive(chunks);
    expect(host.closedWith).toMatchObject({
      code: "REQUEST_INVALID",
      message: expect.stringContaining("67108864 bytes"),
    });
    expect(scheduler.connections.all()).toEqual([]);
  });

  it("P1: the first part of a Hello counts with its chunks", async () => {
    const host = new SlowHost(scheduler);
    const limit = 16 * DEFAULT_LIMITS.maxMessageBytes;
    host.hello({ ...OFFER, more: true }, limit - 1_000);
    const chunk = { definitions: [], implementations: [], held: [], more: true };
    const say = (bytes: number): void => host.connection.receive([{ seq: 0, type: "hello_chunk", chunk, bytes }]);
    say(100);
    expect(host.closedWith).toBeUndefined();
    say(1_000);
    expect(host.closedWith).toMatchObject({
      code: "REQUEST_INVALID",
      message: expect.stringContaining(`${limit} bytes with all its chunks`),
    });
  });

  it("P1: a newer connection of the instance replaces the older, whose end does not evict it", async () => {
    const older = await connect();
    const newer = await connect({ resumeToken: tokenOf(older) });
    expect(newer.welcome).toMatchObject({ resumed: true, session: { generation: 2 } });
    expect(older.closedWith?.code).toBe("SESSION_SUPERSEDED");
    older.connection.ended(false);
    await time.settle();
    await start();
    expect([older.leases.length, newer.leases.length]).toEqual([0, 1]);
  });

  it("P1: events of the superseded connection are dropped without a receipt, and count when they are said again", async () => {
    const older = await connect();
    await start();
    const leaseId = older.leases[0]?.leaseId ?? "";
    // Both come in before the scheduler looks.
    const seq = older.say({ type: "complete", leaseId, patch: null });
    const held = [{ leaseId, state: "FINISHED" as const, deferral: 0 }];
    const newer = await connect({ resumeToken: tokenOf(older), held });
    expect(older.result(seq)).toBeUndefined();
    expect(newer.welcome?.verdicts).toMatchObject([{ leaseId, state: "HELD" }]);
    const again = newer.say({ type: "complete", leaseId, patch: null });
    await time.settle();
    expect(newer.result(again)).toBe("APPLIED");
  });

  it("P4: the last events of a host that closes its stream at once count", async () => {
    const host = await connect();
    const runId = await start();
    host.say({ type: "complete", leaseId: host.leases[0]?.leaseId ?? "", patch: null });
    host.connection.ended(true);
    await time.settle();
    expect((await store.readRun("default", runId))?.tasks[0]?.state).toBe("SUCCEEDED");
  });

  it("P1: a connection that does not take what is sent gets no lease, and holds no slot for one, until it does", async () => {
    const host = await connect();
    host.isWritable = false;
    await start();
    expect(store.listSessions("default").map((v) => v.held)).toEqual([0]);
    host.isWritable = true;
    scheduler.writable(host.connection);
    await time.settle();
    expect(host.leases).toHaveLength(1);
  });

  it("is read no further while too much waits for it, and again when it has taken that", async () => {
    const host = await connect();
    host.isWritable = false;
    const heartbeat = { seq: 0, type: "heartbeat" as const, nonce: 1n, mainLoopLagMs: 0 };
    host.connection.receive(Array.from({ length: 20_000 }, () => heartbeat));
    host.connection.flush();
    expect(host.reading).toEqual([false]);
    host.isWritable = true;
    scheduler.writable(host.connection);
    expect(host.reading).toEqual([false, true]);
    expect(host.all("heartbeat_ack")).toHaveLength(20_000);
  });

  it("P1: a Hello that goes on in chunks is one, and its end is waited for no longer than for a Hello", async () => {
    const host = new SlowHost(scheduler);
    host.hello({ more: true });
    await time.settle();
    expect(host.welcome).toBeUndefined();
    const { definitions, implementations } = OFFER;
    host.connection.receive([
      { seq: 0, type: "hello_chunk", chunk: { definitions, implementations: [], held: [], more: true }, bytes: 100 },
    ]);
    host.connection.receive([
      { seq: 0, type: "hello_chunk", chunk: { definitions: [], implementations, held: [], more: false }, bytes: 100 },
    ]);
    await time.settle();
    expect(host.welcome?.workflows.map((w) => w.name)).toEqual(["two"]);
    const endless = new SlowHost(scheduler);
    endless.hello({ more: true, hostId: "endless", instanceId: "instance-9" });
    await time.advance(DEFAULT_LIMITS.helloTimeoutMs);
    expect(endless.closedWith?.code).toBe("HELLO_TIMEOUT");
  });

  it.each([
    ["a number that does not grow", [2, 2]],
    ["no number", [0]],
    ["a number that no JavaScript number holds", [2 ** 60]],
  ])("P4: refuses %s", async (_name, numbers) => {
    const host = await connect();
    host.connection.receive(numbers.map((seq) => ({ seq, type: "set_slots" as const, slots: 1 })));
    expect(host.closedWith?.code).toBe("SEQ_INVALID");
  });
});
