import { CloacaError } from "../core/errors.js";
import { quote } from "../core/quote.js";
import type { Store } from "../store/store.js";

/** A run that is not there; where runs are purged, it may have been. */
export function runNotFound(
  { namespace, runId }: { namespace: string; runId: string },
  store: Pick<Store, "stats">,
): CloacaError {
  const { purgedRuns } = store.stats();
  const purged = purgedRuns === 0 ? "" : `; it may be among the finished runs that were purged (${purgedRuns} so far)`;
  return new CloacaError("RUN_NOT_FOUND", `namespace ${quote(namespace)} has no run ${quote(runId)}${purged}`);
}
