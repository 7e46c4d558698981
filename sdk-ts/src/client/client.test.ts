import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { type RunningServer, startServer } from "@cloaca/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InputError, RemoteError } from "../errors/index.js";
import { Context } from "../task/context.js";
import { workflow } from "../task/workflow.js";
import { Client } from "./client.js";

const quiet = { info() {}, warn() {}, error() {} };

describe("Client", () => {
  let server: RunningServer;
  let client: Client;

  beforeEach(async () => {
    server = await startServer({ address: "127.0.0.1:0", store: "memory:", log: quiet });
    client = new Client({ url: server.address });
  });

  afterEach(async () => {
    client.close();
    await server.stop();
  });

  const one = workflow("one", ({ task }) => {
    task({ id: "a" }, () => {});
  });

  it("starts many at once, each with its own result: what is refused harms no other", async () => {
    await client.register(one);
    const started = await Promise.allSettled([client.start("one"), client.start("two"), client.start("one")]);
    expect(started.map((s) => s.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(started[1]).toMatchObject({ reason: { code: "WORKFLOW_NOT_FOUND" } });
    const { runs } = await client.list({ workflow: "one" });
    expect(runs.map((r) => r.status)).toEqual(["PENDING", "PENDING"]);
  });

  it("refuses a namespace that is no name before it says anything", () => {
    expect(() => new Client({ url: server.address, namespace: "no name" })).toThrow(
      'Client: namespace: "no name" contains " "; a name starts with',
    );
    new Client({ url: server.address, namespace: "" }).close();
  });

  it("splits what would not fit into one message", async () => {
    await client.register(one);
    const big = { text: "x".repeat(900_000) };
    const started = await client.startMany("one", new Array(12).fill(big));
    expect(started.filter((s) => s instanceof RemoteError)).toEqual([]);
  });

  it("starts one run for one request id, and says when it was another", async () => {
    await client.register(one);
    const first = await client.start("one", { n: 1 }, { requestId: "q" });
    expect(await client.start("one", { n: 1 }, { requestId: "q" })).toMatchObject({
      runId: first.runId,
      existing: true,
    });
    await expect(client.start("one", { n: 2 }, { requestId: "q" })).rejects.toMatchObject({
      code: "REQUEST_ID_CONFLICT",
    });
  });

  it("checks the input by the workflow's schema, and values by the codec, before anything is sent", async () => {
    const schema = {
      "~standard": {
        version: 1 as const,
        vendor: "test",
        validate: (value: unknown) => {
          const { day = "monday", ...rest } = value as { day?: unknown };
          if (typeof day !== "string") return { issues: [{ path: ["day"], message: "is no text" }] };
          return { value: { ...rest, day } };
        },
        types: undefined as unknown as { input: { day?: string }; output: { day: string } },
      },
    };
    const checked = workflow("checked", { input: schema }, ({ task }) => {
      task({ id: "a" }, () => {});
    });
    await client.register(checked);
    // @ts-expect-error a day is text
    await expect(client.start(checked, { day: 1 })).rejects.toBeInstanceOf(InputError);
    await expect(client.start("one", { at: new Date() })).rejects.toThrow(/toISOString/);
    const { runId } = await client.start(checked, {});
    expect(await client.cancel(runId)).toBe("CANCELLED");
    expect((await client.get(runId)).contextText).toEqual({ day: '"monday"' });
  });

  it("takes a context as it is", async () => {
    await client.register(one);
    const { runId } = await client.start("one", new Context().set("n", 1));
    await client.cancel(runId);
    expect((await client.get(runId)).contextText).toEqual({ n: "1" });
  });

  it("pauses a run and a workflow, explains why it waits, and lets both go on", async () => {
    const version = await client.register(one);
    const { runId } = await client.start(one, {}, { timeoutMs: 60_000 });
    const { createdAt, deadlineAt } = await client.get(runId);
    expect(deadlineAt?.getTime()).toBe(createdAt.getTime() + 60_000);
    expect(await client.explain(runId)).toMatchObject({
      status: "PENDING",
      tasks: [{ task: "a", state: "READY", reason: "NO_HOST", until: null }],
      leftOut: 0,
    });
    expect(await client.pause(runId, "lunch")).toBe("PAUSED");
    expect(await client.explain(runId, ["a"])).toMatchObject({ tasks: [{ reason: "RUN_PAUSED" }] });
    await expect(client.explain(runId, ["b"])).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
    expect((await client.list({ statuses: ["PAUSED"] })).runs).toHaveLength(1);
    expect(await client.resume(runId)).toBe("PENDING");
    expect(await client.pauseWorkflow("one")).toMatchObject({ name: "one", version, isPaused: true });
    expect(await client.explain(runId)).toMatchObject({ tasks: [{ reason: "WORKFLOW_PAUSED" }] });
    expect(await client.resumeWorkflow("one")).toMatchObject({ isPaused: false });
    await expect(client.retry(runId)).rejects.toMatchObject({ code: "RUN_NOT_FAILED" });
  });

  it("promotes a version, for new runs, and takes that back", async () => {
    const old = await client.register(one);
    const two = workflow("one", ({ task }) => {
      task({ id: "a" }, () => {});
      task({ id: "b" }, () => {});
    });
    const newer = await client.register(two);
    expect((await client.start("one", {})).workflowVersion).toBe(newer);
    expect(await client.promote("one", old)).toMatchObject({ version: old, isCurrent: true, isPromoted: true });
    expect((await client.start("one", {})).workflowVersion).toBe(old);
    const versions = (await client.workflows()).map(({ version, isCurrent, taskCount }) => [
      version,
      isCurrent,
      taskCount,
    ]);
    expect(versions.toSorted()).toEqual(
      [
        [newer, false, 2],
        [old, true, 1],
      ].toSorted(),
    );
    expect(await client.promote("one")).toMatchObject({ version: newer, isPromoted: false });
    await expect(client.promote("one", "none")).rejects.toMatchObject({ code: "WORKFLOW_VERSION_NOT_FOUND" });
  });

  it("lists hosts, and says which one is not there", async () => {
    expect(await client.hosts()).toEqual([]);
    await expect(client.drainHost("h")).rejects.toMatchObject({ code: "HOST_NOT_FOUND" });
  });

  it("gives up on a call that nobody answers", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const waiting = new Client({ url: `127.0.0.1:${port}`, callTimeoutMs: 100 });
    await expect(waiting.hosts()).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    waiting.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });

  it("says where nobody listens", async () => {
    const nowhere = new Client({ url: "grpc://127.0.0.1:1" });
    await expect(nowhere.get("r1")).rejects.toMatchObject({ code: "CONNECTION_FAILED" });
    nowhere.close();
    expect(() => new Client({ url: "http://127.0.0.1:1" })).toThrow(/grpc:\/\/host:port/);
  });
});
