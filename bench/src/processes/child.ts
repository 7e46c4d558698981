/** Child processes of the bench, ended by their pid, whatever happens. */
import type { ChildProcess } from "node:child_process";

/** Asks a child to end and waits for it; cuts it when it does not. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const force = setTimeout(() => child.kill("SIGKILL"), 10_000);
  child.kill("SIGTERM");
  await gone;
  clearTimeout(force);
}

/** Rejects when a child ends by itself; its last words are in `errors`. */
export function unexpectedEnd(child: ChildProcess, name: string, errors: () => string): Promise<never> {
  const ended = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => reject(new Error(`the ${name} ended with ${signal ?? code}: ${errors()}`)));
  });
  ended.catch(() => {});
  return ended;
}
