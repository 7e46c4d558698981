// curl and jq, for the host in bash and for what a person types.
import { spawnSync } from "node:child_process";

/** Parts of curl's version that `--fail-with-body` needs. */
const CURL = [7, 76];

/**
 * Bash, curl and jq, as the machine has them.
 * @returns {{ version: string } | { missing: string }} or what stands in the way
 */
export function curl() {
  const [bash, curl, jq] = ["bash", "curl", "jq"].map((name) => spawnSync(name, ["--version"], { encoding: "utf8" }));
  for (const [name, found] of Object.entries({ bash, curl, jq })) {
    if (found?.status !== 0) return { missing: `there is no ${name} here` };
  }
  const [, version = "0"] = /^curl (\S+)/.exec(curl?.stdout ?? "") ?? [];
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [leastMajor = 0, leastMinor = 0] = CURL;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return { version };
  return { missing: `curl is ${version}; ${CURL.join(".")} or newer is needed` };
}
