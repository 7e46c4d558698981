/**
 * `npm run demo`: a scheduler and two hosts with one slot each, as processes of their own, and a workflow on real data in
 * which a task waits for a file while others run in its slot. Ends with a verdict from facts, and an honest exit code.
 */
import { Demo } from "./demo.js";
import { perform } from "./perform.js";
import { Screen } from "./screen.js";

const USAGE =
  "usage: npm run demo [-- --keep]\n  --keep  leave everything running when the run has ended, until Ctrl-C";

const args = process.argv.slice(2);
if (args.some((arg) => arg !== "--keep")) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  process.exitCode = await run(args.includes("--keep"));
}

async function run(keep: boolean): Promise<number> {
  const screen = new Screen();
  return perform(new Demo(screen, keep), screen);
}
