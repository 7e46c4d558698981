import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";

/** The tests in here start processes from `dist`: builds it, so that no test ever meets a stale one. */
export default function build(): void {
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const run = spawnSync(process.execPath, [tsc, "-b"], { encoding: "utf8" });
  // Type errors are the type check's to report, and the compiler has emitted all the same.
  if (run.error) throw run.error;
}
