// Tests the hosts of this repository, in every language that is here, and its scheduler: a table of host and case.
// Usage: node scripts/conformance.mjs   ·   with arguments: those of cloaca-conformance
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { repoRoot } from "./lib/process.mjs";
import { build, setUp } from "./lib/setup.mjs";

/** A host is tested when the file is there that it needs. */
const HOSTS = [
  {
    name: "typescript",
    needs: "examples/dist/ts/conformance-host.js",
    program: () => Promise.resolve(process.execPath),
    file: "examples/dist/ts/conformance-host.js",
  },
  {
    name: "python",
    needs: "examples/python/conformance_host.py",
    program: pythonPath,
    file: "examples/python/conformance_host.py",
  },
  {
    name: "go",
    needs: "examples/go/bin/conformance-host",
    program: () => Promise.resolve("exec"),
    file: "examples/go/bin/conformance-host",
  },
];

try {
  setUp();
  build();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
process.chdir(repoRoot);

/** @type {import("node:child_process").ChildProcess | undefined} */
let scheduler;
let args = process.argv.slice(2);
if (args.length === 0) {
  /** @type {string[]} */
  const hosts = [];
  for (const { name, needs, program, file } of HOSTS) {
    const path = existsSync(needs) ? await program() : undefined;
    if (path === undefined) console.error(`left out: the ${name} host; ${needs} is not there, or nothing that runs it`);
    else hosts.push("--host", `${name}=${path} ${file}`);
  }
  args = [...hosts, "--scheduler", await startScheduler()];
}
const kit = join(repoRoot, "conformance/dist/main.js");
process.argv = [process.execPath, kit, ...args];
await import(pathToFileURL(kit).href);
// It keeps this process as long as it runs.
scheduler?.kill();

/** Starts a scheduler that ends with this process, and returns its address. */
async function startScheduler() {
  const command = ["cli/bin/cloaca.js", "server", "--address", "127.0.0.1:0", "--store", "memory:"];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => child.kill());
  scheduler = child;
  for await (const line of createInterface({ input: child.stdout })) {
    const { event, address } = JSON.parse(line);
    if (event !== "server_started") continue;
    child.stdout.resume();
    return address;
  }
  throw new Error("the scheduler ended before it listened");
}

/** @returns {Promise<string | undefined>} an interpreter with the packages that the host needs */
async function pythonPath() {
  const script = join(repoRoot, "scripts/python.mjs");
  if (!existsSync(script)) return undefined;
  const { python } = await import(pathToFileURL(script).href);
  const found = python();
  return "path" in found ? found.path : undefined;
}
