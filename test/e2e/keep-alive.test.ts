import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Client } from "@cloaca/sdk";
import { startServer } from "@cloaca/server";
import { expect, it } from "vitest";

const TTL_MS = 2_000;

it("P5: a host keeps its session while its main thread computes for three times the TTL", async () => {
  let register = (): void => {};
  const registered = new Promise<void>((resolve) => {
    register = resolve;
  });
  const log = { info: (event: string) => event === "session_opened" && register(), warn() {}, error() {} };
  const server = await startServer({ address: "127.0.0.1:0", store: "memory:", limits: { sessionTtlMs: TTL_MS }, log });
  const program = fileURLToPath(new URL("../hosts/computing-host.mjs", import.meta.url));
  const host = spawn(process.execPath, [program, server.address, String(3 * TTL_MS)], { stdio: "inherit" });
  const exit = once(host, "exit");
  const client = new Client({ url: server.address });
  try {
    await registered;
    const { runId } = await client.start("slow");
    const { context } = await client.result(runId);
    expect(context.toJSON()).toEqual({ done: true });
    expect(await client.tasks(runId)).toMatchObject([{ attempt: 1, recovery: 0, fence: 1 }]);
  } finally {
    host.kill("SIGTERM");
    await exit;
    client.close();
    await server.stop();
  }
});
