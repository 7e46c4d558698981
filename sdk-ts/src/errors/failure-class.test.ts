import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import vm from "node:vm";
import { Metadata, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { failureClass } from "./failure-class.js";
import {
  CancelledError,
  ConnectionError,
  ContextTooLargeError,
  DeferralNotAwaitedError,
  DeferTimeoutError,
  ErrorRecord,
  HandleConsumedError,
  isTransient,
  PermanentError,
  RemoteError,
  SlotsClosedError,
  TaskResultInvalidError,
  TaskTimeoutError,
  TransientError,
} from "./index.js";

const NOW = Date.parse("2026-11-24T12:00:00Z");

/** An error with properties, as libraries make them. */
function error(properties: object, cause?: unknown): Error {
  return Object.assign(new Error("text says nothing", cause === undefined ? {} : { cause }), properties);
}

/** As grpc-js makes them. */
function grpcError(code: number): Error {
  return error({ code, details: "text", metadata: new Metadata() });
}

/** As connect makes them. */
function connectError(code: number): Error {
  return error({ name: "ConnectError", code, rawMessage: "text", metadata: new Headers(), details: [] });
}

const permanent = new PermanentError("never");
const transient = error({ code: "ECONNRESET" });

describe("isTransient", () => {
  it.each([
    "ETIMEDOUT",
    "ECONNRESET",
    "ECONNREFUSED",
    "EPIPE",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "EAI_AGAIN",
    "ENOTFOUND",
    "UND_ERR_CONNECT_TIMEOUT",
    "UND_ERR_HEADERS_TIMEOUT",
    "UND_ERR_BODY_TIMEOUT",
    "UND_ERR_SOCKET",
  ])("holds for the code %s", (code) => {
    expect(isTransient(error({ code }))).toBe(true);
  });

  it.each(["ENOENT", "EACCES", "ERR_INVALID_ARG_TYPE", "ABORT_ERR", "", "econnreset", 14, 110, null])(
    "does not for the code %j",
    (code) => {
      expect(isTransient(error({ code }))).toBe(false);
    },
  );

  it.each([
    [408, true],
    [429, true],
    [500, true],
    [502, true],
    [503, true],
    [504, true],
    [599, true],
    [501, false],
    [505, false],
    [400, false],
    [404, false],
    [409, false],
    [200, false],
    [600, false],
    [1, false],
    [503.5, false],
    ["503", false],
  ])("by HTTP status %j is %s", (code, expected) => {
    for (const thrown of [
      error({ status: code }),
      error({ statusCode: code }),
      error({ response: { status: code } }),
      error({ response: { statusCode: code } }),
    ]) {
      expect(isTransient(thrown)).toBe(expected);
    }
  });

  it("looks at a response that was thrown, and at the response before the request", () => {
    expect(isTransient(new Response(null, { status: 503 }))).toBe(true);
    expect(isTransient(new Response(null, { status: 404 }))).toBe(false);
    expect(isTransient(error({ status: 404, response: { status: 503 } }))).toBe(true);
  });

  it.each(Object.entries(status).filter(([, code]) => typeof code === "number"))("by gRPC status %s", (name, code) => {
    const expected = ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "ABORTED"].includes(name);
    expect(isTransient(grpcError(Number(code)))).toBe(expected);
    expect(isTransient(connectError(Number(code)))).toBe(expected);
    expect(isTransient(new RemoteError("X", "x", { status: name }))).toBe(expected);
    // The same number without what makes it a status.
    expect(isTransient(error({ code }))).toBe(false);
  });

  it("does not take the numbers of DOMExceptions for statuses", () => {
    expect(new DOMException("x", "NotFoundError").code).toBe(status.RESOURCE_EXHAUSTED);
    expect(isTransient(new DOMException("x", "NotFoundError"))).toBe(false);
    expect(isTransient(new DOMException("x", "AbortError"))).toBe(false);
    expect(isTransient(new DOMException("x", "TimeoutError"))).toBe(true);
  });

  it.each<[string, unknown, boolean]>([
    ["a TransientError", new TransientError("x"), true],
    ["a subclass of it", new (class Mine extends TransientError {})("x"), true],
    ["a ConnectionError", new ConnectionError("grpc://x:1", "refused"), true],
    ["a DeferTimeoutError", new DeferTimeoutError(5), true],
    ["a SlotsClosedError", new SlotsClosedError(), true],
    ["a TaskTimeoutError", new TaskTimeoutError("slow"), true],
    ["a PermanentError", permanent, false],
    ["a CancelledError", new CancelledError("TIMEOUT"), false],
    ["a HandleConsumedError", new HandleConsumedError("deferUntil", "task_ended"), false],
    ["what says so in words alone", new Error("ETIMEDOUT: timeout, connection reset, 503"), false],
    ["text", "ETIMEDOUT", false],
    ["nothing", undefined, false],
    ["null", null, false],
    ["a number", 503, false],
    ["an object", { code: "ETIMEDOUT" }, true],
    ["a record", ErrorRecord.from(transient), true],
    ["a record of text", ErrorRecord.from("ETIMEDOUT"), false],
  ])("of %s", (_name, thrown, expected) => {
    expect(isTransient(thrown)).toBe(expected);
  });

  it("looks at causes, where an error itself says nothing", () => {
    expect(isTransient(new TypeError("fetch failed", { cause: transient }))).toBe(true);
    expect(isTransient(new Error("a", { cause: new Error("b", { cause: grpcError(14) }) }))).toBe(true);
    expect(isTransient(error({ code: "MINE" }, transient))).toBe(true);
    // A status, or a code, that says something else is the answer.
    expect(isTransient(error({ status: 404 }, transient))).toBe(false);
    expect(isTransient(new RemoteError("X", "x", { status: "NOT_FOUND" }, { cause: transient }))).toBe(false);
    expect(isTransient(connectError(status.INTERNAL))).toBe(false);
    expect(isTransient(Object.assign(connectError(status.INTERNAL), { cause: transient }))).toBe(true);
  });

  it("looks at all errors of an AggregateError", () => {
    expect(isTransient(new AggregateError([new Error("x"), error({ status: 404 }), transient]))).toBe(true);
    expect(isTransient(new AggregateError([new Error("x"), error({ status: 404 })]))).toBe(false);
    expect(isTransient(new AggregateError([transient, permanent]))).toBe(false);
    expect(isTransient(error({ errors: [transient] }))).toBe(false);
    expect(isTransient(error({ name: "AggregateError", errors: [transient] }))).toBe(true);
    const foreign: unknown = vm.runInNewContext('new AggregateError([Object.assign(new Error(), { code: "EPIPE" })])');
    expect(isTransient(foreign)).toBe(true);
  });

  it("ends in a circle, and where there is no end", () => {
    const [one, two] = [new Error("1"), new Error("2")];
    one.cause = two;
    two.cause = one;
    expect(isTransient(one)).toBe(false);
    const aggregate = new AggregateError([one]);
    aggregate.errors.push(aggregate, transient);
    expect(isTransient(aggregate)).toBe(true);
    let long = new Error("last", { cause: transient });
    for (let n = 0; n < 100_000; n++) long = new Error("next", { cause: long });
    expect(isTransient(long)).toBe(false);
    const endless = {
      get cause(): unknown {
        return Object.create(endless);
      },
    };
    expect(isTransient(endless)).toBe(false);
  });

  it("does not throw where reading does", () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error("no");
        },
        has: () => {
          throw new Error("no");
        },
        getPrototypeOf: () => {
          throw new Error("no");
        },
      },
    );
    expect(isTransient(hostile)).toBe(false);
    expect(isTransient(new Error("x", { cause: hostile }))).toBe(false);
    expect(failureClass(error({ headers: hostile }), NOW)).toEqual({ isTransient: false, isFinal: false });
  });
});

