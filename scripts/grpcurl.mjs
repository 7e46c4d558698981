// grpcurl at a pinned version, for the tests that drive a live scheduler as a person would. Needs Go, once.
import { pathToFileURL } from "node:url";
import { goTool } from "./go.mjs";

const tool = { command: "grpcurl", module: "github.com/fullstorydev/grpcurl/cmd/grpcurl", version: "v1.9.3" };

/**
 * The path of the grpcurl binary, installed into the cache when it is not there.
 * @returns {{ path: string } | { missing: string }} or what stands in the way
 */
export function grpcurl() {
  return goTool(tool);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const found = grpcurl();
  console.log("path" in found ? found.path : found.missing);
  process.exitCode = "path" in found ? 0 : 1;
}
