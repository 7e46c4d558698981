/** Bytes that are no gRPC, no HTTP/2, or more of it than is decent: refused, on their own connection alone. */
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { HostService } from "@cloaca/protocol";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FUZZ_RUNS, FUZZ_SEED, inForm } from "../support/form.js";
import { HostileScene, pathOf, UNARY } from "../support/hostile-scene.js";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** How long a connection is watched that nobody ends. */
const QUIET_MS = 300;
const PATIENCE_MS = inForm(60_000, 1_800_000);

let scene: HostileScene;

beforeAll(async () => {
  scene = await HostileScene.start();
  console.log(`fuzz seed ${FUZZ_SEED}, ${FUZZ_RUNS} inputs for each`);
});

afterAll(() => scene.close("odd bytes"));

/** A frame of HTTP/2; its length may be another than it says. */
function frame(type: number, flags: number, stream: number, payload: Uint8Array, length = payload.length): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Writes bytes into a connection of its own, and waits for its end, or until it has been quiet. */
async function write(...parts: readonly Uint8Array[]): Promise<void> {
  const [host = "", port = ""] = scene.address.split(":");
  const socket = connect(Number(port), host);
  socket.on("error", () => {}).resume();
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  for (const bytes of parts) socket.write(bytes);
  await Promise.race([closed, delay(QUIET_MS)]);
  socket.destroy();
}

describe("bytes that are no HTTP/2", () => {
  it.each<[string, Uint8Array]>([
    ["nothing", Buffer.alloc(0)],
    ["HTTP/1.1", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
    ["zeros", Buffer.alloc(100_000)],
    ["a TLS hello", Buffer.from("16030100c8010000c40303", "hex")],
    ["half of a preface", PREFACE.subarray(0, 10)],
    ["a preface and text", Buffer.concat([PREFACE, Buffer.from("nonsense ".repeat(1_000))])],
    [
      "a frame of 16 MiB that does not come",
      Buffer.concat([PREFACE, frame(4, 0, 0, Buffer.alloc(0)), frame(0, 0, 1, Buffer.alloc(10), 0xffffff)]),
    ],
  ])("%s", async (_name, bytes) => {
    await write(bytes);
    await scene.expectUnharmed();
  });

  it("random frames after a good preface", { timeout: PATIENCE_MS }, async () => {
    const odd = fc.record({
      type: fc.oneof(fc.nat({ max: 10 }), fc.nat({ max: 255 })),
      flags: fc.nat({ max: 255 }),
      stream: fc.oneof(fc.constantFrom(0, 1, 3, 0x7fffffff, 0xffffffff), fc.nat({ max: 20 })),
      payload: fc.uint8Array({ maxLength: 200 }),
      length: fc.option(fc.nat({ max: 0xffffff }), { nil: undefined, freq: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(odd, { minLength: 1, maxLength: 20 }), async (frames) => {
        const settings = frame(4, 0, 0, Buffer.alloc(0));
        await write(PREFACE, settings, ...frames.map((f) => frame(f.type, f.flags, f.stream, f.payload, f.length)));
      }),
      { seed: FUZZ_SEED, numRuns: FUZZ_RUNS },
    );
    await scene.expectUnharmed();
  });
});

/** Runs something with an HTTP/2 session of its own. */
async function withSession(act: (session: ClientHttp2Session) => Promise<void>): Promise<void> {
  const session = connectHttp2(`http://${scene.address}`);
  session.on("error", () => {});
  try {
    await act(session);
  } finally {
    session.destroy();
  }
}

/** Sends the body of a call; resolves with its gRPC status, or its HTTP status where it has none, or "reset". */
function callRaw(
  session: ClientHttp2Session,
  headers: Record<string, string>,
  body: Uint8Array,
  quietMs = QUIET_MS,
): Promise<number | string> {
  const plain = { ":method": "POST", "content-type": "application/grpc+proto", te: "trailers" };
  const stream = session.request({ ...plain, ...headers });
  return new Promise((resolve) => {
    let found: number | string = "reset";
    const read = (headers: Record<string, unknown>): void => {
      const grpc = headers["grpc-status"];
      if (grpc !== undefined) found = Number(grpc);
      else if (headers[":status"] !== undefined && headers[":status"] !== 200) found = `HTTP ${headers[":status"]}`;
    };
    stream.on("response", read).on("trailers", read);
    stream.on("error", () => {});
    stream.on("close", () => resolve(found));
    stream.resume();
    stream.end(body);
    // Who announces more than comes waits, as a slow sender would.
    stream.setTimeout(quietMs, () => stream.close(constants.NGHTTP2_CANCEL));
  });
}

function grpcFrame(payload: Uint8Array, { flag = 0, length = payload.length } = {}): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, payload]);
}

