import { EventEmitter } from "node:events";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  CancelRunRequestSchema,
  GetRunRequestSchema,
  ListHostsRequestSchema,
  ListRunsRequestSchema,
  ListWorkflowsRequestSchema,
  PauseWorkflowRequestSchema,
  RunStatus,
  StartRunRequestSchema,
  StartRunsRequestSchema,
  type WatchRunsRequest,
  WatchRunsRequestSchema,
} from "@cloaca/protocol";
import type { ServerWritableStream } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { compileGraph } from "../core/graph.js";
import { type RunningServer, startServer } from "../start-server.js";
import { HostAdminServiceRpc, WorkflowServiceRpc } from "./admin-services.js";
import { encodeCursor } from "./cursor.js";
import { RunServiceRpc } from "./run-service.js";
import { serverStream } from "./server-stream.js";

const quiet = { info() {}, warn() {}, error() {} };
const start = {
  namespace: "default",
  version: "",
  context: {},
  priority: 0,
  labels: {},
  traceparent: "",
  timeoutMs: 0,
};

const ALL = { workflow: "", statuses: [], pageSize: 10, pageToken: "" };

describe("RunServiceRpc", () => {
  let server: RunningServer;
  let runs: RunServiceRpc;

  beforeEach(async () => {
    server = await startServer({ address: "127.0.0.1:0", store: "memory:", log: quiet });
    runs = new RunServiceRpc(server.scheduler);
    const tasks = [{ id: "a", dependencies: [], timeoutMs: 0 }];
    const graph = compileGraph({ name: "w", description: "", tags: {}, tasks });
    await server.scheduler.registerWorkflow("default", graph);
  });

  afterEach(async () => {
    await server.stop();
  });

  async function started(): Promise<string> {
    return (await server.scheduler.startRun({ ...start, workflow: "w", requestId: "" })).runId;
  }

  /** Watches to the end. */
  async function eventsTold(request: MessageInitShape<typeof WatchRunsRequestSchema>): Promise<number> {
    let told = 0;
    const watching = runs.watchRuns(create(WatchRunsRequestSchema, request), new AbortController().signal);
    for await (const { events = [] } of watching) told += events.length;
    return told;
  }

  const cancel = (runId: string) =>
    server.scheduler.controlRun({ namespace: "default", runId, control: { type: "cancel", reason: "" } });

  it("gives each item of StartRuns its own result, in order", async () => {
    const specs = [
      { workflow: "w" },
      { workflow: "w", context: { day: "monday" } },
      { workflow: "v" },
      { workflow: "w" },
    ];
    const { results = [] } = await runs.startRuns(create(StartRunsRequestSchema, { runs: specs }));
    const said = results.map(({ result }) => (result?.case === "error" ? result.value.code : result?.case));
    expect(said).toEqual(["started", "CONTEXT_VALUE_INVALID", "WORKFLOW_NOT_FOUND", "started"]);
    const page = await server.scheduler.store.listRuns({ ...ALL, namespace: "default" });
    const ids = results.flatMap(({ result }) => (result?.case === "started" ? [result.value.runId] : []));
    expect(page.items.map((run) => run.id)).toEqual(ids.toReversed());
    expect(await runs.startRuns(create(StartRunsRequestSchema, {}))).toEqual({ results: [] });
  });

  it("answers a waiting GetRun when the run ends, and forgets who waited", async () => {
    const runId = await started();
    const waiting = runs.getRun(create(GetRunRequestSchema, { runId, waitMs: 60_000 }));
    expect(server.scheduler.feed.size).toBe(1);
    await cancel(runId);
    expect((await waiting).run?.status).toBe(RunStatus.CANCELLED);
    expect(server.scheduler.feed.size).toBe(0);
    await expect(runs.getRun(create(GetRunRequestSchema, { runId: "r1", waitMs: 60_000 }))).rejects.toThrow("r1");
    expect(server.scheduler.feed.size).toBe(0);
  });

  it("ends the watch of a run that was over, wherever it begins, and whatever other runs did since", async () => {
    const runId = await started();
    await cancel(runId);
    const end = server.scheduler.store.stats().position;
    await started();
    for (const [cursor, events] of [
      ["", 4],
      [encodeCursor({ position: end, told: 0 }), 0],
    ] as const) {
      expect(await eventsTold({ runId, cursor })).toBe(events);
    }
  });

  it("reads the log from its first event, and to its end, where it is asked to", async () => {
    const told = (request: MessageInitShape<typeof WatchRunsRequestSchema>) =>
      eventsTold({ ...request, untilEnd: true });
    expect(await told({ fromStart: true })).toBe(0);
    const runId = await started();
    await started();
    expect(await told({ fromStart: true })).toBe(4);
    // The run goes on, and so would its watch.
    expect(await told({ runId })).toBe(2);
    expect(await told({})).toBe(0);
    const cursor = encodeCursor({ position: 1, told: 0 });
    expect(await told({ cursor, fromStart: true })).toBe(2);
  });

  it("refuses to watch for types that there are not, and a cursor that no watch gave", async () => {
    const code = async (request: MessageInitShape<typeof WatchRunsRequestSchema>) =>
      eventsTold(request).catch((error: { code: string }) => error.code);
    expect(await code({ runId: await started(), types: [99 as never] })).toBe("REQUEST_INVALID");
    expect(await code({ types: [0] })).toBe("REQUEST_INVALID");
    expect(await code({ cursor: "xyz" })).toBe("CURSOR_INVALID");
    expect(await code({ cursor: encodeCursor({ position: 1_000_000, told: 0 }) })).toBe("CURSOR_EXPIRED");
  });

  it("tells a watcher that the scheduler stops, and not that the log has ended", async () => {
    const request = create(WatchRunsRequestSchema, { runId: await started() });
    const watching = runs.watchRuns(request, new AbortController().signal);
    await watching.next();
    const rest = watching.next().catch((error: unknown) => error);
    await server.scheduler.stop(0);
    expect(await rest).toMatchObject({ code: "DRAINING", retryAfterMs: expect.any(Number) });
  });

  it("P10: refuses labels and texts that leases would carry, and cuts reasons", async () => {
    const labels = { note: "x".repeat(20_000) };
    const long = "x".repeat(300);
    const run = { workflow: "w", labels, traceparent: long, requestId: long };
    await expect(runs.startRun(create(StartRunRequestSchema, { run }))).rejects.toMatchObject({
      code: "REQUEST_INVALID",
      problems: ["labels", "traceparent", "request_id"].map((name) =>
        expect.objectContaining({ field: `run.${name}` }),
      ),
    });
    const runId = await started();
    await runs.cancelRun(create(CancelRunRequestSchema, { runId, reason: "x".repeat(1_000_000) }));
    expect((await runs.getRun(create(GetRunRequestSchema, { runId }))).run?.reason).toHaveLength(1_024);
  });

  it("stops to watch for a client that went away in the middle of a message", async () => {
    const call = new StalledCall(create(WatchRunsRequestSchema, { runId: await started() }));
    serverStream(runs.watchRuns.bind(runs))(call.asCall());
    await call.firstWrite;
    expect(server.scheduler.feed.size).toBe(1);
    call.emit("cancelled");
    await call.isEnded;
    expect(server.scheduler.feed.size).toBe(0);
  });

  it("leaves nobody listening when the store fails in the middle of a watch", async () => {
    const { store, stopBell, feed } = server.scheduler;
    const runId = await started();
    const events = vi.spyOn(store, "events").mockRejectedValue(new Error("the disk is gone"));
    await expect(eventsTold({ runId })).rejects.toThrow("the disk is gone");
    expect([stopBell.size, feed.size]).toEqual([0, 0]);
    events.mockRestore();
  });

  it("refuses a namespace that is no name, wherever one is named", async () => {
    const workflows = new WorkflowServiceRpc(server.scheduler);
    const hosts = new HostAdminServiceRpc(server.scheduler);
    const namespace = "no name";
    const calls: readonly Promise<unknown>[] = [
      runs.listRuns(create(ListRunsRequestSchema, { namespace })),
      runs.getRun(create(GetRunRequestSchema, { namespace, runId: "r" })),
      runs.cancelRun(create(CancelRunRequestSchema, { namespace, runId: "r" })),
      runs.startRun(create(StartRunRequestSchema, { namespace, run: { workflow: "w" } })),
      eventsTold({ namespace }),
      workflows.listWorkflows(create(ListWorkflowsRequestSchema, { namespace })),
      workflows.pauseWorkflow(create(PauseWorkflowRequestSchema, { namespace, name: "w" })),
      hosts.listHosts(create(ListHostsRequestSchema, { namespace })),
    ];
    for (const call of calls) {
      await expect(call).rejects.toMatchObject({
        code: "REQUEST_INVALID",
        problems: [
          { field: "namespace", description: expect.stringContaining('"no name" contains " "; a name starts') },
        ],
      });
    }
  });
});

/** The server's side of a WatchRuns call whose client takes no message. */
class StalledCall extends EventEmitter {
  write: () => void = () => {};
  end: () => void = () => {};
  readonly firstWrite = new Promise<void>((resolve) => {
    this.write = resolve;
  });
  readonly isEnded = new Promise<void>((resolve) => {
    this.end = resolve;
  });

  constructor(readonly request: WatchRunsRequest) {
    super();
  }

  asCall() {
    return this as unknown as ServerWritableStream<WatchRunsRequest, object>;
  }
}
