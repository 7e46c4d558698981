import { toBinary } from "@bufbuild/protobuf";
import { WorkRequestSchema } from "@cloaca/protocol";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeScheduler } from "../fakes/fake-scheduler.js";
import { signal } from "../fakes/signal.js";
import type { HostSays } from "../protocol/words.js";
import { CodeBook } from "./code-book.js";
import { HostConnection, type Outcome } from "./connection.js";
import { QUIET } from "./host-log.js";
import { HostSession } from "./session.js";

let scheduler: FakeScheduler;
let session: HostSession;
const drained = signal<[number, string]>();

beforeEach(async () => {
  scheduler = await FakeScheduler.start();
  const code = new CodeBook();
  session = new HostSession({
    namespace: "",
    hostId: "host",
    instanceId: "instance",
    buildId: "",
    slots: 1,
    maxLeases: 0,
    labels: {},
    log: QUIET,
    offer: (maxMessageBytes) => code.offer(maxMessageBytes),
    find: () => null,
    registered: () => {},
    changed: () => {},
  });
});

afterEach(() => scheduler.stop());

function connect(welcomeTimeoutMs = 60_000, url = `grpc://${scheduler.address}`): HostConnection {
  const drain = (graceMs: number, reason: string): void => drained.fire([graceMs, reason]);
  return new HostConnection(url, session, { welcomed: () => {}, drain }, welcomeTimeoutMs);
}

