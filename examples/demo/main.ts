/**
 * `npm run demo`: a scheduler and two hosts with one slot each, as processes of their own, and a workflow on real data in
 * which a task waits for a file while others run in its slot. Ends with a verdict from facts, and an honest exit code.
 */
import { Demo, Interrupted } from "./demo.js";
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
  const demo = new Demo(screen);
  // Once is enough: npm passes on the signal that the terminal has sent already.
  const interrupt = (signal: NodeJS.Signals): void => demo.interrupt(signal);
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, interrupt);
  process.stdout.on("error", () => demo.interrupt("SIGPIPE"));
  process.on("exit", () => demo.killAll());
  try {
    const verdict = await demo.run(keep);
    screen.print([[], [[verdict, ["bold", "green"]]]]);
    return 0;
  } catch (error) {
    const stopped = error instanceof Interrupted;
    const message = error instanceof Error ? error.message : String(error);
    screen.print([[], [[stopped ? `demo stopped: ${message}` : `demo FAILED: ${message}`, ["bold", "red"]]]]);
    return stopped ? error.exitCode : 1;
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}
