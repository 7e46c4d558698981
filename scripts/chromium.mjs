// Headless Chromium, for the test of the client in a browser: the binary that an npm package carries, with the libraries and
// the fonts that a plain machine may not have.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { repoRoot } from "./lib/process.mjs";

const packageFolder = join(repoRoot, "node_modules/@sparticuz/chromium");

/**
 * The browser, unpacked into the cache when it is not there.
 * @returns {{ path: string, env: Record<string, string> } | { missing: string }} or what stands in the way
 */
export function chromium() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return { missing: `there is no Chromium in npm for ${process.platform} ${process.arch}` };
  }
  const { version } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8"));
  const folder = join(repoRoot, "node_modules/.cache/cloaca", `chromium-${version}`);
  const browser = {
    path: join(folder, "chromium"),
    env: { LD_LIBRARY_PATH: join(folder, "lib"), FONTCONFIG_FILE: join(folder, "fonts.conf"), HOME: folder },
  };
  try {
    if (!existsSync(folder)) unpack(folder);
    const { status, stderr, error } = spawnSync(browser.path, ["--version"], { env: browser.env, encoding: "utf8" });
    if (status === 0) return browser;
    return { missing: `Chromium ${version} does not start: ${error?.message ?? stderr.trim()}` };
  } catch (error) {
    return { missing: `Chromium ${version} could not be unpacked: ${error instanceof Error ? error.message : error}` };
  }
}

/** @param {string} folder which is there whole, or not at all */
function unpack(folder) {
  mkdirSync(dirname(folder), { recursive: true });
  const fresh = mkdtempSync(`${folder}-`);
  try {
    writeFileSync(join(fresh, "chromium"), content("chromium.br"), { mode: 0o755 });
    for (const archive of ["al2023.tar.br", "fonts.tar.br"]) {
      const { status, stderr, error } = spawnSync("tar", ["-xf", "-", "-C", fresh], { input: content(archive) });
      if (status !== 0) throw error ?? new Error(`tar: ${stderr}`);
    }
    const [fonts, cache] = ["fonts", "fonts-cache"].map((name) => join(folder, name));
    const config = `<?xml version="1.0"?><fontconfig><dir>${fonts}</dir><cachedir>${cache}</cachedir></fontconfig>\n`;
    writeFileSync(join(fresh, "fonts.conf"), config);
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another process may have been faster.
    if (!existsSync(folder)) throw error;
  }
}

/** @param {string} file of the package */
function content(file) {
  return brotliDecompressSync(readFileSync(join(packageFolder, "bin", file)));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const found = chromium();
  console.log("path" in found ? found.path : found.missing);
  process.exitCode = "path" in found ? 0 : 1;
}
