/** The client of browsers, with the `fetch` of Node; `test/e2e/browser.test.ts` runs it in a real one. */
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { type RunningServer, startServer } from "@cloaca/server";
import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConnectionError, RemoteError } from "../errors/index.js";
import { httpAddress } from "../protocol/fetch-channel.js";
import { workflow } from "../task/workflow.js";
import { Client as BrowserClient } from "./browser-client.js";
import { Client as NodeClient } from "./client.js";

const quiet = { info() {}, warn() {}, error() {} };
const one = workflow("one", ({ task }) => {
  task({ id: "a" }, () => {});
});

describe("the client of browsers", () => {
  let server: RunningServer;
  let client: BrowserClient;

  beforeEach(async () => {
    server = await startServer({ address: "127.0.0.1:0", store: "memory:", log: quiet, checkBooks: true });
    client = new BrowserClient({ url: `http://${server.address}` });
    await client.register(one);
  });

  afterEach(async () => {
    client.close();
    await server.stop();
  });

  it("does and says what the client by gRPC does and says", async () => {
    using byGrpc = new NodeClient({ url: `grpc://${server.address}` });
    const { runId } = await client.start("one", { day: "monday" }, { requestId: "once" });
    expect(await byGrpc.start("one", { day: "monday" }, { requestId: "once" })).toMatchObject({
      runId,
      existing: true,
    });
    await client.cancel(runId, "seen enough");
    const told = await Promise.all(
      [client, byGrpc].map(async (c) => ({
        run: await c.get(runId),
        tasks: await c.tasks(runId),
        runs: await c.list(),
        workflows: await c.workflows(),
        explained: await c.explain(runId),
        log: await all(c.watch({ runId })),
        failed: await c.result(runId).catch((error: Error) => [error.name, error.message]),
      })),
    );
    expect(told[0]).toEqual(told[1]);
    expect(told[0]?.log.flatMap(({ events }) => events.map(({ type }) => type))).toEqual([
      "RUN_STARTED",
      "TASK_READY",
      "TASK_CANCELLED",
      "RUN_CANCELLED",
    ]);
  });

  it("throws what the client by gRPC throws", async () => {
    using byGrpc = new NodeClient({ url: `grpc://${server.address}` });
    const { runId } = await client.start("one");
    for (const wrong of [
      (c: BrowserClient) => c.get("r1"),
      (c: BrowserClient) => c.retry(runId),
      (c: BrowserClient) => c.explain(runId, ["b"]),
      (c: BrowserClient) => c.watch({ cursor: "x" }).next(),
      (c: BrowserClient) => c.start("two"),
    ]) {
      const [ours, theirs] = await Promise.all([client, byGrpc].map((c) => wrong(c).catch((error: unknown) => error)));
      expect(ours).toBeInstanceOf(RemoteError);
      const { code, message, details } = theirs as RemoteError;
      expect(ours).toMatchObject({ code, message, details });
    }
  });

  it("gives up a call after its time, and a watch when it is told to", async () => {
    // A server that takes connections and says nothing.
    const mute = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => mute.once("listening", resolve));
    const bound = mute.address();
    const port = typeof bound === "object" ? bound?.port : 0;
    const unanswered = new BrowserClient({ url: `http://127.0.0.1:${port}`, callTimeoutMs: 50 });
    await expect(unanswered.list()).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    unanswered.close();
    mute.close();

    const { runId } = await client.start("one");
    const enough = new AbortController();
    let count = 0;
    for await (const { events } of client.watch({ runId }, enough.signal)) {
      count += events.length;
      enough.abort();
    }
    expect(count).toBe(2);
    while (server.scheduler.feed.size > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it("says who was not reached, and what may be in the way", async () => {
    const { address } = server;
    await server.stop();
    const error: unknown = await client.list().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", address: `http://${address}` });
    expect(String(error)).toContain("cloaca server --allow-origin");
    server = await startServer({ address: "127.0.0.1:0", store: "memory:", log: quiet });
  });

  it("knows an address", () => {
    expect(["grpc://h:1", "grpcs://h:1", "http://h:1/", "https://h/cloaca/"].map(httpAddress)).toEqual([
      "http://h:1",
      "https://h:1",
      "http://h:1",
      "https://h/cloaca",
    ]);
    for (const url of ["h:1", "ftp://h", "http://", ""]) expect(() => httpAddress(url)).toThrow(ConnectionError);
  });
});

it("a browser's bundle has nothing of Node and nothing of gRPC, and is small", async () => {
  const entry = fileURLToPath(new URL("../client.browser.ts", import.meta.url));
  const { metafile, outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: ["@cloaca/source"],
    write: false,
    metafile: true,
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((path) => /node:|@grpc|acorn|runner\/|connect-node/.test(path))).toEqual([]);
  expect(inputs.some((path) => path.endsWith("fetch-channel.ts"))).toBe(true);
  expect(outputFiles[0]?.contents.length).toBeLessThan(300_000);
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
