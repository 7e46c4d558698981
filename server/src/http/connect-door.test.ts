import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { HostService, RunEventType, RunService, StartRunRequestSchema, WorkflowService } from "@cloaca/protocol";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { endStreamFlag, endStreamFromJson } from "@connectrpc/connect/protocol-connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerParse } from "@connectrpc/connect/protocol-grpc-web";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "../start-server.js";

const quiet = { info() {}, warn() {}, error() {} };
type RequestBody = NonNullable<RequestInit["body"]> | null;
const DEFINITION = { name: "etl", tasks: [{ id: "a" }] };

describe("Connect", () => {
  let server: RunningServer;
  let isStopped: boolean;

  beforeEach(async () => {
    server = await startServer({ address: "127.0.0.1:0", store: "memory:", log: quiet, checkBooks: true });
    isStopped = false;
    await post("WorkflowService/RegisterWorkflow", { definition: DEFINITION });
  });

  afterEach(async () => {
    if (!isStopped) await server.stop();
  });

  const baseUrl = (): string => `http://${server.address}`;
  const connect = (): Transport => createConnectTransport({ baseUrl: baseUrl(), httpVersion: "1.1" });
  const grpcWeb = (): Transport => createGrpcWebTransport({ baseUrl: baseUrl(), httpVersion: "1.1" });

  /** As curl would: a path, a content type and some text. */
  async function send(path: string, body: RequestBody, init: RequestInit = {}) {
    const headers = { "content-type": "application/json", ...init.headers };
    const response = await fetch(`${baseUrl()}/cloaca.v1.${path}`, { method: "POST", body, ...init, headers });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
  }

  async function post(method: string, request: object) {
    const { status, body } = await send(method, JSON.stringify(request));
    expect([status, body]).toEqual([200, expect.anything()]);
    return body;
  }

  async function started(): Promise<string> {
    return (await post("RunService/StartRun", { run: { workflow: "etl" } })).runId;
  }

  it("answers JSON with JSON", async () => {
    const { runId } = await post("RunService/StartRun", { run: { workflow: "etl", context: { day: '"monday"' } } });
    expect(await post("RunService/GetRun", { runId })).toMatchObject({
      run: { runId, workflow: "etl", status: "RUN_STATUS_PENDING", taskCounts: { READY: 1 } },
    });
    expect(await post("RunService/ListRuns", {})).toMatchObject({ runs: [{ runId }] });
  });

  it("P14: executes a task with Exchange", async () => {
    const runId = await started();
    const hello = { protocolMin: 1, protocolMax: 1, hostId: "by-hand", instanceId: "by-hand-1", slots: 1 };
    const implementations = [{ workflow: "etl", anyVersion: true }];
    const first = await post("HostService/Exchange", { events: [{ hello: { ...hello, implementations } }] });
    const { sessionId, resumeToken } = first.events[0].welcome;
    const session = { sessionId, resumeToken, waitMs: 5_000 };
    const poll = (ackResponseId: string, ...events: object[]) =>
      post("HostService/Exchange", { ...session, ackResponseId, events });
    const { responseId, events } = first.events.length > 1 ? first : await poll(first.responseId);
    const { leaseId } = events.at(-1).lease;
    const done = await poll(responseId, { seq: "1", complete: { leaseId, patch: { set: { n: "1" } } } });
    expect(done.events).toEqual([{ receipts: { upTo: "1" } }]);
    expect(await post("RunService/GetRun", { runId, waitMs: 5_000 })).toMatchObject({
      run: { status: "RUN_STATUS_SUCCEEDED", context: { n: "1" } },
    });
  });

  it.each([
    ["Connect", connect],
    ["gRPC-Web", grpcWeb],
  ])("%s watches a run to its end", async (_name, transport) => {
    const runs = createClient(RunService, transport());
    const runId = await started();
    const seen: string[] = [];
    for await (const { events } of runs.watchRuns({ runId })) {
      seen.push(...events.map(({ type }) => RunEventType[type]));
      if (seen.length === 2) await runs.cancelRun({ runId });
    }
    expect(seen).toEqual(["RUN_STARTED", "TASK_READY", "TASK_CANCELLED", "RUN_CANCELLED"]);
  });

  it.each([
    ["Connect", connect],
    ["gRPC-Web", grpcWeb],
  ])("%s says of what is wrong what gRPC says", async (_name, transport) => {
    const grpc = createGrpcTransport({ baseUrl: baseUrl() });
    const wrong: ((transport: Transport) => Promise<unknown>)[] = [
      (t) => createClient(RunService, t).getRun({ runId: "r1" }),
      (t) => createClient(RunService, t).startRun({}),
      (t) => createClient(RunService, t).startRun({ run: { workflow: "elt" } }),
      (t) => createClient(HostService, t).keepAlive({ sessionId: "s" }),
      (t) => createClient(HostService, t).exchange({}),
      (t) => createClient(RunService, t).watchRuns({ cursor: "x" })[Symbol.asyncIterator]().next(),
      (t) =>
        createClient(WorkflowService, t).registerWorkflow({
          definition: { name: "", tasks: [{ id: "a", dependencies: ["b"] }, { id: "a" }] },
        }),
    ];
    for (const call of wrong) {
      const [ours, theirs] = await Promise.all([transport(), grpc].map((t) => call(t).catch(asConnectError)));
      expect(ours).toMatchObject({ code: expect.any(Number), details: expect.arrayContaining([ERROR_INFO]) });
      expect(ours).toEqual(theirs);
    }
  });

  it("shows an error's details to people", async () => {
    const definition = { name: "bad", tasks: [{ id: "a", dependencies: ["b"] }] };
    const { status, body } = await send("WorkflowService/RegisterWorkflow", JSON.stringify({ definition }));
    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: "invalid_argument",
      details: [
        { type: "google.rpc.ErrorInfo", debug: { reason: "DEFINITION_INVALID", domain: "cloaca" } },
        { debug: { fieldViolations: [{ field: "definition.tasks[0].dependencies[0]" }] } },
      ],
    });
  });

  it.each([
    ["no JSON", "{", "application/json"],
    ["a field that there is not", '{"run":{"workfow":"etl"}}', "application/json"],
    ["a value of another type", '{"run":{"priority":"high"}}', "application/json"],
    ["no protobuf", "\u0007", "application/proto"],
  ])("P11: refuses %s", async (_name, text, type) => {
    const { status, body } = await send("RunService/StartRun", text, { headers: { "content-type": type } });
    expect([status, body]).toMatchObject([400, { details: [{ debug: { reason: "REQUEST_INVALID" } }] }]);
    expect(body.message).not.toBe("");
  });

  it.each([
    ["no protobuf, of a stream", "WatchRuns", "application/connect+proto", "\u0007"],
    ["no JSON, of a stream", "WatchRuns", "application/connect+json", "{"],
    [
      "a long field that there is not, of a stream",
      "WatchRuns",
      "application/connect+json",
      `{"${"x".repeat(2000)}":1}`,
    ],
    ["no protobuf, of a stream by gRPC-Web", "WatchRuns", "application/grpc-web+proto", "\u0007"],
    ["no protobuf, by gRPC-Web", "StartRun", "application/grpc-web+proto", "\u0007"],
  ])("P11: refuses %s, in the end of the answer", async (_name, method, type, text) => {
    const response = await fetch(`${baseUrl()}/cloaca.v1.RunService/${method}`, {
      method: "POST",
      headers: { "content-type": type, "connect-accept-encoding": "gzip", "grpc-accept-encoding": "gzip" },
      body: encodeEnvelope(0, Buffer.from(text)) as Uint8Array<ArrayBuffer>,
    });
    expect(await errorAtEnd(response)).toMatchObject({ code: Code.InvalidArgument, details: [ERROR_INFO] });
  });

  it.each([
    ["a method that there is not", "RunService/StartRum", {}, 404, 'did you mean "/cloaca.v1.RunService/StartRun"?'],
    [
      "such a method with a query",
      "RunService/StartRum?a=1",
      {},
      404,
      'did you mean "/cloaca.v1.RunService/StartRun"?',
    ],
    ["GET", "RunService/ListRuns", { method: "GET", body: null }, 405, "ListRuns is called with POST"],
    ["curl without a content type", "RunService/ListRuns", FORM, 415, "takes content-type: application/json, or"],
    [
      "a stream as if it were none",
      "RunService/WatchRuns",
      {},
      415,
      "takes content-type: application/connect+json, or",
    ],
    ["the two-way stream", "HostService/Work", {}, 505, "there is HostService.Exchange"],
  ])("tells who tries %s what would be right", async (_name, path, init, status, words) => {
    const answer = await send(path, "{}", init);
    expect([answer.status, answer.body.message]).toEqual([status, expect.stringContaining(words)]);
  });

  it("refuses a field of any length", async () => {
    const { status, body } = await send("RunService/StartRun", JSON.stringify({ ["x".repeat(100_000)]: 1 }));
    expect([status, body]).toMatchObject([400, { details: [{ debug: { reason: "REQUEST_INVALID" } }] }]);
  });

  it("P10: refuses a message over the limit, and a small one that would become it", async () => {
    const description = "x".repeat(5 * 1024 * 1024);
    const large = JSON.stringify({ definition: { ...DEFINITION, description } });
    const path = "WorkflowService/RegisterWorkflow";
    expect(await send(path, large)).toMatchObject({ status: 429, body: { code: "resource_exhausted" } });
    const headers = { "content-encoding": "gzip" };
    expect(await send(path, gzipSync(large), { headers })).toMatchObject({ body: { code: "resource_exhausted" } });
    await started();
  });

  it("keeps the deadline of a call", async () => {
    const runId = await started();
    const request = JSON.stringify({ runId, waitMs: 60_000 });
    const answer = await send("RunService/GetRun", request, { headers: { "connect-timeout-ms": "50" } });
    expect(answer).toMatchObject({ status: 504, body: { code: "deadline_exceeded" } });
    expect(server.scheduler.feed.size).toBe(0);
  });

  it("forgets who went away, while it waits and while it watches", async () => {
    const { feed } = server.scheduler;
    const runs = createClient(RunService, connect());
    const runId = await started();
    const gone = new AbortController();
    const waiting = runs.getRun({ runId, waitMs: 60_000 }, { signal: gone.signal }).catch(asConnectError);
    const watching = runs.watchRuns({ runId }, { signal: gone.signal })[Symbol.asyncIterator]();
    await watching.next();
    await until(() => feed.size === 1);
    gone.abort();
    expect(await waiting).toMatchObject({ code: Code.Canceled });
    await until(() => feed.size === 0);
  });

  it("tells a watcher that the scheduler stops", async () => {
    const runs = createClient(RunService, connect());
    const watching = runs.watchRuns({ runId: await started() })[Symbol.asyncIterator]();
    await watching.next();
    const rest = watching.next().catch(asConnectError);
    await server.stop();
    isStopped = true;
    expect(await rest).toMatchObject({ code: Code.Unavailable, details: [{}, { type: "google.rpc.RetryInfo" }] });
  });

  it("takes protobuf as well", async () => {
    const bytes = toBinary(StartRunRequestSchema, create(StartRunRequestSchema, { run: { workflow: "etl" } }));
    const response = await fetch(`${baseUrl()}/cloaca.v1.RunService/StartRun`, {
      method: "POST",
      headers: { "content-type": "application/proto" },
      body: bytes as Uint8Array<ArrayBuffer>,
    });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/proto"]);
  });
});

const ERROR_INFO = expect.objectContaining({ type: "google.rpc.ErrorInfo" });
const FORM = { headers: { "content-type": "application/x-www-form-urlencoded" } };

/** The error in the only envelope of an answer. */
async function errorAtEnd(response: Response): Promise<ConnectError | undefined> {
  const [flags, ...rest] = new Uint8Array(await response.arrayBuffer());
  const data = Uint8Array.from(rest.slice(4));
  expect(flags).toBe(response.headers.get("content-type")?.includes("grpc-web") ? trailerFlag : endStreamFlag);
  return flags === trailerFlag ? findTrailerError(trailerParse(data)) : endStreamFromJson(data).error;
}

/** What clients can read of an error. */
function asConnectError(error: unknown) {
  const { code, rawMessage, details } = ConnectError.from(error);
  return {
    code,
    rawMessage,
    details: details.map((detail) => ("type" in detail ? { type: detail.type, value: [...detail.value] } : null)),
  };
}

/** Looks again after each turn of the loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
