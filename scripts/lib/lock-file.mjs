// The lock file serves every platform and every registry: npm drops entries of other platforms when it writes the file
// beside an installed node_modules, and `npm ci` then refuses it elsewhere.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "./process.mjs";

/** @typedef {{ resolved?: string, link?: boolean, [kind: string]: unknown }} Entry */

/** @returns {string[]} what is wrong with it */
export function lockFileProblems() {
  /** @type {Record<string, Entry>} */
  const packages = JSON.parse(readFileSync(join(repoRoot, "package-lock.json"), "utf8")).packages;
  const problems = [];
  for (const [path, entry] of Object.entries(packages)) {
    if (entry.resolved?.includes("://")) problems.push(`${path} carries the download address ${entry.resolved}`);
    for (const name of [...names(entry.dependencies), ...names(entry.optionalDependencies)]) {
      if (!resolves(packages, path, name)) problems.push(`${path || "the root"} needs ${name}, which has no entry`);
    }
  }
  return problems;
}

/** @param {unknown} dependencies */
function names(dependencies) {
  return Object.keys(dependencies ?? {});
}

/** @param {Record<string, Entry>} packages @param {string} from @param {string} name */
function resolves(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/")))) {
    if (packages[join(folder, "node_modules", name).replaceAll("\\", "/")] !== undefined) return true;
    if (folder === "") return false;
  }
}
