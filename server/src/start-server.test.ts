import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type ExchangeResponse,
  HostEventSchema,
  HostService,
  ReceiptResult,
  RunEventType,
  RunService,
  RunStatus,
  type SchedulerEvent,
  type WatchRunsResponse,
  WorkflowService,
  type WorkRequest,
  WorkRequestSchema,
  type WorkResponse,
} from "@cloaca/protocol";
import { type Client, type ClientDuplexStream, credentials, makeClientConstructor, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serviceDefinition } from "./rpc/service-definition.js";
import { type RunningServer, startServer } from "./start-server.js";

const quiet = { info() {}, warn() {}, error() {} };
const CHAIN = { name: "etl", tasks: [{ id: "a" }, { id: "b", dependencies: ["a"] }] };

// biome-ignore lint/suspicious/noExplicitAny: the client's methods are made at run time.
type AnyClient = Client & Record<string, any>;

describe("the gRPC server", () => {
  let server: RunningServer;
  const clients: Client[] = [];

  beforeEach(async () => {
    const limits = { helloTimeoutMs: 100 };
    server = await startServer({ address: "127.0.0.1:0", store: "memory:", limits, log: quiet, checkBooks: true });
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await server.stop();
  });

  function client(service: Parameters<typeof serviceDefinition>[0]): AnyClient {
    const made = new (makeClientConstructor(serviceDefinition(service), service.name))(
      server.address,
      credentials.createInsecure(),
    );
    clients.push(made);
    return made as AnyClient;
  }

  function call<T>(
    service: Parameters<typeof serviceDefinition>[0],
    method: string,
    request: Record<string, unknown>,
  ): Promise<T> {
    const definition = service.methods.find((m) => m.localName === method);
    if (definition === undefined) throw new Error(`no method ${method}`);
    return new Promise((resolve, reject) => {
      client(service)[method](create(definition.input, request), (error: Error | null, response: T) =>
        error === null ? resolve(response) : reject(error),
      );
    });
  }

  it("runs a workflow over a stream, deferral included, and shows it to a watcher", async () => {
    await call(WorkflowService, "registerWorkflow", { definition: CHAIN });
    const started = await call<{ runId: string }>(RunService, "startRun", {
      run: { workflow: "etl", context: { day: '"monday"' } },
    });
    const { runId } = started;
    const host = new StreamHost(client(HostService)["work"]());
    host.say({
      event: { case: "hello", value: hello({ definitions: [CHAIN], implementations: [{ workflow: "etl" }] }) },
    });
    const { leaseId } = await host.next("lease");
    host.say({ seq: 1n, event: { case: "deferUntil", value: { leaseId, deferral: 1, description: "lunch" } } });
    expect((await host.next("deferred")).deferral).toBe(1);
    host.say({ seq: 2n, event: { case: "reclaim", value: { leaseId, deferral: 1 } } });
    await host.next("slotGranted");
    host.say({ seq: 3n, event: { case: "complete", value: { leaseId, patch: { set: { n: "1" } } } } });
    const second = await host.next("lease");
    expect(second.input).toEqual({ day: '"monday"', n: "1" });
    host.say({ seq: 4n, event: { case: "complete", value: { leaseId: second.leaseId } } });
    const { run } = await call<{ run: object }>(RunService, "getRun", { runId, waitMs: 5000 });
    expect(run).toMatchObject({
      status: RunStatus.SUCCEEDED,
      context: { day: '"monday"', n: "1" },
      taskCounts: { SUCCEEDED: 2 },
    });

    const events = await watchToTheEnd(client(RunService), runId);
    expect(events.map((e) => RunEventType[e.type])).toEqual([
      "RUN_STARTED",
      "TASK_READY",
      "TASK_LEASED",
      "TASK_DEFERRED",
      "TASK_RECLAIMING",
      "TASK_RESUMED",
      "TASK_SUCCEEDED",
      "TASK_READY",
      "TASK_LEASED",
      "TASK_SUCCEEDED",
      "RUN_SUCCEEDED",
    ]);
    host.stream.cancel();
  });

  it("P14: Exchange repeats what was not acknowledged, and a task can be executed with it", async () => {
    await call(WorkflowService, "registerWorkflow", { definition: { name: "one", tasks: [{ id: "a" }] } });
    await call(RunService, "startRun", { run: { workflow: "one" } });
    const value = hello({ implementations: [{ workflow: "one", anyVersion: true }] });
    const first = await call<ExchangeResponse>(HostService, "exchange", {
      events: [{ event: { case: "hello", value } }],
    });
    const welcome = of(first.events, "welcome")[0];
    const session = { sessionId: welcome?.sessionId ?? "", resumeToken: welcome?.resumeToken ?? "" };
    const poll = (more: Record<string, unknown>) =>
      call<ExchangeResponse>(HostService, "exchange", { ...session, waitMs: 2000, ...more });
    const lease = await poll({ ackResponseId: first.responseId });
    const again = await poll({ ackResponseId: first.responseId });
    expect(again).toEqual(lease);
    const leaseId = of(lease.events, "lease")[0]?.leaseId ?? "";
    const complete = { seq: 1n, event: { case: "complete", value: { leaseId } } };
    const done = await poll({ ackResponseId: lease.responseId, events: [complete] });
    expect(of(done.events, "receipts")[0]).toMatchObject({ upTo: 1n, exceptions: [] });
    const repeated = await poll({ ackResponseId: done.responseId, events: [complete] });
    expect(of(repeated.events, "receipts")[0]?.exceptions[0]?.result).toBe(ReceiptResult.DUPLICATE);
    await expect(poll({ resumeToken: "guess" })).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  });

  it("refuses a bad definition with every problem", async () => {
    const definition = { name: "etl", tasks: [{ id: "a", dependencies: ["x"] }, { id: "a" }] };
    const refused = call(WorkflowService, "registerWorkflow", { definition });
    await expect(refused).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining("2 problems"),
    });
  });

  it.each([
    ["a stream that never says Hello", [], status.DEADLINE_EXCEEDED],
    [
      "an event before Hello",
      [{ seq: 1n, event: { case: "setSlots" as const, value: { slots: 1 } } }],
      status.FAILED_PRECONDITION,
    ],
    ["a second Hello", [{ event: hi() }, { event: hi() }], status.FAILED_PRECONDITION],
    ["a bad host id", [{ event: { case: "hello" as const, value: hello({ hostId: "1" }) } }], status.INVALID_ARGUMENT],
    [
      "another protocol",
      [{ event: { case: "hello" as const, value: hello({ protocolMin: 2, protocolMax: 3 }) } }],
      status.FAILED_PRECONDITION,
    ],
  ])("answers %s with a coded error", async (_name, events, code) => {
    const host = new StreamHost(client(HostService)["work"]());
    if (events.length > 0) host.say(...events);
    expect(await host.ended).toBe(code);
  });

  it("answers a stream that ends without a whole Hello with a coded error", async () => {
    for (const said of [[], [{ event: { case: "hello" as const, value: hello({ more: true }) } }]]) {
      const host = new StreamHost(client(HostService)["work"]());
      host.say(...said);
      host.stream.end();
      expect(await host.ended).toBe(status.FAILED_PRECONDITION);
    }
  });

  it("answers garbage bytes with a coded error, and lives on", async () => {
    const raw = { ...serviceDefinition(HostService)["work"], requestSerialize: (bytes: Buffer) => bytes };
    const Raw = makeClientConstructor({ work: raw } as never, "Raw");
    const made = new Raw(server.address, credentials.createInsecure()) as AnyClient;
    clients.push(made);
    const host = new StreamHost(made["work"]());
    host.stream.write(Buffer.from([0xff, 0xff, 0xff, 1, 2, 3]) as never);
    expect(await host.ended).toBe(status.INVALID_ARGUMENT);
    await call(WorkflowService, "listWorkflows", {});
  });

  it("answers an unknown event with REJECTED(UNSUPPORTED), and the stream goes on", async () => {
    const host = new StreamHost(client(HostService)["work"]());
    host.say({ event: hi() });
    await host.next("welcome");
    host.say({ seq: 1n, event: { case: undefined } });
    const { exceptions } = await host.next("receipts");
    expect(exceptions[0]?.error?.code).toBe("UNSUPPORTED");
    host.say({ event: { case: "heartbeat", value: { nonce: 7n } } });
    expect((await host.next("heartbeatAck")).nonce).toBe(7n);
    host.stream.cancel();
  });

  it("answers a name that no header can carry in full, and lives on", async () => {
    for (const prefix of ["", "x"]) {
      const runId = prefix + "😀".repeat(5_000);
      await expect(call(RunService, "getRun", { runId })).rejects.toMatchObject({ code: status.NOT_FOUND });
    }
    await call(WorkflowService, "listWorkflows", {});
  });

  it("names a workflow that is nearly right, and a run that is not there", async () => {
    await call(WorkflowService, "registerWorkflow", { definition: CHAIN });
    await expect(call(RunService, "startRun", { run: { workflow: "elt" } })).rejects.toMatchObject({
      code: status.NOT_FOUND,
      details: expect.stringContaining('"etl"'),
    });
    await expect(call(RunService, "getRun", { runId: "r1" })).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(
      call(RunService, "startRun", { run: { workflow: "etl", context: { day: "monday" } } }),
    ).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining("run.context") });
  });
});

