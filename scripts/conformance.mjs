// Tests the hosts of this repository, in every language that is here, and its scheduler: a table of host and case.
// Usage: node scripts/conformance.mjs   ·   with arguments: those of cloaca-conformance
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { repoRoot } from "./lib/process.mjs";
import { build, setUp } from "./lib/setup.mjs";

/** A host is tested when the file is there that its command needs. */
const HOSTS = [
  {
    name: "typescript",
    needs: "examples/dist/ts/conformance-host.js",
    command: "node examples/dist/ts/conformance-host.js",
  },
  {
    name: "python",
    needs: "examples/python/.venv/bin/python",
    command: "examples/python/.venv/bin/python examples/python/conformance_host.py",
  },
  { name: "go", needs: "examples/go/bin/conformance-host", command: "examples/go/bin/conformance-host" },
];

try {
  setUp();
  build();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
process.chdir(repoRoot);

let args = process.argv.slice(2);
if (args.length === 0) {
  const here = HOSTS.filter(({ needs }) => existsSync(needs));
  for (const { name, needs } of HOSTS) if (!existsSync(needs)) console.error(`no ${name} host: ${needs} is not there`);
  const hosts = here.flatMap(({ name, command }) => ["--host", `${name}=${command}`]);
  args = [...hosts, "--scheduler", await startScheduler()];
}
const kit = join(repoRoot, "conformance/dist/main.js");
process.argv = [process.execPath, kit, ...args];
await import(pathToFileURL(kit).href);

/** Starts a scheduler that ends with this process, and returns its address. */
async function startScheduler() {
  const command = ["cli/bin/cloaca.js", "server", "--address", "127.0.0.1:0", "--store", "memory:"];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => child.kill());
  for await (const line of createInterface({ input: child.stdout })) {
    const { event, address } = JSON.parse(line);
    if (event !== "server_started") continue;
    child.stdout.resume();
    child.unref();
    return address;
  }
  throw new Error("the scheduler ended before it listened");
}
