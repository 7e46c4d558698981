/** A host on the real wire, against a scheduler that breaks, repeats and contradicts itself. */
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeScheduler } from "../fakes/fake-scheduler.js";
import { plainWorkflow } from "../fakes/plain-workflow.js";
import { signal } from "../fakes/signal.js";
import type { ResolvedTask, WorkflowDefinition } from "../task/definition.js";
import { WELCOME_TIMEOUT_MS } from "./connection.js";
import { Host } from "./host.js";

let scheduler: FakeScheduler;
let host: Host;
let ended: Promise<void>;
/** Fires when the host tells its log of a lost connection. */
let lost: Promise<Readonly<Record<string, unknown>>>;
/** All that it told its log of lost connections. */
let losses: Readonly<Record<string, unknown>>[];

beforeEach(async () => {
  scheduler = await FakeScheduler.start();
});

afterEach(async () => {
  // What a test leaves behind has nobody to wait for.
  void host.drain(0).catch(() => {});
  scheduler.stop();
});

/** A workflow of about 100,000 bytes. */
function largeWorkflow(name: string): WorkflowDefinition {
  const ids = Array.from({ length: 1_000 }, (_, n) => [`${n}`.padStart(90, "t"), () => {}] as const);
  return plainWorkflow(name, Object.fromEntries(ids));
}

/** Runs a host with the code of a workflow `work`. */
function serve(tasks: Readonly<Record<string, ResolvedTask["fn"]>>, drainGraceMs = 60_000): void {
  const away = signal<Readonly<Record<string, unknown>>>();
  lost = away.fired;
  // Hosts of earlier tests still tell theirs.
  const told: typeof losses = [];
  losses = told;
  host = new Host({
    url: `grpc://${scheduler.address}`,
    hostId: "host",
    drainGraceMs,
    log: {
      info: () => {},
      warn: (message, fields) => {
        if (message !== "host_disconnected") return;
        told.push(fields);
        away.fire(fields);
      },
    },
  }).register(plainWorkflow("work", tasks));
  ended = host.run({ handleSignals: false });
  ended.catch(() => {});
}

describe("a scheduler that repeats and contradicts itself", () => {
  it("gets each lease executed once, and everything else that is not true ignored", async () => {
    let executions = 0;
    const go = signal();
    serve({
      a: async () => {
        executions++;
        await go.fired;
      },
      b: async (_context, handle) => ({ found: await handle?.deferUntil(() => "it", 1) }),
    });
    const fake = await scheduler.welcomed();
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
      serve({
        quick: () => ({ n: 1 }),
        slow: async () => {
          executions++;
          await go.fired;
        },
      });
      const first = await scheduler.welcomed({ ttlMs: 600, heartbeatIntervalMs: 20 });
      first.holdReceipts();
      first.lease("slow", "slow");
      first.lease("quick", "quick");
      const { seq, value } = await first.next("complete");
      scheduler.proxy[how]();
      await lost;
      scheduler.proxy.thaw();

      const second = await scheduler.connection();
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
    serve({ a: () => {} });
    const fake = await scheduler.welcomed();
    const hint = { reconnect: true, reconnectAfterMs: 1, address: other.address };
    fake.say({ case: "drain", value: hint });
    fake.end();
    const elsewhere = await other.welcomed();
    expect(elsewhere.hello?.resumeToken).toBe("secret");
    expect(await lost).toMatchObject({ retryInMs: 1 });
    // Gone again, without a word: back to where the host was told to go.
    elsewhere.end();
    await scheduler.connection();
    other.stop();
  });

  it("is tried again three times within the TTL of a session, though a dial hangs and a long wait was asked for", {
    // Without a session a Welcome is waited for longer than that.
    timeout: WELCOME_TIMEOUT_MS - 1,
  }, async () => {
    serve({ a: () => {} });
    const fake = await scheduler.welcomed({ ttlMs: 600, heartbeatIntervalMs: 60_000 });
    await fake.settled();
    fake.say({ case: "drain", value: { reconnect: true, reconnectAfterMs: 3_600_000 } });
    fake.end();
    // The first of these gets no Welcome, the second is sent away for longer, the third is served.
    await scheduler.connection();
    (await scheduler.connection()).fail(status.UNAVAILABLE, "busy", "STORE_FAILED", 2_000);
    await scheduler.welcomed();
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
    serve({ a: () => {} });
    for (let n = 0; n < 4; n++) (await scheduler.welcomed()).end();
    const fake = await scheduler.welcomed();
    await fake.settled();
    fake.end();
    await scheduler.connection();
    const waits = losses.map(({ retryInMs }) => Number(retryInMs));
    expect(waits).toHaveLength(5);
    // Each between half of its step and the step, and the steps are 100, 160, 256 and 410.
    expect(waits[3]).toBeGreaterThanOrEqual(204);
    expect(waits[4]).toBeLessThanOrEqual(100);
  });

  it("is tried again when the scheduler says, however late, by a host that has no session to lose", async () => {
    serve({ a: () => {} });
    (await scheduler.connection()).fail(status.UNAVAILABLE, "busy", "STORE_FAILED", 2_000);
    expect(await lost).toMatchObject({ retryInMs: 2_000 });
  });

  it("is tried again for as long as the scheduler is away, and only then", async () => {
    serve({ a: () => {} });
    (await scheduler.connection()).fail(status.UNAVAILABLE, "not yet");
    (await scheduler.connection()).fail(status.ALREADY_EXISTS, "your older brother lives", "HOST_ID_TAKEN");
    const ready = host.ready();
    (await scheduler.connection()).fail(status.INVALID_ARGUMENT, "tasks[0].id is odd", "DEFINITION_INVALID");
    await expect(ended).rejects.toMatchObject({ code: "DEFINITION_INVALID" });
    await expect(ready).rejects.toMatchObject({ code: "DEFINITION_INVALID" });
  });
});

