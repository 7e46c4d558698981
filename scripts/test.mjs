// `npm test`: every check and every test. All run, even after a failure; the last line counts them.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { breaking } from "./lib/breaking.mjs";
import { capture, nodeBin } from "./lib/process.mjs";
import { setUp } from "./lib/setup.mjs";

/** @typedef {{ passed: number, failed: number, skipped: number, output: string }} Outcome */

setUp();

const folder = mkdtempSync(join(tmpdir(), "cloaca-test-"));
const report = join(folder, "vitest.json");

/** @type {[string, () => Promise<Outcome>][]} */
const checks = [
  ["format and lint", () => run("biome", "check", "--error-on-warnings", ".")],
  ["types", () => run("tsc", "-b")],
  ["floating promises and import cycles", () => run("eslint", ".")],
  [
    "dependency directions",
    () => run("depcruise", "--config", ".dependency-cruiser.mjs", "server/src", "sdk-ts/src", "cli/src", "proto/src"),
  ],
  ["generated code is current", () => script("scripts/gen.mjs", "--check")],
  ["buf lint", () => run("buf", "lint")],
  ["buf format", () => run("buf", "format", "--diff", "--exit-code")],
  ["buf breaking", breakingCheck],
  ["tests", tests],
];

const total = { passed: 0, failed: 0, skipped: 0 };
for (const [name, check] of checks) {
  const start = performance.now();
  const outcome = await check();
  total.passed += outcome.passed;
  total.failed += outcome.failed;
  total.skipped += outcome.skipped;
  const verdict = outcome.failed > 0 ? "FAILED" : outcome.passed > 0 ? "ok" : "skipped";
  console.log(`${verdict.padEnd(8)} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  if (outcome.output.trim() !== "" && verdict !== "ok") console.log(outcome.output.trimEnd());
}
rmSync(folder, { recursive: true, force: true });
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
process.exitCode = total.failed > 0 ? 1 : 0;

/** @param {string} name @param {...string} args @returns {Promise<Outcome>} */
async function run(name, ...args) {
  const [program, ...first] = nodeBin(name);
  return one(await capture(program, [...first, ...args]));
}

/** @param {string} file @param {...string} args @returns {Promise<Outcome>} */
async function script(file, ...args) {
  return one(await capture(process.execPath, [file, ...args]));
}

/** @param {{ ok: boolean, output: string }} result @returns {Outcome} */
function one({ ok, output }) {
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0, output };
}

/** @returns {Promise<Outcome>} */
async function breakingCheck() {
  const { result, output } = await breaking();
  return {
    passed: result === "passed" ? 1 : 0,
    failed: result === "failed" ? 1 : 0,
    skipped: result === "skipped" ? 1 : 0,
    output,
  };
}

/** @returns {Promise<Outcome>} */
async function tests() {
  const [program, ...first] = nodeBin("vitest");
  const args = [...first, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { ok, output } = await capture(program, args);
  try {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, "utf8"));
    // A file that cannot be loaded fails the run without a failed test.
    const failed = ok ? numFailedTests : Math.max(1, numFailedTests);
    return { passed: numPassedTests, failed, skipped: numPendingTests, output };
  } catch {
    return { passed: 0, failed: 1, skipped: 0, output };
  }
}
