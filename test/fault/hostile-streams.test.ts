/** Streams that hold something and give nothing: each has its bound, and nobody else notices. */
import { create, toBinary } from "@bufbuild/protobuf";
import { HostService, RunService, WorkRequestSchema } from "@cloaca/protocol";
import { type ClientDuplexStream, credentials, Client as GrpcClient, status } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { inForm, isFull, itFully } from "../support/form.js";
import { HostileScene, pathOf } from "../support/hostile-scene.js";
import { Wire, type WireHost } from "../support/wire.js";

let scene: HostileScene;
const wires: Wire[] = [];

beforeAll(async () => {
  scene = await HostileScene.start();
});

afterEach(() => {
  for (const wire of wires.splice(0)) wire.close();
});

afterAll(() => scene.close("odd streams"));

function newHost(): WireHost {
  const wire = new Wire(scene.address);
  wires.push(wire);
  return wire.host();
}

const ONE = { definitions: [{ name: "w", tasks: [{ id: "a" }] }], implementations: [{ workflow: "w" }] };

describe("streams that never say Hello", () => {
  it(`${inForm(1_000, 10_000)} of them`, { timeout: 120_000 }, async () => {
    const count = inForm(1_000, 10_000);
    const same = (bytes: Buffer): Buffer => bytes;
    const clients = Array.from(
      { length: 10 },
      () => new GrpcClient(scene.address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 }),
    );
    const streams: ClientDuplexStream<Buffer, Buffer>[] = [];
    const ended: Promise<number>[] = [];
    for (let n = 0; n < count; n++) {
      const stream = clients[n % clients.length]?.makeBidiStreamRequest(pathOf(HostService.method.work), same, same);
      if (stream === undefined) throw new Error("there is no client");
      stream.on("error", () => {}).on("data", () => {});
      ended.push(new Promise((resolve) => stream.on("status", ({ code }: { code: number }) => resolve(code))));
      streams.push(stream);
    }
    await scene.expectUnharmed();
    // They are ended after ten seconds.
    if (isFull) expect(new Set(await Promise.all(ended))).toEqual(new Set([status.DEADLINE_EXCEEDED]));
    else for (const stream of streams) stream.cancel();
    await scene.expectUnharmed();
    for (const client of clients) client.close();
  });

  it("one whose Hello goes on for ever is refused when it is too long, or too late", { timeout: 60_000 }, async () => {
    const value = {
      protocolMin: 1,
      protocolMax: 1,
      hostId: "endless",
      instanceId: "endless-instance",
      slots: 1,
      more: true,
    };
    const bytesOf = (...events: readonly object[]): Buffer =>
      Buffer.from(toBinary(WorkRequestSchema, create(WorkRequestSchema, { events } as never)));
    // Small chunks are the dearest.
    const heldLeases = [{ leaseId: "r0.0.1", state: 1 }];
    const chunk = { event: { case: "helloChunk", value: { heldLeases, more: true } } };
    const chunks = bytesOf(...new Array(20_000).fill(chunk));
    const same = (bytes: Buffer): Buffer => bytes;
    const stream = scene.grpc.makeBidiStreamRequest(pathOf(HostService.method.work), same, same);
    stream.on("error", () => {}).on("data", () => {});
    let code: number | null = null;
    const ended = new Promise<void>((resolve) => {
      stream.on("status", (end: { code: number }) => {
        code = end.code;
        resolve();
      });
    });
    stream.write(bytesOf({ event: { case: "hello", value } }));
    while (code === null) {
      if (stream.write(chunks)) await new Promise((resolve) => setImmediate(resolve));
      else await Promise.race([new Promise((resolve) => stream.once("drain", resolve)), ended]);
    }
    // A slow one is out of time before.
    expect([status.INVALID_ARGUMENT, status.DEADLINE_EXCEEDED]).toContain(code);
    await scene.expectUnharmed();
  });
});

describe("floods of events", () => {
  it.each<[string, object]>([
    ["heartbeats", { case: "heartbeat", value: { nonce: 1n } }],
    ["results of leases that are not its own", { case: "complete", value: { leaseId: "r0.0.1" } }],
    ["changes of its slots", { case: "setSlots", value: { slots: 3 } }],
    ["registrations that are refused", { case: "register", value: { definitions: [{ name: "", tasks: [] }] } }],
    ["events that nobody knows", { case: undefined }],
  ])("%s: each is answered, and others go on", { timeout: 60_000 }, async (name, event) => {
    const host = newHost();
    await host.hello({ hostId: `flood-${name.length}`, instanceId: "flood-instance" });
    const count = inForm(50, 500);
    const isNumbered = name !== "heartbeats";
    let seq = 0n;
    for (let message = 0; message < count; message++) {
      const events = Array.from({ length: 200 }, () => ({ seq: isNumbered ? ++seq : 0n, event }));
      if (host.stream.write(create(WorkRequestSchema, { events } as never))) continue;
      await new Promise((resolve) => host.stream.once("drain", resolve));
    }
    if (isNumbered) await host.next("receipts", ({ upTo }) => upTo === seq);
    else for (let n = 0; n < count * 200; n++) await host.next("heartbeatAck");
    await scene.expectUnharmed();
  });
});

describe("hosts that acknowledge nothing", () => {
  it("one with 1,000 leases that it never answers keeps nobody else from work", async () => {
    const host = newHost();
    await host.hello({ ...ONE, hostId: "silent", instanceId: "silent-instance", slots: 1_000 });
    const { input } = RunService.method.startRuns;
    const runs = new Array(inForm(200, 1_000)).fill({ workflow: "w" });
    const code = await scene.call(RunService.method.startRuns, toBinary(input, create(input, { runs })));
    expect(code).toBe(status.OK);
    for (let n = 0; n < runs.length; n++) await host.next("lease");
    await scene.expectUnharmed();
  });

  it("an exchange that acknowledges no answer is told the same again, and nothing more", async () => {
    const wire = new Wire(scene.address);
    wires.push(wire);
    const hello = {
      protocolMin: 1,
      protocolMax: 1,
      hostId: "polling",
      instanceId: "polling-instance",
      slots: 100,
      ...ONE,
    };
    const first = await wire.call(HostService.method.exchange, {
      events: [{ event: { case: "hello", value: hello } }],
    });
    const welcome = first.events[0]?.event;
    if (welcome?.case !== "welcome") throw new Error("there was no Welcome");
    const { sessionId, resumeToken } = welcome.value;
    for (let n = 0; n < inForm(200, 5_000); n++) {
      const events = [{ seq: BigInt(n + 1), event: { case: "complete", value: { leaseId: "r0.0.1" } } } as const];
      const again = await wire.call(HostService.method.exchange, { sessionId, resumeToken, events });
      expect([again.responseId, again.events.length]).toEqual([first.responseId, first.events.length]);
    }
    await scene.expectUnharmed();
  });

  itFully(
    "10,000 exchanges that come once and never again",
    async () => {
      const wire = new Wire(scene.address);
      wires.push(wire);
      for (let n = 0; n < 10_000; n += 100) {
        const polls = Array.from({ length: 100 }, (_, i) => {
          const value = {
            protocolMin: 1,
            protocolMax: 1,
            hostId: `once-${n + i}`,
            instanceId: "once-instance",
            slots: 1,
          };
          return wire.call(HostService.method.exchange, { events: [{ event: { case: "hello", value } }] });
        });
        await Promise.all(polls);
      }
      await scene.expectUnharmed();
    },
    300_000,
  );
});
