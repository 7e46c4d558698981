/** What a connection of HTTP/1.1 may do to the scheduler, byte by byte. */
import { once } from "node:events";
import { connect, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Listener } from "../rpc/listener.js";
import { serviceMethods } from "../rpc/service-methods.js";
import { type RunningServer, startServer } from "../start-server.js";
import { connectDoor } from "./connect-door.js";

const quiet = { info() {}, warn() {}, error() {} };

let server: RunningServer;
const opened: (() => unknown)[] = [];

beforeEach(async () => {
  server = await startServer({ address: "127.0.0.1:0", store: "memory:", log: quiet });
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of opened.splice(0).reverse()) await close();
  await server.stop();
});

async function dial(address = server.address): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port: Number(address.split(":")[1]) });
  opened.push(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** A Connect message of a stream: its flags, its length, and the JSON. */
function enveloped(json: string): string {
  return `\0\0\0\0${String.fromCharCode(json.length)}${json}`;
}

function call(method: string, body: string, type = "application/json"): string {
  const head = `POST /cloaca.v1.${method} HTTP/1.1\r\nHost: here\r\nContent-Type: ${type}`;
  return `${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

async function post(method: string, request: object) {
  const headers = { "content-type": "application/json" };
  const url = `http://${server.address}/cloaca.v1.${method}`;
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(request) });
  expect(response.status).toBe(200);
  return (await response.json()) as { runId: string };
}

/** Looks again after each turn of the loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe("a connection of HTTP/1.1", () => {
  it("takes with it the calls whose turn to be answered had not come", async () => {
    const { feed } = server.scheduler;
    await post("WorkflowService/RegisterWorkflow", { definition: { name: "w", tasks: [{ id: "a" }] } });
    const socket = await dial();
    for (let count = 1; count <= 3; count++) {
      const { runId } = await post("RunService/StartRun", { run: { workflow: "w" } });
      const watch = enveloped(JSON.stringify({ runId }));
      socket.write(call("RunService/WatchRuns", watch, "application/connect+json"));
    }
    await until(() => feed.size === 3);
    socket.destroy();
    await until(() => feed.size === 0);
  });

  /** A second door to the scheduler, whose patience is short. */
  async function openHasty(): Promise<string> {
    const timeLimits = { headersTimeout: 200, requestTimeout: 200, connectionsCheckingInterval: 20 };
    const options = { maxMessageBytes: 1_000, allowOrigins: [], timeLimits };
    const door = connectDoor(serviceMethods(server.scheduler), options);
    const listener = await Listener.open("127.0.0.1:0", (socket) => door.take(socket));
    opened.push(async () => {
      door.close(0);
      await listener.close(0);
    });
    return listener.address;
  }

  it.each([
    ["half a head", "POST /cloaca.v1.RunService/ListRuns HTTP/1.1\r\nHost: h"],
    ["half a body", call("RunService/ListRuns", "{}").slice(0, -1)],
  ])("is ended with %s after a while", async (_name, words) => {
    const socket = await dial(await openHasty());
    socket.write(words);
    expect(await text(socket)).toMatch(/^HTTP\/1.1 408 /);
  });

  it("may wait for its answer for longer than for its request", async () => {
    await post("WorkflowService/RegisterWorkflow", { definition: { name: "w", tasks: [{ id: "a" }] } });
    const { runId } = await post("RunService/StartRun", { run: { workflow: "w" } });
    const socket = await dial(await openHasty());
    socket.write(call("RunService/GetRun", JSON.stringify({ runId, waitMs: 800 })));
    expect(String(await once(socket, "data"))).toMatch(/^HTTP\/1.1 200 /);
  });

  it.each([
    ["no method", "RunService/Nothing", "", 404],
    ["a page that may not call", "RunService/ListRuns", "Origin: https://page.example\r\n", 403],
    ["another type", "RunService/ListRuns", "Content-Type: text/plain\r\n", 415],
  ])("ends after the answer to %s, however much it would still send", async (_name, method, header, status) => {
    const socket = await dial();
    const size = "Content-Length: 1000000000";
    socket.write(`POST /cloaca.v1.${method} HTTP/1.1\r\nHost: here\r\n${header}${size}\r\n\r\nx`);
    const answer = await text(socket);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain("Connection: close");
  });

  it.each([
    ["no host", "1.0", ""],
    ["an empty host", "1.1", "Host: \r\n"],
    ["two words for a host", "1.1", "Host: a b\r\n"],
    ["half an address", "1.1", "Host: [::1\r\n"],
    ["a port too high", "1.1", "Host: x:99999\r\n"],
  ])("is answered with %s", async (_name, version, host) => {
    const socket = await dial();
    const head = `POST /cloaca.v1.RunService/ListRuns HTTP/${version}\r\n${host}Connection: close`;
    socket.write(`${head}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`);
    expect(await text(socket)).toMatch(/^HTTP\/1.1 200 /);
  });

  it("is probed, so that a watcher that vanished without a word is noticed", async () => {
    const setKeepAlive = vi.spyOn(Socket.prototype, "setKeepAlive");
    const socket = await dial();
    socket.write(call("RunService/ListRuns", "{}"));
    await once(socket, "data");
    expect(setKeepAlive.mock.calls).toEqual([[true, 300_000]]);
  });
});
