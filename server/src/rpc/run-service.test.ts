import { EventEmitter } from "node:events";
import { create } from "@bufbuild/protobuf";
import { GetRunRequestSchema, RunStatus, StartRunsRequestSchema, WatchRunsRequestSchema } from "@cloaca/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compileGraph } from "../core/graph.js";
import { type RunningServer, startServer } from "../start-server.js";
import { encodeCursor } from "./cursor.js";
import { RunServiceRpc } from "./run-service.js";

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
      [encodeCursor(end), 0],
    ] as const) {
      const call = new Call({ runId, cursor });
      await runs.watchRuns(call.asCall());
      expect([call.events, call.isEnded]).toEqual([events, true]);
    }
  });

  it("stops to watch for a client that went away in the middle of a message", async () => {
    const call = new Call({ runId: await started() }, false);
    const watching = runs.watchRuns(call.asCall());
    await call.firstWrite;
    call.emit("cancelled");
    await watching;
    expect(server.scheduler.feed.size).toBe(0);
  });
});

/** The server's side of a WatchRuns call; `answers` tells whether messages are ever taken. */
class Call extends EventEmitter {
  readonly request;
  events = 0;
  isEnded = false;
  #wrote = () => {};
  readonly firstWrite = new Promise<void>((resolve) => {
    this.#wrote = resolve;
  });

  constructor(
    request: { runId: string; cursor?: string },
    readonly answers = true,
  ) {
    super();
    this.request = create(WatchRunsRequestSchema, request);
  }

  write({ events }: { events: readonly unknown[] }, done: () => void): void {
    this.events += events.length;
    this.#wrote();
    if (this.answers) setImmediate(done);
  }

  end(): void {
    this.isEnded = true;
  }

  asCall() {
    return this as unknown as Parameters<RunServiceRpc["watchRuns"]>[0];
  }
}