describe("isTransient of what is really thrown", () => {
  const server = createServer((request, response) => {
    if (request.url === "/hang") return;
    if (request.url === "/cut") request.socket.destroy();
    else response.writeHead(503, { "retry-after": "7" }).end();
  });
  let url = "";

  beforeAll(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });

  const thrownBy = async (call: () => Promise<unknown>): Promise<unknown> => {
    try {
      await call();
    } catch (thrown) {
      return thrown;
    }
    throw new Error("nothing was thrown");
  };

  it("by fetch, when the connection breaks or is refused", async () => {
    expect(isTransient(await thrownBy(() => fetch(`${url}/cut`)))).toBe(true);
    const refusing = createServer().listen(0, "127.0.0.1");
    await once(refusing, "listening");
    const { port } = refusing.address() as AddressInfo;
    refusing.close();
    await once(refusing, "close");
    expect(isTransient(await thrownBy(() => fetch(`http://127.0.0.1:${port}`)))).toBe(true);
    // Happy eyeballs: an AggregateError in a TypeError.
    expect(isTransient(await thrownBy(() => fetch(`http://localhost:${port}`)))).toBe(true);
  });

  it("by fetch, when its signal's time is over", async () => {
    const thrown = await thrownBy(() => fetch(`${url}/hang`, { signal: AbortSignal.timeout(1) }));
    expect(thrown).toMatchObject({ name: "TimeoutError" });
    expect(isTransient(thrown)).toBe(true);
    const aborted = await thrownBy(() => fetch(`${url}/hang`, { signal: AbortSignal.abort() }));
    expect(isTransient(aborted)).toBe(false);
  });

  it("by fetch, when the address is wrong", async () => {
    expect(isTransient(await thrownBy(() => fetch("no address")))).toBe(false);
  });

  it("by who wraps a response", async () => {
    const response = await fetch(url);
    expect(failureClass(error({ response }), NOW)).toEqual({ isTransient: true, isFinal: false, nextDelayMs: 7000 });
    expect(failureClass(response, NOW)).toEqual({ isTransient: true, isFinal: false, nextDelayMs: 7000 });
  });
});