describe("bytes that are no gRPC", () => {
  const path = pathOf(HostService.method.keepAlive);

  // Framing is grpc-js's own, which calls some of what is broken there INTERNAL, as gRPC has it. Behind it nothing is.
  it.each<[string, Record<string, string>, Uint8Array, number | string]>([
    ["no message", {}, Buffer.alloc(0), status.UNIMPLEMENTED],
    ["a length that is too long for what comes", {}, grpcFrame(Buffer.alloc(3), { length: 10 }), status.UNIMPLEMENTED],
    ["a length of 4 GiB", {}, grpcFrame(Buffer.alloc(100), { length: 0xffff_ffff }), status.RESOURCE_EXHAUSTED],
    ["half of a length", {}, Buffer.from([0, 0, 0]), status.UNIMPLEMENTED],
    ["a compression that nobody has named", {}, grpcFrame(Buffer.alloc(3), { flag: 1 }), status.INVALID_ARGUMENT],
    ["a flag that does not exist", {}, grpcFrame(Buffer.alloc(3), { flag: 77 }), status.INVALID_ARGUMENT],
    [
      "an unknown compression",
      { "grpc-encoding": "br" },
      grpcFrame(Buffer.alloc(3), { flag: 1 }),
      status.UNIMPLEMENTED,
    ],
    ["gzip that is none", { "grpc-encoding": "gzip" }, grpcFrame(Buffer.from("no"), { flag: 1 }), status.INTERNAL],
    ["an unknown method", { ":path": "/cloaca.v1.HostService/No" }, grpcFrame(Buffer.alloc(0)), status.UNIMPLEMENTED],
    ["another content type", { "content-type": "text/html" }, Buffer.from("<html>"), "HTTP 415"],
    ["GET", { ":method": "GET" }, Buffer.alloc(0), status.UNIMPLEMENTED],
    ["a deadline that is none", { "grpc-timeout": "soon" }, grpcFrame(Buffer.alloc(0)), status.INTERNAL],
    ["metadata that is no base 64", { "x-bin": "%%%" }, grpcFrame(Buffer.alloc(0)), status.NOT_FOUND],
  ])("%s", async (_name, headers, body, expected) => {
    await withSession(async (session) => {
      expect(await callRaw(session, { ":path": path, ...headers }, body)).toBe(expected);
    });
    await scene.expectUnharmed();
  });

  it("a gzip of 1 GiB of zeros is refused before it is large", async () => {
    const bomb = gzipSync(Buffer.alloc(inForm(100, 1_000) * 1024 * 1024));
    await withSession(async (session) => {
      const headers = { ":path": path, "grpc-encoding": "gzip" };
      const code = await callRaw(session, headers, grpcFrame(bomb, { flag: 1 }), 10_000);
      expect(code).toBe(status.RESOURCE_EXHAUSTED);
    });
    await scene.expectUnharmed();
  });

  it("random frames in every method", { timeout: PATIENCE_MS }, async () => {
    const methods = [...UNARY, HostService.method.work].map(pathOf);
    const input = fc.record({
      path: fc.constantFrom(...methods),
      flag: fc.constantFrom(0, 0, 0, 1, 2, 255),
      payload: fc.uint8Array({ maxLength: 100 }),
      length: fc.option(fc.constantFrom(0, 1, 50, 0xffff, 0xffff_ffff), { nil: null, freq: 2 }),
      times: fc.integer({ min: 1, max: 3 }),
    });
    await withSession(async (session) => {
      await fc.assert(
        fc.asyncProperty(input, async ({ path, flag, payload, length, times }) => {
          const one = grpcFrame(payload, { flag, ...(length === null ? {} : { length }) });
          const code = await callRaw(session, { ":path": path }, Buffer.concat(new Array(times).fill(one)));
          expect([status.UNKNOWN, status.INTERNAL]).not.toContain(code);
        }),
        { seed: FUZZ_SEED, numRuns: FUZZ_RUNS },
      );
    });
    await scene.expectUnharmed();
  });
});

describe("floods of frames", () => {
  const some = inForm(5_000, 100_000);

  it.each<[string, () => Buffer]>([
    ["PING", () => frame(6, 0, 0, Buffer.alloc(8))],
    ["SETTINGS", () => frame(4, 0, 0, Buffer.from("000300000064", "hex"))],
    ["WINDOW_UPDATE", () => frame(8, 0, 0, Buffer.from("00000001", "hex"))],
    ["PRIORITY", () => frame(2, 0, 1, Buffer.from("0000000010", "hex"))],
    ["CONTINUATION of headers that never end", () => frame(9, 0, 1, Buffer.alloc(100, 0x82))],
    ["empty DATA", () => frame(0, 0, 1, Buffer.alloc(0))],
  ])("%s", async (name, make) => {
    const opening = name.startsWith("CONTINUATION") ? [frame(1, 0, 1, Buffer.from([0x83]))] : [];
    await write(
      PREFACE,
      frame(4, 0, 0, Buffer.alloc(0)),
      ...opening,
      Buffer.concat(Array.from({ length: some }, make)),
    );
    await scene.expectUnharmed();
  });

  it("calls that are opened and reset at once", async () => {
    await withSession(async (session) => {
      for (let n = 0; n < some && !session.destroyed; n++) {
        const stream = session.request({
          ":method": "POST",
          ":path": pathOf(HostService.method.work),
          "content-type": "application/grpc",
        });
        stream.on("error", () => {});
        stream.close(constants.NGHTTP2_CANCEL);
        if (n % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    });
    await scene.expectUnharmed();
  });
});
