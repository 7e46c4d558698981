/** The programs of the three hosts: the interpreter and the compiler are found, and what they need is installed once. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Command } from "../demo/children.js";
import type { Place } from "./checks.js";

/** @throws what is missing, in words */
export async function programs(signal: AbortSignal): Promise<Readonly<Record<Place, Command>>> {
  const [python, go] = await Promise.all([
    pathFrom("scripts/python.mjs", [], signal),
    pathFrom("scripts/go.mjs", ["polyglot-host"], signal),
  ]);
  return {
    typescript: [process.execPath, fileURLToPath(new URL("./fetch-host.js", import.meta.url))],
    python: [python, atRoot("examples/python/polyglot_host.py")],
    go: [go],
  };
}

/** What a script of the repository prints: the path of a program. */
function pathFrom(script: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [atRoot(script), ...args], { signal }, (error, stdout) => {
      if (error === null) resolve(stdout.trim());
      else reject(new Error(`this demo needs a language that is not there: ${stdout.trim() || error.message}`));
    });
  });
}

/** From examples/dist/polyglot. */
function atRoot(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}
