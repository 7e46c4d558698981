/** The processes of the hosts in other languages: programs of examples/, with what their scripts find or build. */
import { execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { end, unexpectedEnd } from "./child.js";

export interface LanguageHost {
  /** The workflow that it brings, of one task. */
  readonly workflow: string;
  stop(): Promise<void>;
}

const atRoot = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** What a script of the repository prints: the path of a program. Throws with its words when that is not to be had. */
const pathFrom = (...script: readonly [string, ...string[]]): string =>
  execFileSync(process.execPath, [atRoot(script[0]), ...script.slice(1)], { encoding: "utf8" }).trim();

const COMMANDS = {
  Python: () => [pathFrom("scripts/python.mjs"), atRoot("examples/python/bench_host.py")],
  Go: () => [pathFrom("scripts/go.mjs", "bench-host")],
} as const satisfies Record<string, () => readonly [string, ...string[]]>;

export type Language = keyof typeof COMMANDS;

/** Resolves once it is registered. Throws where the language is not installed. */
export async function startLanguageHost(language: Language, address: string, slots: number): Promise<LanguageHost> {
  const [program, ...args] = COMMANDS[language]();
  const child = spawn(program, [...args, "--address", address, "--slots", String(slots)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const started = new Promise<string>((resolve) => {
    createInterface(child.stdout).on("line", (line) => {
      const { event, workflow } = JSON.parse(line) as { event: string; workflow: string };
      if (event === "host_started") resolve(workflow);
    });
  });
  const workflow = await Promise.race([started, unexpectedEnd(child, `host in ${language}`, () => errors)]);
  return { workflow, stop: () => end(child) };
}
