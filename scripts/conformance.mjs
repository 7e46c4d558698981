// Tests the hosts of this repository, in every language that is here, and its scheduler: a table of host and case.
// Usage: node scripts/conformance.mjs   ·   with arguments: those of cloaca-conformance
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { goProgram } from "./go.mjs";
import { repoRoot } from "./lib/process.mjs";
import { build, setUp } from "./lib/setup.mjs";
import { python } from "./python.mjs";

/**
 * The command that starts a host, or what stands in its way.
 * @type {readonly { name: string, command: () => { command: string } | { missing: string } }[]}
 */
const HOSTS = [
  { name: "typescript", command: () => ({ command: `${process.execPath} examples/dist/ts/conformance-host.js` }) },
  { name: "python", command: () => withPath(python(), (path) => `${path} examples/python/conformance_host.py`) },
  { name: "go", command: () => withPath(goProgram("conformance-host"), (path) => path) },
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
  for (const { name, command } of HOSTS) {
    const found = command();
    if ("missing" in found) console.error(`left out: the host in ${name}; ${found.missing}`);
    else hosts.push("--host", `${name}=${found.command}`);
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

/** @param {{ path: string } | { missing: string }} found @param {(path: string) => string} command */
function withPath(found, command) {
  return "path" in found ? { command: command(found.path) } : found;
}
