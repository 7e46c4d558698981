/** The process of the host in Python, in the environment of its tests. */
import { execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { end, unexpectedEnd } from "./child.js";

const INTERPRETER = fileURLToPath(new URL("../../../scripts/python.mjs", import.meta.url));
const PROGRAM = fileURLToPath(new URL("../../../examples/python/bench_host.py", import.meta.url));

export interface PythonHost {
  /** The workflow that it brings, of one task. */
  readonly workflow: string;
  stop(): Promise<void>;
}

/** Resolves once it is registered. Throws where Python is not installed. */
export async function startPythonHost(address: string, slots: number): Promise<PythonHost> {
  const python = execFileSync(process.execPath, [INTERPRETER], { encoding: "utf8" }).trim();
  const child = spawn(python, [PROGRAM, "--address", address, "--slots", String(slots)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const started = new Promise<string>((resolve) => {
    createInterface(child.stdout).on("line", (line) => {
      const { event, workflow } = JSON.parse(line) as { event: string; workflow: string };
      if (event === "host_started") resolve(workflow);
    });
  });
  const workflow = await Promise.race([started, unexpectedEnd(child, "host in Python", () => errors)]);
  return { workflow, stop: () => end(child) };
}
