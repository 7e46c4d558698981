/** A run's events to its end, also over a restart of the scheduler. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, ConnectionError, RemoteError, type RunEventInfo } from "@cloaca/sdk/client";
import { isOver } from "./views/look.js";

/** A scheduler that restarts is there again within this time. */
const MOST_AWAY_MS = 30_000;
const RETRY_MS = 500;

/**
 * Yields events until the run has ended, or `signal` aborts.
 *
 * @param onAway called when the connection is lost; it is tried again for half a minute
 * @throws ConnectionError when the scheduler was not there at first, or does not come back
 */
export async function* followRun(
  client: Client,
  runId: string,
  signal: AbortSignal,
  onAway: () => void,
): AsyncGenerator<readonly RunEventInfo[]> {
  let cursor = "";
  let hasHeard = false;
  let awaySince: number | null = null;
  while (!signal.aborted) {
    try {
      for await (const page of client.watch({ runId, cursor }, signal)) {
        ({ cursor } = page);
        hasHeard = true;
        awaySince = null;
        yield page.events;
      }
      // A log that goes on behind an end is that of a run that was retried.
      if (signal.aborted || isOver((await client.get(runId)).status)) return;
    } catch (error) {
      if (!hasHeard || !isAway(error)) throw error;
      if (awaySince === null) {
        awaySince = Date.now();
        onAway();
      } else if (Date.now() - awaySince > MOST_AWAY_MS) throw error;
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

/** It is gone, or says that it is about to go. */
function isAway(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  return error instanceof RemoteError && error.details.status === "UNAVAILABLE";
}
