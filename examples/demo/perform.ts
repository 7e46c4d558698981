/** Plays a demo as a program: its signals, its last line, its exit code. */
import { Interrupted } from "./cast.js";
import type { Screen } from "./screen.js";

export interface Play {
  /** Plays it; resolves with the verdict, rejects with what went wrong. */
  run(): Promise<string>;
  /** Ends it in order, children first. */
  interrupt(signal: NodeJS.Signals): void;
  /** For when there is no time left for order. */
  killAll(): void;
}

/** @returns the exit code */
export async function perform(play: Play, screen: Screen): Promise<number> {
  // Once is enough: npm passes on the signal that the terminal has sent already.
  const interrupt = (signal: NodeJS.Signals): void => play.interrupt(signal);
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, interrupt);
  process.stdout.on("error", () => play.interrupt("SIGPIPE"));
  process.on("exit", () => play.killAll());
  try {
    const verdict = await play.run();
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
