// Go, for the tests with grpcurl and for the host in examples/go: its tools at pinned versions, its stubs, and its programs.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { mustRun, nodeBin, repoRoot, toolEnv } from "./lib/process.mjs";

const exe = process.platform === "win32" ? ".exe" : "";
const hostFolder = join(repoRoot, "examples/go");

/** Where the stubs live, from the root: nothing else may live in there. */
export const goStubs = "examples/go/cloacav1";

/** What makes the stubs. The versions of the libraries that they need are in go.mod. */
const plugins = [
  { command: "protoc-gen-go", module: "google.golang.org/protobuf/cmd/protoc-gen-go", version: "v1.36.12" },
  {
    command: "protoc-gen-go-grpc",
    module: "google.golang.org/grpc/cmd/protoc-gen-go-grpc",
    version: "v1.6.2",
  },
];

/**
 * The programs of the host in Go, by the names of their files in examples/go/bin.
 * @typedef {"conformance-host" | "bench-host" | "restart-host" | "polyglot-host"} GoProgram
 */

/**
 * The path of a command at a version, installed into the cache when it is not there.
 * @param {{ command: string, module: string, version: string }} tool
 * @returns {{ path: string } | { missing: string }} or what stands in the way
 */
export function goTool({ command, module, version }) {
  const folder = join(repoRoot, "node_modules/.cache/cloaca", `${command}-${version}`);
  const path = join(folder, `${command}${exe}`);
  if (existsSync(path)) return { path };
  const missing = goMissing();
  if (missing !== undefined) return { missing };
  mkdirSync(folder, { recursive: true });
  try {
    go(["install", `${module}@${version}`], { GOBIN: folder, GOFLAGS: "-mod=mod" });
  } catch (error) {
    return { missing: `Go could not install ${command} ${version}: ${lastLine(error)}` };
  }
  return { path };
}

/**
 * Go as the host in examples/go needs it.
 * @returns {{ version: string } | { missing: string }} or what stands in the way
 */
export function goForHost() {
  const missing = goMissing();
  if (missing !== undefined) return { missing };
  const wanted = /^go (\S+)$/m.exec(readFileSync(join(hostFolder, "go.mod"), "utf8"))?.[1] ?? "";
  // Says the version that would be used in the module: a newer one when Go may fetch it, else it fails.
  try {
    return { version: go(["env", "GOVERSION"], {}, hostFolder).trim() };
  } catch (error) {
    return { missing: `Go ${wanted} or newer is needed: ${lastLine(error)}` };
  }
}

/**
 * Builds a program of examples/go; quick when nothing changed.
 * @param {GoProgram} name
 * @returns {{ path: string } | { missing: string }} or what stands in the way
 */
export function goProgram(name) {
  const found = goForHost();
  if ("missing" in found) return found;
  const path = join(hostFolder, "bin", `${name}${exe}`);
  try {
    go(["build", "-o", path, `./cmd/${name}`], {}, hostFolder);
  } catch (error) {
    return { missing: `Go could not build ${name}: ${error instanceof Error ? error.message : error}` };
  }
  return { path };
}

/**
 * Generates the stubs of the host in Go.
 * @param {string} into the folder that stands for the repository's root
 * @returns {string | undefined} what stands in the way, where nothing was generated
 */
export function generateGoStubs(into) {
  /** @type {string[]} */
  const folders = [];
  for (const plugin of plugins) {
    const found = goTool(plugin);
    if ("missing" in found) return found.missing;
    folders.push(join(found.path, ".."));
  }
  rmSync(join(into, goStubs), { recursive: true, force: true });
  const env = toolEnv();
  const [buf, ...args] = nodeBin("buf");
  const path = [...folders, env.PATH].join(delimiter);
  mustRun(buf, [...args, "generate", "--template", "buf.gen.go.yaml", "--output", into], {
    ...env,
    PATH: path,
  });
  return undefined;
}

/** @returns {string | undefined} */
function goMissing() {
  try {
    go(["version"]);
    return undefined;
  } catch {
    return "Go is not installed";
  }
}

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @param {string} [cwd]
 */
function go(args, env = {}, cwd = repoRoot) {
  return execFileSync("go", args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
  });
}

/** @param {unknown} error */
function lastLine(error) {
  return (error instanceof Error ? error.message : String(error)).trim().split("\n").at(-1);
}

// `node scripts/go.mjs conformance-host` builds a program and prints its path.
if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const found = goProgram(/** @type {GoProgram} */ (process.argv[2] ?? "conformance-host"));
  console.log("path" in found ? found.path : found.missing);
  process.exitCode = "path" in found ? 0 : 1;
}
