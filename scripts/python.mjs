// Python with what the host in examples/python needs, at pinned versions, in an environment of its own.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { repoRoot } from "./lib/process.mjs";

const oldest = [3, 10];

/**
 * The path of a Python interpreter that has the packages of requirements.lock; installs them into the cache when they are not there.
 * @returns {{ path: string } | { missing: string }} or what stands in the way
 */
export function python() {
  const found = interpreter();
  if ("missing" in found) return found;
  const lock = join(repoRoot, "examples/python/requirements.lock");
  const key = createHash("sha256").update(found.version).update(readFileSync(lock)).digest("hex").slice(0, 16);
  const folder = join(repoRoot, "node_modules/.cache/cloaca", `python-${key}`);
  const done = join(folder, "cloaca-is-installed");
  const path = join(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  if (existsSync(done)) return { path };
  try {
    rmSync(folder, { recursive: true, force: true });
    run(found.path, "-m", "venv", folder);
    const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"];
    run(path, ...install, "--requirement", lock);
    mkdirSync(`${done}.tmp`);
    renameSync(`${done}.tmp`, done);
  } catch (error) {
    const lines = (error instanceof Error ? error.message : String(error)).trim().split("\n");
    return { missing: `Python could not install requirements.lock: ${lines.at(-1)}` };
  }
  return { path };
}

/** @returns {{ path: string, version: string } | { missing: string }} */
function interpreter() {
  let tooOld = "";
  for (const name of ["python3", "python"]) {
    try {
      const version = run(name, "-c", "import sys, venv; print('.'.join(map(str, sys.version_info[:3])))").trim();
      const [major = 0, minor = 0] = version.split(".").map(Number);
      if (major === oldest[0] && minor >= (oldest[1] ?? 0)) return { path: name, version };
      tooOld = version;
    } catch {
      // The next name.
    }
  }
  const wanted = `Python ${oldest.join(".")} or newer`;
  return { missing: tooOld === "" ? `${wanted} is not installed` : `${wanted} is needed, and ${tooOld} is installed` };
}

/** @param {string} program @param {string[]} args */
function run(program, ...args) {
  return execFileSync(program, args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const found = python();
  console.log("path" in found ? found.path : found.missing);
  process.exitCode = "path" in found ? 0 : 1;
}