describe("workflows that come while the host runs", () => {
  const more = plainWorkflow("more", { a: () => {} });

  it("are registered on the connection that serves, and bound to their version", async () => {
    serve({ a: () => {} });
    const fake = await scheduler.welcomed();
    await host.ready();
    const brought = host.bring(more);
    expect(host.bring(more)).toBe(brought);
    const { seq, value } = await fake.next("register");
    expect(value.definitions.map(({ name }) => name)).toEqual(["more"]);
    expect(value.implementations).toMatchObject([{ workflow: "more", tasks: [], anyVersion: false }]);
    fake.say({ case: "registered", value: { seq, workflows: [{ name: "more", version: "v7" }] } });
    expect(await brought).toBe("v7");
    fake.lease("one", "a", { workflow: "more", workflowVersion: "v7" });
    await fake.next("complete");
  });

  it("are not forgotten between a Hello and its Welcome", async () => {
    serve({ a: () => {} });
    const fake = await scheduler.connection();
    host.register(more);
    host.implement("theirs", { id: "b", dependencies: [], wantsHandle: false, fn: () => {} });
    fake.welcome();
    expect((await fake.next("register")).value.definitions).toMatchObject([{ name: "more" }]);
    expect((await fake.next("register")).value.implementations).toMatchObject([
      { workflow: "theirs", anyVersion: true },
    ]);
  });

  it("that are refused tell who waits for them, and do not break the next Hello", async () => {
    serve({ a: () => {} });
    const fake = await scheduler.welcomed();
    await host.ready();
    fake.holdReceipts();
    const brought = host.bring(more);
    const { seq } = await fake.next("register");
    fake.receipts(seq, { seq, result: 5, error: { code: "DEFINITION_INVALID", message: "no" } });
    await expect(brought).rejects.toMatchObject({ code: "DEFINITION_INVALID", message: "no" });
    fake.end();
    const next = await scheduler.connection();
    expect(next.hello?.definitions.map(({ name }) => name)).toEqual(["work"]);
    next.welcome();
    await next.settled();
    expect(next.kinds()).not.toContain("register");
  });

  it("of the same name are registered one after the other, after each Hello, and find their own code (P13)", async () => {
    const ran: string[] = [];
    serve({ a: () => void ran.push("one") });
    host.register(plainWorkflow("work", { a: () => void ran.push("two"), b: () => {} }));
    for (let connection = 0; connection < 2; connection++) {
      const fake = await scheduler.welcomed({ workflows: [{ name: "work", version: "v1" }] });
      expect(fake.hello?.definitions.map(({ tasks }) => tasks.length)).toEqual([1]);
      const { seq, value } = await fake.next("register");
      expect(value.definitions.map(({ tasks }) => tasks.length)).toEqual([2]);
      fake.say({ case: "registered", value: { seq, workflows: [{ name: "work", version: "v2" }] } });
      fake.lease(`${connection}-two`, "a", { workflowVersion: "v2" });
      await fake.next("complete");
      fake.lease(`${connection}-one`, "a", { workflowVersion: "v1" });
      await fake.next("complete");
      await fake.settled();
      fake.end();
    }
    expect(ran).toEqual(["two", "one", "two", "one"]);
  });
});

