// Runs a program of the repository from a fresh clone: installs and builds first where needed, then becomes it.
// Usage: node scripts/run.mjs cloaca|demo|polyglot|bench [args…]   ·   node scripts/run.mjs example <name> [args…]
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { repoRoot } from "./lib/process.mjs";
import { build, setUp } from "./lib/setup.mjs";

/** @type {Record<string, string>} */
const programs = {
  cloaca: "cli/bin/cloaca.js",
  demo: "examples/dist/demo/main.js",
  polyglot: "examples/dist/polyglot/main.js",
  bench: "bench/dist/main.js",
};

const [name = "", ...rest] = process.argv.slice(2);
const program = name === "example" ? example(rest.shift()) : programs[name];
if (program === undefined) {
  console.error(`unknown program ${JSON.stringify(name)}: one of ${[...Object.keys(programs), "example"].join(", ")}`);
  process.exit(2);
}

try {
  setUp();
  build();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

// In this very process, so that signals and the terminal are the program's own.
const file = join(repoRoot, program);
process.argv = [process.execPath, file, ...rest];
await import(pathToFileURL(file).href);

/** @param {string | undefined} wanted */
function example(wanted) {
  const names = readdirSync(join(repoRoot, "examples/ts"))
    .filter((entry) => entry.endsWith(".ts") && !entry.endsWith(".test.ts"))
    .map((entry) => entry.slice(0, -".ts".length));
  if (wanted !== undefined && existsSync(join(repoRoot, `examples/ts/${wanted}.ts`)))
    return `examples/dist/ts/${wanted}.js`;
  console.error(`usage: npm run example -- <name>, with one of:\n  ${names.join("\n  ")}`);
  process.exit(2);
}
