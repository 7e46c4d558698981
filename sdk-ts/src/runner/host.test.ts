/** A host on the real wire, against a scheduler that breaks, repeats and contradicts itself. */
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { FakeScheduler } from "../fakes/fake-scheduler.js";
import { hostScene } from "../fakes/served-host.js";
import { signal } from "../fakes/signal.js";
import { WELCOME_TIMEOUT_MS } from "./connection.js";
import { Host } from "./host.js";

const scene = hostScene();

describe("a scheduler that repeats and contradicts itself", () => {
  it("gets each lease executed once, and everything else that is not true ignored", async () => {
    let executions = 0;
    const go = signal();
    scene.serve({
      a: async () => {
        executions++;
        await go.fired;
      },
      b: async (_context, handle) => ({ found: await handle?.deferUntil(() => "it", 1) }),
    });
    const fake = await scene.scheduler.welcomed();
    for (let n = 0; n < 3; n++) fake.lease("one", "a");
    fake.sayUnknown();
    fake.say(
      { case: "slotGranted", value: { leaseId: "one", deferral: 1, outcome: 1 } },
      { case: "deferred", value: { leaseId: "one", deferral: 4 } },
      { case: "slotGranted", value: { leaseId: "nobody's", deferral: 1, outcome: 1 } },
      { case: "cancel", value: { leaseId: "nobody's", reason: 1 } },
      { case: "revoked", value: { leaseId: "nobody's" } },
      { case: "receipts", value: { upTo: 999n } },
      { case: "heartbeatAck", value: { nonce: 999n } },
      { case: "registered", value: { seq: 999n } },
    );
    go.fire();
    await fake.next("complete");
    // Late: the task has ended.
    fake.say({ case: "cancel", value: { leaseId: "one", reason: 1 } });
    await fake.settled();

    fake.lease("two", "b");
    await fake.next("deferUntil");
    fake.say({ case: "slotGranted", value: { leaseId: "two", deferral: 2, outcome: 1 } });
    fake.say({ case: "deferred", value: { leaseId: "two", deferral: 1 } });
    await fake.next("reclaim");
    fake.say({ case: "slotGranted", value: { leaseId: "two", deferral: 1, outcome: 1 } });
    fake.say({ case: "slotGranted", value: { leaseId: "two", deferral: 1, outcome: 2 } });
    expect((await fake.next("complete")).value.patch?.set).toEqual({ found: '"it"' });
    expect(executions).toBe(1);
    expect(fake.kinds("one")).toEqual(["complete"]);
    expect(fake.kinds("two")).toEqual(["deferUntil", "reclaim", "complete"]);
  });
});

