// Installs what the lock file names, when that is not what stands in node_modules. Node's own modules only.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { mustRun, repoRoot } from "./process.mjs";

const stamp = join(repoRoot, "node_modules/.cloaca-setup");

export function setUp() {
  const lock = readFileSync(join(repoRoot, "package-lock.json"), "utf8");
  const wanted = `${process.version}\n${lock}`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  process.stderr.write("setting up: npm ci\n");
  mustRun("npm", ["ci", "--no-audit", "--no-fund"], setUpEnv());
  writeFileSync(stamp, wanted);
}

/** better-sqlite3 compiles where no prebuilt binary can be downloaded; Node's headers beside the running Node suffice. */
function setUpEnv() {
  const prefix = dirname(dirname(process.execPath));
  const hasHeaders = existsSync(join(prefix, "include/node/node.h"));
  return hasHeaders ? { ...process.env, npm_config_nodedir: prefix } : process.env;
}
