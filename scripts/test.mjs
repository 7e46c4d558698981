// `npm test`: every check and every test. All run, even after a failure; the last line counts them.
// Usage: node scripts/test.mjs [--only <check>,…]   with the names in brackets that it prints
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { chromium } from "./chromium.mjs";
import { curl } from "./curl.mjs";
import { generate, generatedFiles } from "./gen.mjs";
import { goForHost } from "./go.mjs";
import { grpcurl } from "./grpcurl.mjs";
import { breaking } from "./lib/breaking.mjs";
import { lockFileProblems } from "./lib/lock-file.mjs";
import { capture, nodeBin, repoRoot } from "./lib/process.mjs";
import { setUp } from "./lib/setup.mjs";
import { countsText, runVitest } from "./lib/vitest.mjs";
import { python } from "./python.mjs";

/** @typedef {{ result: "passed" | "failed" | "skipped", output: string }} Outcome */

const inCI = process.env.CI === "true" || process.env.CI === "1";
const total = { passed: 0, failed: 0, skipped: 0 };
/** @type {string[]} */
const failures = [];

/** @type {readonly { id: string, title: string, run: () => Outcome | Promise<Outcome> }[]} */
const checks = [
  { id: "format", title: "format and lint", run: () => tool("biome", "check", "--error-on-warnings", "--colors=off") },
  { id: "types", title: "types", run: () => tool("tsc", "-b", "--pretty", "false") },
  { id: "packages", title: "packages, as npm would publish them", run: packages },
  { id: "lint", title: "lints that need types", run: () => tool("eslint", ".", "--max-warnings=0") },
  { id: "dependencies", title: "dependency directions", run: dependencies },
  { id: "lock", title: "lock file", run: () => problems(lockFileProblems()) },
  { id: "generated", title: "generated code is current", run: generatedIsCurrent },
  { id: "buf-lint", title: "buf lint", run: () => tool("buf", "lint") },
  { id: "buf-format", title: "buf format", run: () => tool("buf", "format", "--diff", "--exit-code") },
  { id: "buf-breaking", title: "buf breaking", run: breaking },
  { id: "toolchains", title: "toolchains: Go, for the tests with grpcurl and of the host in Go", run: toolchains },
  { id: "curl", title: "toolchains: bash, curl and jq, for the tests of what is typed by hand", run: curlToolchain },
  { id: "browser", title: "toolchains: Chromium, for the test of the client in a browser", run: browserToolchain },
  { id: "python", title: "toolchains: Python, for the tests of its host", run: pythonToolchain },
];

await main();

async function main() {
  const only = onlyArgument();
  const started = performance.now();
  try {
    setUp();
  } catch (error) {
    console.error(`set-up failed: ${error instanceof Error ? error.message : error}`);
    console.log("0 passed, 1 failed");
    process.exitCode = 1;
    return;
  }
  for (const { id, title, run } of checks) {
    if (only === undefined || only.has(id)) await check(`${title} [${id}]`, run);
  }
  if (only === undefined || only.has("vitest")) await tests();
  console.log(`\n${seconds(started)} in all`);
  for (const failure of failures) console.log(`failed: ${failure}`);
  console.log(countsText(total));
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
}

/**
 * @param {string} title
 * @param {() => Outcome | Promise<Outcome>} run
 */
