// Child processes for the scripts. Node's own modules only: these run before anything is installed.
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const repoRoot = join(dirname(fileURLToPath(import.meta.url)), "../..");

/**
 * The command of an installed package, run by this Node: no shell, no shim, the same on every platform.
 * @param {string} name of the command
 * @param {string} [packageName] where the package is named otherwise
 * @returns {[string, ...string[]]} the program and its first arguments
 */
export function nodeBin(name, packageName = packages[name] ?? name) {
  const folder = join(repoRoot, "node_modules", packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = typeof bin === "string" ? bin : bin[name];
  return [process.execPath, join(folder, file)];
}

/** @type {Record<string, string>} */
const packages = {
  biome: "@biomejs/biome",
  buf: "@bufbuild/buf",
  depcruise: "dependency-cruiser",
  tsc: "typescript",
};

/** The local plugins of `buf` are found on the path. */
export function toolEnv() {
  const separator = process.platform === "win32" ? ";" : ":";
  return { ...process.env, PATH: `${join(repoRoot, "node_modules/.bin")}${separator}${process.env.PATH ?? ""}` };
}

/**
 * Runs a program and keeps what it prints.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export function capture(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: repoRoot,
      env: toolEnv(),
      stdio: ["ignore", "pipe", "pipe"],
      ...options,
    });
    /** @type {Buffer[]} */
    const chunks = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.stderr.on("data", (chunk) => chunks.push(chunk));
    child.on("error", (error) => resolve({ ok: false, output: error.message }));
    child.on("close", (code) => resolve({ ok: code === 0, output: Buffer.concat(chunks).toString("utf8") }));
  });
}

/**
 * Runs a program; throws when it fails. What it prints goes to stderr, so that stdout stays the caller's own.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
export function mustRun(program, args, env = toolEnv()) {
  const { status, error, signal } = spawnSync(program, args, {
    cwd: repoRoot,
    env,
    stdio: ["ignore", 2, 2],
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${[program, ...args].join(" ")} ended with ${signal ?? `exit code ${status}`}`);
}

/** @returns {[string, ...string[]]} npm, the very one that runs this where there is one */
export function npm() {
  const cli = process.env.npm_execpath;
  if (cli !== undefined && /npm-cli\.c?js$/.test(cli)) return [process.execPath, cli];
  return [process.platform === "win32" ? "npm.cmd" : "npm"];
}
