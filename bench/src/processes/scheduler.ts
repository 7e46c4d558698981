/** The scheduler's process: `cloaca server` on a SQLite file in a folder of its own. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { end, unexpectedEnd } from "./child.js";

const COMMAND = fileURLToPath(new URL("../../../cli/bin/cloaca.js", import.meta.url));

export interface SchedulerProcess {
  readonly address: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** `profileFolder` gets a V8 CPU profile when the scheduler stops. */
export async function startScheduler(profileFolder: string | null): Promise<SchedulerProcess> {
  const folder = mkdtempSync(join(tmpdir(), "cloaca-bench-"));
  const profile = profileFolder === null ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`];
  const store = `sqlite://${join(folder, "bench.db")}`;
  const child = spawn(
    process.execPath,
    [...profile, COMMAND, "server", "--address", "127.0.0.1:0", "--store", store, "--log-format", "json"],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const started = new Promise<string>((resolve) => {
    createInterface(child.stdout).on("line", (line) => {
      const { event, level, address } = JSON.parse(line) as { event: string; level: number; address?: string };
      if (event === "server_started" && address !== undefined) resolve(address);
      if (level >= 40) process.stderr.write(`scheduler: ${line}\n`);
    });
  });
  const address = await Promise.race([started, unexpectedEnd(child, "scheduler", () => errors)]);
  return {
    address,
    pid: child.pid ?? 0,
    async stop() {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
