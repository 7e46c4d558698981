/** Follows the event log: from the store as far as that is behind, then from what each commit appends. */
import type { EventBatch, EventChunk, Store } from "../store/store.js";

export interface WatchQuery {
  readonly namespace: string;
  /** Null means all runs. */
  readonly runId: string | null;
  /** Position after which to begin. */
  readonly after: number;
}

/** Chunks that are read from the store at a time. */
const PAGE = 500;
/** Batches that wait for a slow watcher before it is sent back to the store. */
const MAX_BATCHES = 100;

/** Yields chunks, and their position, until `signal` aborts. The first comes at once, even when it is empty. */
export async function* watch(
  store: Store,
  query: WatchQuery,
  signal: AbortSignal,
): AsyncGenerator<{ readonly chunks: readonly EventChunk[]; readonly position: number }> {
  let position = query.after;
  let batches: EventBatch[] = [];
  let wake = () => {};
  const listener = (batch: EventBatch): void => {
    // A gap sends the watcher to the store: hints may be lost, events may not.
    if (batches.length < MAX_BATCHES) batches.push(batch);
    wake();
  };
  const unsubscribe = store.subscribe(listener);
  const onAbort = (): void => wake();
  signal.addEventListener("abort", onAbort);
  try {
    for (let first = true; !signal.aborted; first = false) {
      const taken = batches;
      batches = [];
      const hinted = taken.length > 0 && joins(taken, position) ? taken : null;
      const page =
        hinted === null ? await store.events({ ...query, after: position, limit: PAGE }) : pageOf(hinted, query);
      position = Math.max(position, page.position);
      if (page.chunks.length > 0 || first) yield { chunks: page.chunks, position };
      if (page.more || batches.length > 0 || signal.aborted) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", onAbort);
  }
}

function joins(batches: readonly EventBatch[], position: number): boolean {
  let at = position;
  for (const batch of batches) {
    if (batch.from !== at) return false;
    at = batch.to;
  }
  return batches.length < MAX_BATCHES;
}

function pageOf(batches: readonly EventBatch[], { namespace, runId }: WatchQuery) {
  const chunks: EventChunk[] = [];
  for (const batch of batches) {
    for (const chunk of batch.chunks) {
      if (chunk.namespace === namespace && (runId === null || chunk.runId === runId)) chunks.push(chunk);
    }
  }
  return { chunks, position: batches.at(-1)?.to ?? 0, more: false };
}
