// What npm would publish: packs each package, and looks at the tarballs as publint and "are the types wrong" do.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { npm, repoRoot } from "./lib/process.mjs";
import { build } from "./lib/setup.mjs";

/**
 * npm also warns of settings that it does not know.
 * @type {import("node:child_process").ExecFileSyncOptionsWithStringEncoding}
 */
const QUIETLY = { cwd: repoRoot, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };

/** The folders of the packages that are published. */
export const publishedFolders = ["proto", "server", "sdk-ts", "cli", "conformance"];

/**
 * What is as it is meant to be: the packages are ES modules alone, which Node 20.19 and newer also `require`; and the resolution of
 * Node 10 knows no `exports`.
 * @param {{ kind: string, resolutionKind?: string }} problem
 */
const isMeant = ({ kind, resolutionKind }) => kind === "CJSResolvesToESM" || resolutionKind === "node10";

/**
 * Packs every package as `npm publish` would; what is built goes into it.
 * @param {string} into a folder
 * @returns {{ folder: string, name: string, tarball: string }[]}
 */
export function packAll(into) {
  mkdirSync(into, { recursive: true });
  const [program, ...args] = npm();
  const folders = publishedFolders.flatMap((folder) => ["--workspace", folder]);
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", into];
  const packed = JSON.parse(execFileSync(program, [...args, ...pack, ...folders], QUIETLY));
  /** @type {{ name: string, filename: string }[]} */
  const found = Array.isArray(packed) ? packed : Object.values(packed);
  return publishedFolders.map((folder) => {
    const { name } = JSON.parse(readFileSync(join(repoRoot, folder, "package.json"), "utf8"));
    const own = found.find((one) => one.name === name);
    if (own === undefined) throw new Error(`npm pack made nothing of ${name}`);
    return { folder, name, tarball: join(into, own.filename) };
  });
}

/**
 * @param {{ tarball: string }} packed
 * @returns {Promise<string[]>} everything that is wrong with a package, as publint and attw see it
 */
export async function packageProblems({ tarball }) {
  const bytes = new Uint8Array(readFileSync(tarball));
  const content = createPackageFromTarballData(bytes);
  const name = content.packageName;
  const manifest = JSON.parse(content.readFile(`/node_modules/${name}/package.json`));
  const { messages } = await publint({ pack: { tarball: bytes.buffer }, strict: true });
  const found = messages.map((message) => `${name}: publint: ${formatMessage(message, manifest, { color: false })}`);
  const checked = await checkPackage(content);
  // A package without any types has no `problems` either.
  if ("problems" in checked) {
    for (const problem of checked.problems)
      if (!isMeant(problem)) found.push(`${name}: attw: ${JSON.stringify(problem)}`);
  } else if (exportsCode(manifest)) {
    found.push(`${name}: attw: it exports code, and has no types: no .d.ts file is in the tarball`);
  }
  return found;
}

/**
 * Whether anything can be imported from a package but data, such as its own package.json.
 * @param {{ exports?: unknown }} manifest
 */
function exportsCode({ exports }) {
  if (typeof exports !== "object" || exports === null) return true;
  return Object.keys(exports).some((door) => !/\.(?:json|binpb)$/.test(door));
}

/** @returns {Promise<string[]>} everything that is wrong with any package */
export async function checkPackages() {
  build();
  const into = mkdtempSync(join(tmpdir(), "cloaca-pack-"));
  try {
    return (await Promise.all(packAll(into).map(packageProblems))).flat();
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
}

// `node scripts/packages.mjs` checks the packages.
if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const found = await checkPackages();
  console.log(found.length === 0 ? "nothing is wrong with the packages" : found.join("\n"));
  process.exitCode = found.length === 0 ? 0 : 1;
}