type HelloInit = Extract<NonNullable<MessageInitShape<typeof HostEventSchema>["event"]>, { case: "hello" }>["value"];

function hello(more: HelloInit): HelloInit {
  return { protocolMin: 1, protocolMax: 1, hostId: "host", instanceId: "instance-1", slots: 1, ...more };
}

function hi() {
  return { case: "hello" as const, value: hello({}) };
}

type Case = Exclude<SchedulerEvent["event"]["case"], undefined>;
type ValueOf<C extends Case> = Extract<SchedulerEvent["event"], { case: C }>["value"];

function of<C extends Case>(events: readonly SchedulerEvent[], name: C): ValueOf<C>[] {
  return events.flatMap(({ event }) => (event.case === name ? [event.value as ValueOf<C>] : []));
}

/** The host's side of a stream: says what the test says, and lets it await what comes. */
class StreamHost {
  readonly #heard: SchedulerEvent[] = [];
  #wake = () => {};
  /** Status code with which the stream ended. */
  readonly ended: Promise<number>;

  constructor(readonly stream: ClientDuplexStream<WorkRequest, WorkResponse>) {
    stream.on("data", ({ events }: WorkResponse) => {
      this.#heard.push(...events);
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      stream.on("status", ({ code }: { code: number }) => resolve(code));
    });
    stream.on("error", () => {});
  }

