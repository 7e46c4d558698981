import { afterEach, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "../start-server.js";

const quiet = { info() {}, warn() {}, error() {} };
const servers: RunningServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function start(...allowOrigins: string[]): Promise<string> {
  const server = await startServer({ address: "127.0.0.1:0", store: "memory:", log: quiet, allowOrigins });
  servers.push(server);
  return `http://${server.address}/cloaca.v1.WorkflowService/RegisterWorkflow`;
}

const REGISTER = JSON.stringify({ definition: { name: "w", tasks: [{ id: "a" }] } });

function register(url: string, origin?: string): Promise<Response> {
  const headers = { "content-type": "application/json", ...(origin === undefined ? null : { origin }) };
  return fetch(url, { method: "POST", body: REGISTER, headers });
}

function preflight(url: string, origin: string): Promise<Response> {
  const headers = { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" };
  return fetch(url, { method: "OPTIONS", headers });
}

const PAGE = "https://page.example";

describe("web pages", () => {
  it("may not call by default, and what they call has no effect", async () => {
    const url = await start();
    const refused = await register(url, PAGE);
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({
      code: "permission_denied",
      message: `pages of "${PAGE}" may not call; start the scheduler with --allow-origin ${PAGE}`,
      details: [{ debug: { reason: "ORIGIN_NOT_ALLOWED" } }],
    });
    expect(refused.headers.get("access-control-allow-origin")).toBeNull();
    expect(await servers[0]?.scheduler.store.readWorkflow("default", "w", "")).toBeNull();
    const asked = await preflight(url, PAGE);
    expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([403, null]);
    // The flag does not take it.
    expect(await (await register(url, "null")).json()).toMatchObject({ message: 'pages of "null" may not call' });
    // A program that is no browser names no origin.
    expect((await register(url)).status).toBe(200);
  });

  it("may call when their origin is allowed, and that one alone", async () => {
    const url = await start(PAGE, "http://localhost:5173");
    const asked = await preflight(url, PAGE);
    expect(asked.status).toBe(204);
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      "access-control-allow-origin": PAGE,
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": expect.stringMatching(
        /Content-Type.*Connect-Protocol-Version.*Connect-Timeout-Ms/,
      ),
      vary: "Origin",
    });
    const called = await register(url, PAGE);
    expect(called.status).toBe(200);
    expect(Object.fromEntries(called.headers)).toMatchObject({
      "access-control-allow-origin": PAGE,
      "access-control-expose-headers": expect.stringMatching(/grpc-status-details-bin/i),
      vary: "Origin",
    });
    for (const origin of [
      "http://page.example",
      "https://page.example:444",
      "https://page.example.evil.example",
      "null",
    ]) {
      expect([origin, (await register(url, origin)).status]).toEqual([origin, 403]);
    }
  });

  it("read errors too, whatever they are about", async () => {
    const url = await start(PAGE);
    const headers = { origin: PAGE, "content-type": "application/json" };
    for (const [path, body] of [
      [url, "{"],
      [`${url}s`, REGISTER],
    ] as const) {
      const response = await fetch(path, { method: "POST", body, headers });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.headers.get("access-control-allow-origin")).toBe(PAGE);
    }
  });

  it("may all call where all may", async () => {
    const called = await register(await start("*"), PAGE);
    expect([called.status, called.headers.get("access-control-allow-origin")]).toEqual([200, PAGE]);
  });
});