describe("failureClass", () => {
  it.each<[string, unknown]>([
    ["a PermanentError", permanent],
    [
      "one around a transient error",
      new PermanentError("never", { cause: new TransientError("x", { retryAfterMs: 5 }) }),
    ],
    ["one inside an error that says nothing", new Error("x", { cause: permanent })],
    ["one of several", new AggregateError([transient, permanent])],
    ["a result that is none", new TaskResultInvalidError("an array")],
    ["a forgotten await", new DeferralNotAwaitedError("a")],
    ["a context that is too large", new ContextTooLargeError("a", 2, 1)],
    ["one that is for the scheduler", new RemoteError("CONTEXT_TOO_LARGE", "x", { status: "RESOURCE_EXHAUSTED" })],
  ])("is final: %s", (_name, thrown) => {
    expect(failureClass(thrown, NOW)).toEqual({ isTransient: false, isFinal: true });
  });

  it("goes by the outermost that says something", () => {
    expect(failureClass(new TransientError("x", { cause: permanent }), NOW)).toEqual({
      isTransient: true,
      isFinal: false,
    });
  });

  it("takes the delay of a TransientError, in whole milliseconds that can travel", () => {
    const delayOf = (retryAfterMs: number) => failureClass(new TransientError("x", { retryAfterMs }), NOW).nextDelayMs;
    expect([delayOf(0), delayOf(5), delayOf(5.1), delayOf(1e15)]).toEqual([0, 5, 6, 2 ** 31 - 1]);
    expect(failureClass(new Error("x", { cause: new TransientError("y", { retryAfterMs: 5 }) }), NOW).nextDelayMs).toBe(
      5,
    );
    expect(failureClass(new RemoteError("X", "x", { retryAfterMs: 9 }), NOW).nextDelayMs).toBe(9);
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, "5" as unknown as number])(
    "refuses a retryAfterMs of %s",
    (wrong) => {
      expect(() => new TransientError("x", { retryAfterMs: wrong })).toThrow(
        `new TransientError: retryAfterMs: is ${wrong}; allowed are milliseconds, 0 or more`,
      );
    },
  );

  it.each<[string, unknown, number | undefined]>([
    ["seconds", "120", 120_000],
    ["a number", 3, 3000],
    ["the first of a list", ["4", "5"], 4000],
    ["a date", "Tue, 24 Nov 2026 12:00:09 GMT", 9000],
    ["a date that is over", "Tue, 24 Nov 2026 11:00:00 GMT", 0],
    ["a date that is none", "Tue, 99 Nov 2026 12:00:09 GMT", undefined],
    ["a negative number", "-5", undefined],
    ["a fraction", "1.5", undefined],
    ["words", "soon", undefined],
    ["nothing", undefined, undefined],
    ["an object", {}, undefined],
  ])("reads Retry-After as %s", (_name, value, expected) => {
    for (const name of ["retry-after", "Retry-After"]) {
      const inResponse = error({ response: { status: 429, headers: { other: "1", [name]: value } } });
      expect(failureClass(inResponse, NOW).nextDelayMs).toBe(expected);
      expect(failureClass(error({ status: 429, headers: { [name]: value } }), NOW).nextDelayMs).toBe(expected);
      expect(failureClass(new Error("x", { cause: inResponse }), NOW).nextDelayMs).toBe(expected);
    }
    if (typeof value !== "string") return;
    const headers = new Headers({ "retry-after": value });
    expect(failureClass(error({ response: { status: 429, headers } }), NOW).nextDelayMs).toBe(expected);
  });

  it("takes the delay also of a failure that is not transient: it may be retried as well", () => {
    expect(failureClass(error({ status: 403, headers: { "retry-after": "60" } }), NOW)).toEqual({
      isTransient: false,
      isFinal: false,
      nextDelayMs: 60_000,
    });
  });
});
