// `npm run sim`: the deterministic simulation, from the sources. Usage: node scripts/sim.mjs --help
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { repoRoot } from "./lib/process.mjs";
import { setUp } from "./lib/setup.mjs";

setUp();
const tsx = pathToFileURL(join(repoRoot, "node_modules/tsx/dist/esm/index.mjs")).href;
const { status } = spawnSync(
  process.execPath,
  ["--import", tsx, join(repoRoot, "test/sim/main.ts"), ...process.argv.slice(2)],
  { stdio: "inherit" },
);
process.exitCode = status ?? 1;
