// `npm run soak`: a scheduler and a host at half of their top speed, watched for leaks. Usage: node scripts/soak.mjs --help
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { repoRoot } from "./lib/process.mjs";
import { build, setUp } from "./lib/setup.mjs";

setUp();
build();
const tsx = pathToFileURL(join(repoRoot, "node_modules/tsx/dist/esm/index.mjs")).href;
const { status } = spawnSync(
  process.execPath,
  ["--import", tsx, join(repoRoot, "test/soak/main.ts"), ...process.argv.slice(2)],
  { stdio: "inherit" },
);
process.exitCode = status ?? 1;
