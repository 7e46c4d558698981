// Installs what the lock file names, when that is not what stands in node_modules. Node's own modules only.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { mustRun, nodeBin, npm, repoRoot } from "./process.mjs";

const oldest = [20, 19];
const installedFile = join(repoRoot, "node_modules/.package-lock.json");

/** Installs the packages of the lock file unless they are there, and says on stderr what it does. */
export function setUp() {
  checkNode();
  const reason = packagesMissing() ?? nativeModuleBroken();
  if (reason === undefined) return;
  // `npm ci` empties node_modules first: what is there already is mended instead, for it may be in use.
  const command = existsSync(installedFile) ? ["install", "--no-save"] : ["ci"];
  console.error(`set-up: npm ${command.join(" ")} (${reason})`);
  const [program, ...args] = npm();
  mustRun(program, [...args, ...command, "--no-audit", "--no-fund", "--include=dev"], setUpEnv());
  const still = packagesMissing() ?? nativeModuleBroken();
  if (still !== undefined) throw new Error(`npm ${command[0]} ended well, but ${still}`);
}

/** Compiles every package; quick when nothing changed. */
export function build() {
  const [tsc, ...args] = nodeBin("tsc");
  mustRun(tsc, [...args, "-b"]);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [needMajor = 0, needMinor = 0] = oldest;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  throw new Error(`Node ${process.versions.node} runs here; cloaca needs ${oldest.join(".")} or newer`);
}

/** @returns {string | undefined} what differs between the lock file and what npm has installed */
function packagesMissing() {
  if (!existsSync(installedFile)) return "nothing is installed yet";
  /** @type {(file: string) => Record<string, { version?: string, optional?: boolean }>} */
  const read = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
  const installed = read(installedFile);
  for (const [path, locked] of Object.entries(read(join(repoRoot, "package-lock.json")))) {
    if (path === "") continue;
    const found = installed[path];
    // Optional packages are those of other platforms.
    if (found === undefined && locked.optional === true) continue;
    if (found === undefined) return `${path} is not installed`;
    if (found.version !== locked.version) return `${path} is ${found.version}, the lock file says ${locked.version}`;
    if (!existsSync(join(repoRoot, path))) return `${path} is not there`;
  }
  return undefined;
}

/** @returns {string | undefined} why SQLite does not load, for example after a change of Node's version */
function nativeModuleBroken() {
  try {
    const Database = createRequire(join(repoRoot, "server/package.json"))("better-sqlite3");
    new Database(":memory:").close();
    return undefined;
  } catch (error) {
    return `better-sqlite3 does not load: ${error instanceof Error ? error.message.split("\n")[0] : error}`;
  }
}

/** better-sqlite3 compiles where no prebuilt binary can be downloaded; Node's headers beside the running Node suffice. */
function setUpEnv() {
  const prefixes = [process.execPath, realpathSync(process.execPath)].map((file) => join(dirname(file), ".."));
  const prefix = prefixes.find((folder) => existsSync(join(folder, "include/node/node.h")));
  return prefix === undefined ? process.env : { npm_config_nodedir: prefix, ...process.env };
}