async function check(title, run) {
  const started = performance.now();
  /** @type {Outcome} */
  let outcome;
  try {
    outcome = await run();
  } catch (error) {
    outcome = { result: "failed", output: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  total[outcome.result] += 1;
  if (outcome.result === "failed") failures.push(title);
  console.log(`${mark(outcome.result)} ${title}  ${seconds(started)}`);
  // What passed needs a word only where it depends on the history what was compared.
  if (outcome.output.trim() !== "" && (outcome.result !== "passed" || title.includes("[buf-breaking]"))) {
    console.log(outcome.output.trimEnd().replace(/^/gm, "    "));
  }
}

/** @param {string} name @param {...string} args @returns {Promise<Outcome>} */
async function tool(name, ...args) {
  const [program, ...first] = nodeBin(name);
  const { ok, output } = await capture(program, [...first, ...args]);
  return { result: ok ? "passed" : "failed", output };
}

/** @param {readonly string[]} found @returns {Outcome} */
function problems(found) {
  return { result: found.length === 0 ? "passed" : "failed", output: found.join("\n") };
}

function dependencies() {
  const sources = [
    "proto/src",
    "server/src",
    "sdk-ts/src",
    "cli/src",
    "bench/src",
    "examples/ts",
    "examples/demo",
    "examples/polyglot",
    "conformance/src",
    "test",
  ];
  const there = sources.filter((folder) => existsSync(join(repoRoot, folder)));
  return tool("depcruise", "--config", ".dependency-cruiser.mjs", "--no-progress", ...there);
}

/** What it needs is there once the set-up has run. */
async function packages() {
  const { checkPackages } = await import("./packages.mjs");
  return problems(await checkPackages());
}

/** @returns {Outcome} */
function generatedIsCurrent() {
  const fresh = mkdtempSync(join(tmpdir(), "cloaca-gen-"));
  try {
    const { folders, notes } = generate(fresh);
    const [here, there] = [generatedIn(repoRoot, folders), generatedIn(fresh, folders)];
    const stale = [...new Set([...here.keys(), ...there.keys()])].filter((file) => {
      const [a, b] = [here.get(file), there.get(file)];
      return a === undefined || b === undefined || !a.equals(b);
    });
    const { result, output } = problems(stale.map((file) => `npm run gen would change ${file}`));
    return { result, output: [output, ...notes].join("\n") };
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** @param {string} root @param {string[]} folders @returns {Map<string, Buffer>} by their paths from the root */
function generatedIn(root, folders) {
  const entries = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true }),
  );
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  paths.push(...generatedFiles.map((file) => join(root, file)).filter((file) => existsSync(file)));
  return new Map(paths.map((path) => [relative(root, path), readFileSync(path)]));
}

/** @returns {Outcome} */
function toolchains() {
  const tools = [
    { found: grpcurl(), skipped: "the tests with grpcurl are skipped" },
    { found: goForHost(), skipped: "the tests of the host in Go are skipped" },
  ];
  const output = tools.flatMap(({ found, skipped }) => ("missing" in found ? `${found.missing}: ${skipped}` : []));
  if (output.length === 0) return { result: "passed", output: "" };
  // Where everything is meant to be there, what is missing is a failure: a suite that never runs proves nothing.
  return { result: inCI ? "failed" : "skipped", output: output.join("\n") };
}

/** @returns {Outcome} */
function curlToolchain() {
  const found = curl();
  if ("version" in found) return { result: "passed", output: "" };
  return { result: inCI ? "failed" : "skipped", output: `${found.missing}: the tests with curl are skipped` };
}

/** @returns {Outcome} */
function browserToolchain() {
  const found = chromium();
  if ("path" in found) return { result: "passed", output: "" };
  return { result: inCI ? "failed" : "skipped", output: `${found.missing}: the test in a browser is skipped` };
}

/** @returns {Outcome} */
function pythonToolchain() {
  const found = python();
  if ("path" in found) return { result: "passed", output: "" };
  return { result: inCI ? "failed" : "skipped", output: `${found.missing}: the tests of the Python host are skipped` };
}

async function tests() {
  const started = performance.now();
  console.log("- tests [vitest]");
  const { passed, failed, skipped } = await runVitest([]);
  total.passed += passed;
  total.skipped += skipped;
  total.failed += failed;
  if (failed > 0) failures.push(`tests [vitest]: ${failed}`);
  console.log(`${mark(failed > 0 ? "failed" : "passed")} tests [vitest]  ${seconds(started)}`);
}

/** @returns {Set<string> | undefined} */
function onlyArgument() {
  const [flag, value, ...rest] = process.argv.slice(2);
  if (flag === undefined) return undefined;
  const known = [...checks.map(({ id }) => id), "vitest"];
  const ids = (value ?? "").split(",");
  if (flag === "--only" && rest.length === 0 && ids.every((id) => known.includes(id))) return new Set(ids);
  console.error(`usage: npm test [-- --only <check>,…]   checks: ${known.join(", ")}`);
  process.exit(2);
}

/** @param {Outcome["result"]} result */
function mark(result) {
  return { passed: "✓", failed: "✗", skipped: "↷" }[result];
}

/** @param {number} since */
function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)}s`;
}
