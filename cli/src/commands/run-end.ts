/** Waiting for the end of a run, and what Ctrl-C means meanwhile. */
import type { RunInfo, RunStatusName } from "@cloaca/sdk/client";
import { CommandError } from "../command-error.js";
import { EXIT } from "../exit-code.js";
import type { Session } from "../session.js";

export type ExitOfRun = typeof EXIT.ok | typeof EXIT.failed;

export function exitOf(status: RunStatusName): ExitOfRun {
  return status === "SUCCEEDED" ? EXIT.ok : EXIT.failed;
}

/** The run once it has ended. Ctrl-C ends the waiting, not the run. */
export async function endOf({ client }: Session, runId: string): Promise<RunInfo> {
  return withInterrupt(async (signal, interrupted) => Promise.race([client.wait(runId, signal), interrupted]), runId);
}

/**
 * Works until it is done or Ctrl-C comes.
 *
 * @param work its second argument rejects on Ctrl-C
 */
export async function withInterrupt<T>(
  work: (signal: AbortSignal, interrupted: Promise<never>) => Promise<T>,
  runId: string | null,
): Promise<T> {
  const aborter = new AbortController();
  let stop = (): void => {};
  const interrupted = new Promise<never>((_, reject) => {
    stop = () => {
      aborter.abort();
      reject(interruptedError(runId));
    };
  });
  // Whoever races with it hears of it.
  interrupted.catch(() => {});
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    return await work(aborter.signal, interrupted);
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function interruptedError(runId: string | null): CommandError {
  const goesOn = runId === null ? "stopped watching" : `stopped watching; run ${runId} goes on`;
  const hints =
    runId === null
      ? [{ what: "see the newest runs", command: "cloaca runs" }]
      : [
          { what: "follow it again", command: `cloaca watch ${runId}` },
          { what: "stop it", command: `cloaca cancel ${runId}` },
        ];
  return new CommandError(goesOn, { exitCode: EXIT.interrupted, code: "INTERRUPTED", hints });
}
