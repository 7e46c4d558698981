// Runs vitest and counts what it says.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeBin, repoRoot } from "./process.mjs";

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/**
 * @param {readonly string[]} args of `vitest run`
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<Counts>} a run that cannot tell has failed once
 */
export async function runVitest(args, env = process.env) {
  const folder = mkdtempSync(join(tmpdir(), "cloaca-test-"));
  try {
    const report = join(folder, "report.json");
    const [program, ...first] = nodeBin("vitest");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const ok = await inherit(program, [...first, "run", ...reporters, ...args], env);
    const found = JSON.parse(readFileSync(report, "utf8"));
    /** @type {{ status: string, assertionResults: unknown[] }[]} */
    const files = found.testResults;
    // A file that does not load has no tests that could fail; nor has an error outside every test.
    const unloadable = files.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length;
    return {
      passed: found.numPassedTests,
      failed: Math.max(found.numFailedTests + unloadable, ok ? 0 : 1),
      skipped: found.numPendingTests + found.numTodoTests,
    };
  } catch (error) {
    console.log(`vitest wrote no report: ${error instanceof Error ? error.message : error}`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The last line of what runs tests. @param {Counts} counts */
export function countsText({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** @param {string} program @param {string[]} args @param {NodeJS.ProcessEnv} env @returns {Promise<boolean>} */
function inherit(program, args, env) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: repoRoot, env, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", () => resolve(false));
    child.on("close", (code) => resolve(code === 0));
  });
}