describe("the end of a connection", () => {
  it("is a drain when the host was done and the scheduler ended the stream", async () => {
    const connection = connect();
    const fake = await scheduler.welcomed();
    await fake.settled();
    connection.finish();
    connection.finish();
    expect(await connection.outcome).toEqual({ type: "drained" });
  });

  it("is a reason to try again when the scheduler ended the stream by itself", async () => {
    const connection = connect();
    (await scheduler.welcomed()).end();
    expect(await connection.outcome).toMatchObject({ type: "retryable", error: null, afterMs: null, address: null });
  });

  it("is a reason to try again when the sockets break", async () => {
    const connection = connect();
    await (await scheduler.welcomed()).settled();
    scheduler.proxy.reset();
    expect(await connection.outcome).toMatchObject({ type: "retryable", error: { code: "CONNECTION_FAILED" } });
  });

  it("is a reason to try again when nobody is there", async () => {
    const { address } = scheduler;
    scheduler.stop();
    const { outcome } = connect(60_000, `grpc://${address}`);
    expect(await outcome).toMatchObject({ type: "retryable", error: { code: "CONNECTION_FAILED" }, afterMs: null });
    scheduler = await FakeScheduler.start();
  });

  it("comes when no Welcome does", async () => {
    const { outcome } = connect(1);
    expect(await outcome).toMatchObject({
      type: "retryable",
      error: { message: expect.stringContaining("no Welcome") },
    });
  });

  it.each([
    [status.INVALID_ARGUMENT, "DEFINITION_INVALID"],
    [status.INVALID_ARGUMENT, "REQUEST_INVALID"],
    [status.FAILED_PRECONDITION, "PROTOCOL_VERSION_UNSUPPORTED"],
    [status.UNAUTHENTICATED, "UNAUTHENTICATED"],
    [status.UNIMPLEMENTED, "UNIMPLEMENTED"],
  ])("is final for the status %i with the code %s", async (code, ownCode) => {
    const { outcome } = connect();
    (await scheduler.connection()).fail(code, "no", ownCode);
    expect(await outcome).toMatchObject({ type: "fatal", error: { code: ownCode, message: "no" } });
  });

  it.each([
    [status.ALREADY_EXISTS, "HOST_ID_TAKEN"],
    [status.INTERNAL, "INTERNAL"],
    [status.RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED"],
  ])("is not final for the status %i with the code %s", async (code, ownCode) => {
    const { outcome } = connect();
    (await scheduler.connection()).fail(code, "not now", ownCode);
    expect(await outcome).toMatchObject({ type: "retryable", error: { code: ownCode }, afterMs: null });
  });

  it.each<[string, HostSays]>([
    ["no event", { type: "fail", leaseId: "l", failure: null as never, transient: false, final: true }],
    ["no message", { type: "stopped", leaseId: 5 as never }],
  ])("is final when something that the host has to say is %s", async (_name, event) => {
    const connection = connect();
    await (await scheduler.welcomed()).settled();
    session.say(event);
    const message = expect.stringContaining("the host has to say what is no message: ");
    expect(await connection.outcome).toMatchObject({ type: "fatal", error: { code: "MESSAGE_UNWRITABLE", message } });
  });

  it("is the one that the host itself gives it, for good", async () => {
    const connection = connect();
    await scheduler.welcomed();
    const error = new Error("enough");
    connection.refuse(error);
    expect(await connection.outcome).toEqual({ type: "fatal", error });
  });

  it("tells when to try again, when the scheduler said so", async () => {
    const { outcome } = connect();
    (await scheduler.connection()).fail(status.UNAVAILABLE, "busy", "STORE_FAILED", 250);
    expect(await outcome).toMatchObject({ type: "retryable", error: { code: "STORE_FAILED" }, afterMs: 250 });
  });

  it("makes the session forget a token that is not taken", async () => {
    const first = connect();
    (await scheduler.welcomed()).end();
    await first.outcome;
    const second = connect();
    const refusing = await scheduler.connection();
    expect(refusing.hello?.resumeToken).toBe("secret");
    refusing.fail(status.NOT_FOUND, "who?", "RESUME_TOKEN_INVALID");
    expect(await second.outcome).toMatchObject({ type: "retryable" });
    connect().outcome.catch(() => {});
    expect((await scheduler.connection()).hello?.resumeToken).toBe("");
  });
});

it("makes no message larger than the Welcome allows, whatever is ready at once (P10)", async () => {
  const connection = connect();
  const fake = await scheduler.connection();
  const sizes: number[] = [];
  fake.call.on("data", (request) => sizes.push(toBinary(WorkRequestSchema, request).length));
  fake.welcome({ limits: { maxMessageBytes: 65_536, maxPatchBytes: 1_000, maxFailureBytes: 16_384 } });
  await fake.settled();
  const failure = { code: "C", type: "Error", message: "m", stack: "s".repeat(5_000) };
  for (let n = 0; n < 50; n++) session.say({ type: "fail", leaseId: `l${n}`, failure, transient: false, final: true });
  for (let n = 0; n < 50; n++) await fake.next("fail");
  expect(Math.max(...sizes)).toBeGreaterThan(10_000);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(65_536);
  connection.cancel();
  await connection.outcome;
});

describe("a scheduler that goes away (P12)", () => {
  const drain = { graceMs: 0, reason: "it goes", reconnect: true, reconnectAfterMs: 20 };

  async function outcomeOf(address: string, url?: string): Promise<Outcome> {
    const { outcome } = connect(60_000, url);
    const fake = await scheduler.welcomed();
    fake.say({ case: "drain", value: { ...drain, address } });
    fake.end();
    return outcome;
  }

  it("says when to come again", async () => {
    expect(await outcomeOf("")).toMatchObject({ type: "retryable", error: null, afterMs: 20, address: null });
  });

  it("says where to, and cannot talk a host out of its protection", async () => {
    expect(await outcomeOf("127.0.0.1:7")).toMatchObject({ afterMs: 20, address: "grpc://127.0.0.1:7" });
    expect(await outcomeOf("grpcs://127.0.0.1:7")).toMatchObject({ address: "grpc://127.0.0.1:7" });
  });

  it("is not followed to what is no address", async () => {
    expect(await outcomeOf("the other one")).toMatchObject({ afterMs: 20, address: null });
  });

  it("is another thing than one that sends the host to drain", async () => {
    const connection = connect();
    const fake = await scheduler.welcomed();
    fake.say({ case: "drain", value: { graceMs: 7, reason: "by an operator" } });
    expect(await drained.fired).toEqual([7, "by an operator"]);
    connection.cancel();
    await connection.outcome;
  });
});

describe("life (P5)", () => {
  it("is shown by heartbeats, and heard from whatever comes: the connection stays", async () => {
    const connection = connect();
    const fake = await scheduler.welcomed({ ttlMs: 60_000, heartbeatIntervalMs: 1 });
    for (let n = 0; n < 3; n++) await fake.heartbeat();
    connection.cancel();
    await connection.outcome;
  });

  it("that is not heard for a TTL ends a connection which no socket has ended", async () => {
    const { outcome } = connect();
    const fake = await scheduler.welcomed({ ttlMs: 100, heartbeatIntervalMs: 10 });
    await fake.heartbeat();
    scheduler.proxy.freeze();
    const why = { message: expect.stringContaining("nothing was heard for the session's TTL") };
    expect(await outcome).toMatchObject({ type: "retryable", error: why });
    expect(session.isIdle).toBe(true);
  });
});
