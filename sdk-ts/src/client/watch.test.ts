/** What a watcher sees of a run that has failed and is retried. */
import { type RunningServer, startServer } from "@cloaca/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Signal, signal } from "../fakes/signal.js";
import type { RunEventInfo, RunEventName } from "../protocol/run-info.js";
import { Host } from "../runner/host.js";
import { workflow } from "../task/workflow.js";
import { Client } from "./client.js";

const quiet = { info() {}, warn() {}, error() {} };

const FAILED: RunEventName[] = ["RUN_STARTED", "TASK_READY", "TASK_LEASED", "TASK_FAILED", "RUN_FAILED"];
const AGAIN: RunEventName[] = ["RUN_RETRIED", "TASK_RESET", "TASK_READY", "TASK_LEASED"];
const DONE: RunEventName[] = ["TASK_SUCCEEDED", "RUN_SUCCEEDED"];

describe("a watch of a run that failed and is retried", () => {
  let server: RunningServer;
  let client: Client;
  let host: Host;
  let served: Promise<void>;
  let goOn: Signal<void>;

  beforeEach(async () => {
    goOn = signal();
    const broken = workflow("broken", ({ task }) => {
      task({ id: "a" }, async (_context, handle) => {
        if (handle.attempt === 1) throw new Error("no rain");
        await goOn.fired;
      });
    });
    server = await startServer({ address: "127.0.0.1:0", store: "memory:", log: quiet, checkBooks: true });
    client = new Client({ url: server.address });
    host = new Host({ url: server.address, hostId: "h" }).register(broken);
    served = host.run({ handleSignals: false });
    await host.ready();
  });

  afterEach(async () => {
    await host.drain(0);
    await served;
    client.close();
    await server.stop();
  });

  /** What a watch sees to its end, and the cursor there. */
  async function seen(query: { runId: string; cursor?: string }): Promise<{ types: RunEventName[]; cursor: string }> {
    const events: RunEventInfo[] = [];
    let cursor = "";
    for await (const told of client.watch(query)) {
      events.push(...told.events);
      cursor = told.cursor;
    }
    return { types: events.map(({ type }) => type), cursor };
  }

  it("ends at the failure, and its cursor goes on from there to the next end", async () => {
    const { runId } = await client.start("broken");
    const first = await seen({ runId });
    expect(first.types).toEqual(FAILED);
    // Nothing more has come: it ends at once, and tells nothing twice.
    expect((await seen({ runId, cursor: first.cursor })).types).toEqual([]);

    expect(await client.retry(runId)).toMatchObject({ resetTasks: ["a"] });
    goOn.fire();
    expect((await seen({ runId, cursor: first.cursor })).types).toEqual([...AGAIN, ...DONE]);
  });

  it("passes over the failure when the run goes on again, and follows it to its last event", async () => {
    const { runId } = await client.start("broken");
    await seen({ runId });
    await client.retry(runId);
    const types: RunEventName[] = [];
    for await (const { events } of client.watch({ runId })) {
      types.push(...events.map(({ type }) => type));
      if (types.length === FAILED.length + AGAIN.length) goOn.fire();
    }
    expect(types).toEqual([...FAILED, ...AGAIN, ...DONE]);
    expect((await seen({ runId })).types).toEqual(types);
  });

  it("of all runs does not end at the failure", async () => {
    const aborter = new AbortController();
    const types: RunEventName[] = [];
    let runId = "";
    goOn.fire();
    for await (const { events } of client.watch({}, aborter.signal)) {
      // The first answer says that it watches.
      if (runId === "") ({ runId } = await client.start("broken"));
      types.push(...events.map(({ type }) => type));
      if (events.some(({ type }) => type === "RUN_FAILED")) await client.retry(runId);
      if (events.some(({ type }) => type === "RUN_SUCCEEDED")) break;
    }
    expect(types).toEqual([...FAILED, ...AGAIN, ...DONE]);
  });
});