  say(...events: MessageInitShape<typeof HostEventSchema>[]): void {
    this.stream.write(create(WorkRequestSchema, { events: events.map((event) => create(HostEventSchema, event)) }));
  }

  /** The next event of a kind; others before it are passed over. */
  async next<C extends Case>(name: C): Promise<ValueOf<C>> {
    for (;;) {
      const event = this.#heard.shift();
      if (event?.event.case === name) return event.event.value as ValueOf<C>;
      if (event !== undefined) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

async function watchToTheEnd(runs: AnyClient, runId: string) {
  const method = RunService.method.watchRuns;
  const stream = runs["watchRuns"](create(method.input, { runId }));
  const events = [];
  for await (const response of stream as AsyncIterable<WatchRunsResponse>) events.push(...response.events);
  return events;
}

describe("a store that another scheduler has", () => {
  it("is in use by that process; its address is told where it is known", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cloaca-owner-"));
    const options = { address: "127.0.0.1:0", store: `sqlite://${join(folder, "runs.db")}`, log: quiet };
    const first = await startServer(options);
    const who = new RegExp(`in use by pid ${process.pid}; stop that one`);
    await expect(startServer(options)).rejects.toMatchObject({
      code: "STORE_IN_USE",
      message: expect.stringMatching(who),
    });
    await first.stop();
    rmSync(folder, { recursive: true });
  });
});
