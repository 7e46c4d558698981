/** Whatever bytes arrive, the scheduler answers or refuses them, keeps its books, and goes on for everybody else. */
import { connect } from "node:net";
import { create, type DescMethod, type DescService, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import {
  HostAdminService,
  HostEventSchema,
  HostService,
  RunService,
  WorkflowService,
  WorkRequestSchema,
} from "@cloaca/protocol";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "../start-server.js";

const SERVICES: readonly DescService[] = [HostService, WorkflowService, RunService, HostAdminService];
const UNARY = SERVICES.flatMap((service) => service.methods.filter((m) => m.methodKind === "unary"));
const identity = (bytes: Buffer): Buffer => bytes;

let server: RunningServer;
let client: Client;
const errors: string[] = [];

beforeAll(async () => {
  const log = {
    info() {},
    warn() {},
    error: (event: string, fields: object) => errors.push(event + JSON.stringify(fields)),
  };
  const limits = { helloTimeoutMs: 200 };
  server = await startServer({ address: "127.0.0.1:0", store: "memory:", limits, log, checkBooks: true });
  client = new Client(server.address, credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await server.stop();
  expect(errors).toEqual([]);
});

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Calls a method with bytes; resolves with the status. */
function callRaw(method: DescMethod, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve) => {
    const deadline = Date.now() + 20_000;
    client.makeUnaryRequest(
      pathOf(method),
      identity,
      identity,
      Buffer.from(bytes),
      { deadline },
      (error: ServiceError | null) => resolve(error?.code ?? status.OK),
    );
  });
}

/** Writes messages into a stream of its own; resolves with the status. */
function streamRaw(messages: readonly Uint8Array[]): Promise<number> {
  return new Promise((resolve) => {
    const stream = client.makeBidiStreamRequest(pathOf(HostService.method.work), identity, identity);
    stream.on("data", () => {});
    stream.on("error", () => {});
    stream.on("status", ({ code }: { code: number }) => resolve(code));
    for (const bytes of messages) stream.write(Buffer.from(bytes));
    stream.end();
  });
}

async function expectAlive(): Promise<void> {
  expect(await callRaw(WorkflowService.method.listWorkflows, new Uint8Array())).toBe(status.OK);
  expect(await server.scheduler.store.check()).toEqual([]);
}

const text = fc.oneof(
  fc.constantFrom("", "w", "a", "default", "h", "r1.0.1", "1", "null", '{"a":1}', "__proto__"),
  fc.string({ unit: "binary", maxLength: 40 }),
);

/** A random message of a type: every field may be there, with a value of its type. */
function messageOf(desc: DescMethod["input"], depth = 0): fc.Arbitrary<Message> {
  const fields = desc.fields.map((field): fc.Arbitrary<[string, unknown] | null> => {
    const value = ((): fc.Arbitrary<unknown> => {
      switch (field.fieldKind) {
        case "scalar":
          return scalar(field.scalar);
        case "enum":
          return fc.constantFrom(...field.enum.values.map((v) => v.number), 77);
        case "message":
          return depth > 2 ? fc.constant(create(field.message)) : messageOf(field.message, depth + 1);
        case "list": {
          const item =
            field.listKind === "message"
              ? messageOf(field.message, depth + 1)
              : field.listKind === "enum"
                ? fc.constantFrom(...field.enum.values.map((v) => v.number))
                : scalar(field.scalar);
          return fc.array(item, { maxLength: 3 });
        }
        case "map":
          return fc.dictionary(text, field.mapKind === "scalar" ? scalar(field.scalar) : fc.constant(undefined), {
            maxKeys: 3,
          });
      }
    })();
    return fc.option(
      value.map((v): [string, unknown] => [
        field.oneof === undefined ? field.localName : `oneof:${field.oneof.localName}:${field.localName}`,
        v,
      ]),
      { freq: 3 },
    );
  });
  return fc.tuple(...fields).map((found) => {
    const init: Record<string, unknown> = {};
    for (const entry of found) {
      if (entry === null) continue;
      const [name, value] = entry;
      const [kind, oneof, member] = name.split(":");
      if (kind === "oneof" && oneof !== undefined) init[oneof] = { case: member, value };
      else init[name] = value;
    }
    return create(desc, init);
  });
}