describe("a connection that breaks", () => {
  it.each(["reset", "freeze"] as const)(
    "by a %s loses nothing: what runs goes on, what is owed is said again",
    async (how) => {
      let executions = 0;
      const go = signal();
      const { lost } = scene.serve({
        quick: () => ({ n: 1 }),
        slow: async () => {
          executions++;
          await go.fired;
        },
      });
      const first = await scene.scheduler.welcomed({ ttlMs: 600, heartbeatIntervalMs: 20 });
      first.holdReceipts();
      first.lease("slow", "slow");
      first.lease("quick", "quick");
      const { seq, value } = await first.next("complete");
      scene.scheduler.proxy[how]();
      await lost;
      scene.scheduler.proxy.thaw();

      const second = await scene.scheduler.connection();
      expect(second.hello).toMatchObject({ resumeToken: "secret", instanceId: first.hello?.instanceId });
      expect(second.hello?.heldLeases.map(({ leaseId, state }) => [leaseId, state])).toEqual([
        ["slow", 1],
        ["quick", 5],
      ]);
      second.welcome();
      expect(await second.next("complete")).toEqual({ seq, value });
      // A lease that the scheduler thinks was lost on the wire.
      second.lease("slow", "slow");
      go.fire();
      expect((await second.next("complete")).value.leaseId).toBe("slow");
      expect(executions).toBe(1);
    },
  );

  it("is opened anew where and when the scheduler says, and not by the host's own backoff", async () => {
    const other = await FakeScheduler.start();
    const { lost } = scene.serve({ a: () => {} });
    const fake = await scene.scheduler.welcomed();
    const hint = { reconnect: true, reconnectAfterMs: 1, address: other.address };
    fake.say({ case: "drain", value: hint });
    fake.end();
    const elsewhere = await other.welcomed();
    expect(elsewhere.hello?.resumeToken).toBe("secret");
    expect(await lost).toMatchObject({ retryInMs: 1 });
    // Gone again, without a word: back to where the host was told to go.
    elsewhere.end();
    await scene.scheduler.connection();
    other.stop();
  });

  it("is tried again three times within the TTL of a session, though a dial hangs and a long wait was asked for", {
    // Without a session a Welcome is waited for longer than that.
    timeout: WELCOME_TIMEOUT_MS - 1,
  }, async () => {
    const { losses } = scene.serve({ a: () => {} });
    const fake = await scene.scheduler.welcomed({ ttlMs: 600, heartbeatIntervalMs: 60_000 });
    await fake.settled();
    fake.say({ case: "drain", value: { reconnect: true, reconnectAfterMs: 3_600_000 } });
    fake.end();
    // The first of these gets no Welcome, the second is sent away for longer, the third is served.
    await scene.scheduler.connection();
    (await scene.scheduler.connection()).fail(status.UNAVAILABLE, "busy", "STORE_FAILED", 2_000);
    await scene.scheduler.welcomed();
    expect(losses).toMatchObject([
      { error: "the stream ended", retryInMs: 200 },
      { error: expect.stringContaining("no Welcome came") },
      { error: "busy" },
    ]);
    const [, hung, asked] = losses.map(({ retryInMs }) => Number(retryInMs));
    // The try itself took the third of a TTL that each of them has; timers fire up to a millisecond early.
    expect(hung).toBeLessThanOrEqual(1);
    expect(asked).toBeLessThanOrEqual(200);
  });

  it("right after each Welcome is tried again with a growing wait, until more is heard", async () => {
    const { losses } = scene.serve({ a: () => {} });
    for (let n = 0; n < 4; n++) (await scene.scheduler.welcomed()).end();
    const fake = await scene.scheduler.welcomed();
    await fake.settled();
    fake.end();
    await scene.scheduler.connection();
    const waits = losses.map(({ retryInMs }) => Number(retryInMs));
    expect(waits).toHaveLength(5);
    // Each between half of its step and the step, and the steps are 100, 160, 256 and 410.
    expect(waits[3]).toBeGreaterThanOrEqual(204);
    expect(waits[4]).toBeLessThanOrEqual(100);
  });

  it("that breaks of what this host says is tried again with a growing wait, whatever was heard before", async () => {
    const { losses } = scene.serve({ a: () => {} });
    for (let n = 0; n < 5; n++) {
      const fake = await scene.scheduler.welcomed();
      await fake.settled();
      fake.fail(status.RESOURCE_EXHAUSTED, "Received message larger than max (9 vs 8)");
    }
    await scene.scheduler.connection();
    const waits = losses.map(({ retryInMs }) => Number(retryInMs));
    expect(waits).toHaveLength(5);
    expect(waits[3]).toBeGreaterThanOrEqual(204);
    expect(waits[4]).toBeGreaterThanOrEqual(327);
  });

  it("is tried again when the scheduler says, however late, by a host that has no session to lose", async () => {
    const { lost } = scene.serve({ a: () => {} });
    (await scene.scheduler.connection()).fail(status.UNAVAILABLE, "busy", "STORE_FAILED", 2_000);
    expect(await lost).toMatchObject({ retryInMs: 2_000 });
  });

  it("is tried again for as long as the scheduler is away, and only then", async () => {
    const { host, ended } = scene.serve({ a: () => {} });
    (await scene.scheduler.connection()).fail(status.UNAVAILABLE, "not yet");
    (await scene.scheduler.connection()).fail(status.ALREADY_EXISTS, "your older brother lives", "HOST_ID_TAKEN");
    const ready = host.ready();
    (await scene.scheduler.connection()).fail(status.INVALID_ARGUMENT, "tasks[0].id is odd", "DEFINITION_INVALID");
    await expect(ended).rejects.toMatchObject({ code: "DEFINITION_INVALID" });
    await expect(ready).rejects.toMatchObject({ code: "DEFINITION_INVALID" });
  });
});

