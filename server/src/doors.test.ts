/** How both protocols end on the one port that they share. */
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "./start-server.js";

const quiet = { info() {}, warn() {}, error() {} };

let server: RunningServer;
const sockets: Socket[] = [];

beforeEach(async () => {
  server = await startServer({ address: "127.0.0.1:0", store: "memory:", log: quiet });
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function dial(): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port: Number(server.address.split(":")[1]) });
  sockets.push(socket);
  await once(socket, "connect");
  return socket;
}

/** A call by HTTP/1.1 that keeps its connection. */
function call(method: string, body: string, type = "application/json"): string {
  const head = `POST /cloaca.v1.${method} HTTP/1.1\r\nHost: here\r\nContent-Type: ${type}`;
  return `${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Resolves with all that was heard since the last call, once these words are in it. */
function heard(socket: Socket, words: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const hear = (bytes: Buffer): void => {
      text += String(bytes);
      if (!text.includes(words)) return;
      socket.off("data", hear);
      resolve(text);
    };
    socket.on("data", hear);
  });
}

const DEFINITION = JSON.stringify({ definition: { name: "w", tasks: [{ id: "a" }] } });

function runIdIn(text: string): string {
  return /"runId":"(\w+)"/.exec(text)?.[1] ?? "";
}

/** Milliseconds. */
async function timed(act: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await act();
  return performance.now() - begun;
}

describe("the doors of a scheduler that stops", () => {
  it("close at once when its connections are idle, of either protocol, or silent", async () => {
    const [idle, silent] = [await dial(), await dial()];
    const http2 = connectHttp2(`http://${server.address}`);
    await once(http2, "connect");
    idle.write(call("RunService/ListRuns", "{}"));
    await heard(idle, "{}");
    const ends = [once(idle, "close"), once(silent, "close"), once(http2, "close")];
    silent.resume();
    // Far below the grace of two seconds.
    expect(await timed(() => server.stop())).toBeLessThan(1_000);
    await Promise.all(ends);
  });

  it("answer who waits, and close when that is done", async () => {
    const socket = await dial();
    socket.write(call("WorkflowService/RegisterWorkflow", DEFINITION));
    await heard(socket, '"current":true');
    socket.write(call("RunService/StartRun", '{"run":{"workflow":"w"}}'));
    const runId = runIdIn(await heard(socket, "workflowVersion"));
    socket.write(call("RunService/GetRun", JSON.stringify({ runId, waitMs: 60_000 })));
    while (server.scheduler.feed.size === 0) await new Promise((resolve) => setImmediate(resolve));
    const [answered, closed] = [heard(socket, "RUN_STATUS_PENDING"), once(socket, "close")];
    expect(await timed(() => server.stop())).toBeLessThan(1_000);
    await Promise.all([answered, closed]);
  });

  it("cut who does not read", async () => {
    const socket = await dial();
    const definition = { name: "w", description: "x".repeat(1024 * 1024), tasks: [{ id: "a" }] };
    socket.write(call("WorkflowService/RegisterWorkflow", JSON.stringify({ definition })));
    await heard(socket, '"current":true');
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {}).pause();
    // More than the buffers of both sides hold. What the last one registers shows that all have arrived.
    const large = call("WorkflowService/GetWorkflow", '{"name":"w"}');
    socket.write(large.repeat(40) + call("WorkflowService/RegisterWorkflow", DEFINITION.replace("w", "last")));
    const { store } = server.scheduler;
    while ((await store.readWorkflow("default", "last", "")) === null) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const took = await timed(() => server.stop());
    // Not before its grace was over: it was stuck.
    expect([took > 2_000, took < 10_000]).toEqual([true, true]);
    socket.resume();
    await closed;
  });
});