function scalar(type: number): fc.Arbitrary<unknown> {
  switch (type) {
    case 8:
      return fc.boolean();
    case 9:
      return text;
    case 3:
    case 18:
      return fc.bigInt({ min: -5n, max: 2n ** 63n - 1n });
    case 4:
      return fc.oneof(fc.bigInt({ min: 0n, max: 5n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    case 5:
    case 17:
      return fc.integer();
    case 13:
      // Waits of a minute would only make the test long.
      return fc.oneof(fc.nat({ max: 3 }), fc.constantFrom(60_001, 0xffff_ffff));
    default:
      throw new Error(`no values for the scalar type ${type}`);
  }
}

/** Bytes that are nearly right. */
function spoiled(bytes: Uint8Array, at: number, by: number): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  if (copy.length > 0) copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ by;
  return copy;
}

const spoil = fc.option(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { nil: null });

describe("hostile input", () => {
  it.each(UNARY.map((method) => [`${method.parent.name}.${method.name}`, method] as const))(
    "%s answers random messages and spoiled bytes with a status",
    { timeout: 60_000 },
    async (_name, method) => {
      await fc.assert(
        fc.asyncProperty(messageOf(method.input), spoil, async (message, change) => {
          const bytes = toBinary(method.input, message);
          const sent = change === null ? bytes : spoiled(bytes, ...change);
          const code = await callRaw(method, sent);
          expect([status.INTERNAL, status.UNKNOWN]).not.toContain(code);
        }),
        { numRuns: 60 },
      );
      await expectAlive();
    },
  );

  it("a stream takes any events after a good Hello, and ends with a status", { timeout: 60_000 }, async () => {
    let instances = 0;
    const events = fc.array(messageOf(HostEventSchema), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(events, fc.boolean(), fc.boolean(), spoil, async (random, hello, number, change) => {
        const first = create(HostEventSchema, {
          event: {
            case: "hello",
            value: {
              protocolMin: 1,
              protocolMax: 1,
              hostId: `h${++instances}`,
              instanceId: `instance-${instances}`,
              slots: 1,
              definitions: [{ name: "w", tasks: [{ id: "a" }] }],
              implementations: [{ workflow: "w" }],
            },
          },
        });
        const numbered = random.map((event, index) =>
          number ? Object.assign(event, { seq: BigInt(index + 1) }) : event,
        );
        const all = (hello ? [first, ...numbered] : numbered) as (typeof first)[];
        const messages = all.map((event) =>
          toBinary(WorkRequestSchema, create(WorkRequestSchema, { events: [event] })),
        );
        const last = messages.at(-1);
        if (change !== null && last !== undefined) messages.push(spoiled(last, ...change));
        const code = await streamRaw(messages);
        expect([status.INTERNAL, status.UNKNOWN]).not.toContain(code);
      }),
      { numRuns: 150 },
    );
    await expectAlive();
  });

  it("bytes that are not HTTP/2 harm nobody", async () => {
    const [host = "", port = ""] = server.address.split(":");
    for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "\0".repeat(1_000), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense"]) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), host, () => socket.end(bytes));
        socket.on("error", () => {});
        socket.on("close", () => resolve());
        socket.resume();
      });
    }
    await expectAlive();
  });

  it("a message over the limit is refused, on its call alone", async () => {
    const large = toBinary(
      WorkflowService.method.registerWorkflow.input,
      create(WorkflowService.method.registerWorkflow.input, {
        definition: { name: "w", description: "x".repeat(5 * 1024 * 1024), tasks: [{ id: "a" }] },
      }),
    );
    expect(fromBinary(WorkflowService.method.registerWorkflow.input, large).definition?.name).toBe("w");
    expect(await callRaw(WorkflowService.method.registerWorkflow, large)).toBe(status.RESOURCE_EXHAUSTED);
    await expectAlive();
  });
});