describe("a workflow that is larger than the scheduler takes in a message (P10)", () => {
  const large = largeWorkflow("large");
  const limits = { maxMessageBytes: 70_000, maxPatchBytes: 1_000, maxFailureBytes: 1_000 };
  const refusal = {
    code: "DEFINITION_INVALID",
    message: expect.stringMatching(/^workflow "large": takes \d+ bytes .* at most 70000; .*--max-message-bytes \d+/),
  };

  it("is told to who brings it, and nothing else hears of it", async () => {
    const go = signal();
    serve({ a: () => go.fired });
    const fake = await scheduler.welcomed({ limits });
    fake.lease("one", "a");
    await fake.settled();
    await expect(host.bring(large)).rejects.toMatchObject(refusal);
    await expect(host.bring(large)).rejects.toMatchObject(refusal);
    go.fire();
    await fake.next("complete");
    expect(fake.kinds()).not.toContain("register");
    expect(losses).toEqual([]);
  });

  it("is told when the limit is heard, if it came while no connection stood", async () => {
    serve({ a: () => {} });
    const fake = await scheduler.connection();
    const brought = host.bring(large);
    fake.welcome({ limits });
    await expect(brought).rejects.toMatchObject(refusal);
    await fake.settled();
    expect(fake.kinds()).not.toContain("register");
  });

  it("ends a host that was to serve it from the start, whose Hello goes without it", async () => {
    serve({ a: () => {} });
    host.register(large).register(largeWorkflow("larger"));
    const ready = host.ready();
    (await scheduler.connection()).fail(status.RESOURCE_EXHAUSTED, "larger than max", "RESOURCE_EXHAUSTED");
    const fake = await scheduler.welcomed({ limits });
    expect(fake.hello?.definitions.map(({ name }) => name)).toEqual(["work"]);
    const both = expect.stringMatching(/^host "host": 2 problems\n- workflow "large": .*\n- workflow "larger": /);
    await expect(ended).rejects.toMatchObject({ code: "DEFINITION_INVALID", message: both });
    await expect(ready).rejects.toMatchObject({ message: both });
  });

  it("is registered after the Hello where only that was too large for it", async () => {
    serve({ a: () => {} });
    const brought = host.bring(large);
    (await scheduler.connection()).fail(status.RESOURCE_EXHAUSTED, "larger than max", "RESOURCE_EXHAUSTED");
    const fake = await scheduler.welcomed();
    const { seq } = await fake.next("register");
    fake.say({ case: "registered", value: { seq, workflows: [{ name: "large", version: "v1" }] } });
    expect(await brought).toBe("v1");
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
      warn: (message: string) => void warnings.push(message),
    };
    host = new Host({ url: `grpc://${scheduler.address}`, hostId: "host", log });
    ended = host.run({ handleSignals: false });
    const fake = await scheduler.welcomed();
    await host.ready();
    expect(warnings).toEqual(["host_without_tasks"]);
    fake.end();
    await scheduler.welcomed();
    await connectedTwice.fired;
    await host.ready();
    expect(warnings).toEqual(["host_without_tasks", "host_disconnected"]);
  });
});

describe("a drain (P12)", () => {
  it("finishes what runs, hands back what waits, and ends once all has its receipt", async () => {
    const go = signal();
    serve(
      { runs: () => go.fired, waits: async (_context, handle) => void (await handle?.deferUntil(() => false, 60_000)) },
      0,
    );
    const fake = await scheduler.welcomed();
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
    serve({ waits: async (_context, handle) => void (await handle?.deferUntil(() => false, 60_000)) });
    const fake = await scheduler.welcomed();
    fake.lease("waits", "waits");
    await fake.next("deferUntil");
    fake.say({ case: "deferred", value: { leaseId: "waits", deferral: 1 } });
    fake.say({ case: "drain", value: { graceMs: 1, reason: "by an operator" } });
    expect((await fake.next("drain")).value.reason).toBe("by an operator");
    await fake.next("decline");
    await ended;
  });
});

describe("a Hello that is long (P1)", () => {
  it("comes in chunks, and has everything in it", async () => {
    const ids = Array.from({ length: 12_000 }, (_, n) => [`${"t".repeat(60)}${n}`, () => {}] as const);
    serve({});
    for (const name of ["one", "two", "three"]) host.register(plainWorkflow(name, Object.fromEntries(ids)));
    const fake = await scheduler.connection();
    const names = fake.hello?.definitions.map(({ name, tasks }) => [name, tasks.length]);
    expect(names).toEqual([
      ["work", 0],
      ["one", 12_000],
      ["two", 12_000],
      ["three", 12_000],
    ]);
    expect(fake.chunks).toBe(3);
    expect(fake.hello?.implementations).toHaveLength(4);
  });
});
