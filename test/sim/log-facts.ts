/** What the log has, in the names of `facts.ts`, for the comparison at the end. */
import type { RunEvent } from "../../server/src/core/model.js";
import type { EventChunk } from "../../server/src/store/store.js";

/** How often the log has each fact, and how many events there are. */
export function factsOfLog(chunks: readonly EventChunk[]): {
  readonly facts: ReadonlyMap<string, number>;
  readonly events: number;
} {
  const facts = new Map<string, number>();
  let count = 0;
  for (const { events } of chunks) {
    count += events.length;
    for (const event of events) {
      const fact = logged(event);
      if (fact !== null) facts.set(fact, (facts.get(fact) ?? 0) + 1);
    }
  }
  return { facts, events: count };
}

/** The name of what a host said, by the event that it became. */
function logged({ type, leaseId, deferral }: RunEvent): string | null {
  switch (type) {
    case "TASK_SUCCEEDED":
      return `complete:${leaseId}`;
    case "TASK_FAILED":
    case "TASK_RETRYING":
      return `fail:${leaseId}`;
    case "TASK_DEFERRED":
      return `defer:${leaseId}:${deferral}`;
    case "TASK_RECLAIMING":
      return `reclaim:${leaseId}:${deferral}`;
    case "TASK_CHECKPOINTED":
      return `checkpoint:${leaseId}`;
    case "TASK_DECLINED":
      return `decline:${leaseId}`;
    case "LEASE_ENDED":
      return `ended:${leaseId}`;
    default:
      return null;
  }
}