describe("a host that has code for nothing", () => {
  it("says so when it is welcomed, once", async () => {
    const warnings: string[] = [];
    const connectedTwice = signal();
    let connections = 0;
    const log = {
      info: (message: string) => {
        if (message === "host_connected" && ++connections === 2) connectedTwice.fire();
      },
      // From the sources there is no thread that keeps the session alive, and that is said as well.
      warn: (message: string) => void (message.startsWith("host_") && warnings.push(message)),
    };
    const host = scene.adopt(new Host({ url: `grpc://${scene.scheduler.address}`, hostId: "host", log }));
    host.run({ handleSignals: false }).catch(() => {});
    const fake = await scene.scheduler.welcomed();
    await host.ready();
    expect(warnings).toEqual(["host_without_tasks"]);
    fake.end();
    await scene.scheduler.welcomed();
    await connectedTwice.fired;
    await host.ready();
    expect(warnings).toEqual(["host_without_tasks", "host_disconnected"]);
  });
});

describe("a drain (P12)", () => {
  it("finishes what runs, hands back what waits, and ends once all has its receipt", async () => {
    const go = signal();
    const { host, ended } = scene.serve(
      { runs: () => go.fired, waits: async (_context, handle) => void (await handle?.deferUntil(() => false, 60_000)) },
      0,
    );
    const fake = await scene.scheduler.welcomed();
    fake.lease("waits", "waits");
    await fake.next("deferUntil");
    fake.say({ case: "deferred", value: { leaseId: "waits", deferral: 1 } });
    fake.lease("runs", "runs");
    await fake.settled();
    const drained = host.drain();
    await fake.next("drain");
    expect((await fake.next("decline")).value.leaseId).toBe("waits");
    go.fire();
    expect((await fake.next("complete")).value.leaseId).toBe("runs");
    await drained;
    await ended;
    await fake.ended;
  });

  it("that the scheduler asks for is one of the host's own, with its grace", async () => {
    const { ended } = scene.serve({
      waits: async (_context, handle) => void (await handle?.deferUntil(() => false, 60_000)),
    });
    const fake = await scene.scheduler.welcomed();
    fake.lease("waits", "waits");
    await fake.next("deferUntil");
    fake.say({ case: "deferred", value: { leaseId: "waits", deferral: 1 } });
    fake.say({ case: "drain", value: { graceMs: 1, reason: "by an operator" } });
    expect((await fake.next("drain")).value.reason).toBe("by an operator");
    await fake.next("decline");
    await ended;
  });

  it("waits as long as timers can when its grace is longer, and hands nothing back at once", async () => {
    const overflows: string[] = [];
    const onWarning = ({ name }: Error): void => void (name === "TimeoutOverflowWarning" && overflows.push(name));
    process.on("warning", onWarning);
    const { ended } = scene.serve({
      waits: async (_context, handle) => void (await handle?.deferUntil(() => false, 60_000)),
    });
    const fake = await scene.scheduler.welcomed();
    fake.lease("waits", "waits");
    await fake.next("deferUntil");
    fake.say({ case: "deferred", value: { leaseId: "waits", deferral: 1 } });
    fake.say({ case: "drain", value: { graceMs: 0xffff_ffff, reason: "some day" } });
    await fake.next("drain");
    await fake.settled();
    expect([overflows, fake.kinds("waits")]).toEqual([[], ["deferUntil"]]);
    process.off("warning", onWarning);
    fake.say({ case: "cancel", value: { leaseId: "waits" } });
    await ended;
  });
});
