import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program of the repository that runs as a process of its own, and what it says. */
export interface Program {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Resolves with the first match in the standard output; rejects when the program ends without it. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** The same for its standard error. */
  warns(pattern: RegExp): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** @param file path within the repository */
export function runProgram(file: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Program {
  const inherited: NodeJS.ProcessEnv = { ...process.env };
  // As in a pipe of a person, whatever the test runner wants of its own children.
  for (const name of ["FORCE_COLOR", "NO_COLOR", "COLUMNS"]) delete inherited[name];
  const child = spawn(process.execPath, [file, ...args], {
    cwd: ROOT,
    env: { ...inherited, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const heard = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const check of heard) check();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const check of heard) check();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
  const matchIn = (text: () => string, pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const match = pattern.exec(text());
        if (match === null) return;
        heard.delete(check);
        resolve(match);
      };
      heard.add(check);
      check();
      void ended.then(() => reject(new Error(`never said ${pattern}, but:\n${stdout}${stderr}`)), reject);
    });
  return {
    pid: child.pid ?? 0,
    ended,
    signal: (name) => child.kill(name),
    says: (pattern) => matchIn(() => stdout, pattern),
    warns: (pattern) => matchIn(() => stderr, pattern),
  };
}

/** Whether a process with this id is there. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
