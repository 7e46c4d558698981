// grpcurl at a pinned version, for the tests that drive a live scheduler as a person would. Needs Go, once.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { repoRoot } from "./lib/process.mjs";

const version = "v1.9.3";

/**
 * The path of the grpcurl binary, installed into the cache when it is not there.
 * @returns {{ path: string } | { missing: string }} or what stands in the way
 */
export function grpcurl() {
  const folder = join(repoRoot, "node_modules/.cache/cloaca", `grpcurl-${version}`);
  const path = join(folder, process.platform === "win32" ? "grpcurl.exe" : "grpcurl");
  if (existsSync(path)) return { path };
  try {
    execFileSync("go", ["version"], { stdio: "ignore" });
  } catch {
    return { missing: "Go is not installed" };
  }
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync("go", ["install", `github.com/fullstorydev/grpcurl/cmd/grpcurl@${version}`], {
      env: { ...process.env, GOBIN: folder, GOFLAGS: "-mod=mod" },
      stdio: ["ignore", "ignore", "pipe"],
      encoding: "utf8",
    });
  } catch (error) {
    const lines = (error instanceof Error ? error.message : String(error)).trim().split("\n");
    return { missing: `Go could not install grpcurl ${version}: ${lines.at(-1)}` };
  }
  return { path };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const found = grpcurl();
  console.log("path" in found ? found.path : found.missing);
  process.exitCode = "path" in found ? 0 : 1;
}
