/** Follows the event log: from the store as far as that is behind, then from what each commit appends. */
import type { EventBatch, EventChunk, EventPage, Store } from "../store/store.js";
import type { RunFeed } from "./run-feed.js";
import { runNotFound } from "./run-not-found.js";
import type { Runtime } from "./runtime.js";

export interface WatchQuery {
  readonly namespace: string;
  /** Null means all runs. */
  readonly runId: string | null;
  /** Position after which to begin. */
  readonly after: number;
}

/** Where events come from. */
export interface WatchSource {
  readonly store: Store;
  readonly feed: RunFeed;
  readonly runtime: Pick<Runtime, "soon">;
}

export interface Watched {
  readonly chunks: readonly EventChunk[];
  readonly position: number;
  /** The store has more that was there before. */
  readonly more: boolean;
}

/** Chunks that are read from the store at a time. */
const PAGE = 500;
/** Hints that wait for a slow watcher before it is sent back to the store. */
const MAX_HINTS = 100;

/**
 * Yields chunks, and their position, until `signal` aborts. The first comes at once, even when it is empty. What was purged is
 * left out; a watch of a single run throws RUN_NOT_FOUND when the run is purged before its watcher has read it to its end.
 */
export function watch(source: WatchSource, query: WatchQuery, signal: AbortSignal): AsyncGenerator<Watched> {
  const { runId } = query;
  if (runId !== null) {
    const hints = new RunHints();
    return follow(source, query, hints, (wake) => source.feed.follow(runId, hints.listener(wake)), signal);
  }
  const hints = new LogHints(query.namespace);
  return follow(source, query, hints, (wake) => source.store.subscribe(hints.listener(wake)), signal);
}

/** What commits said since it was last asked. Hints may be lost, events may not. */
interface Hints {
  readonly isEmpty: boolean;
  /** The hints, if they go on right where the watcher is; null sends it to the store. */
  take(position: number): EventPage | null;
  /** The watcher has read this from the store. */
  read(page: EventPage): void;
}

async function* follow(
  { store, runtime }: WatchSource,
  query: WatchQuery,
  hints: Hints,
  subscribe: (wake: () => void) => () => void,
  signal: AbortSignal,
): AsyncGenerator<Watched> {
  let position = query.after;
  let wake = () => {};
  const unsubscribe = subscribe(() => wake());
  const onAbort = (): void => wake();
  signal.addEventListener("abort", onAbort);
  try {
    for (let first = true; !signal.aborted; first = false) {
      let page = hints.take(position);
      if (page === null) {
        page = await store.events({ ...query, after: position, limit: PAGE });
        hints.read(page);
        if (!first && page.chunks.length === 0) await checkRun(store, query);
      }
      position = Math.max(position, page.position);
      if (page.chunks.length > 0 || first) yield { chunks: page.chunks, position, more: page.more };
      if (page.more || !hints.isEmpty || signal.aborted) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      // Hosts first: they hold slots, and what a commit grants them has not been sent yet.
      await new Promise<void>((resolve) => runtime.soon(resolve));
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", onAbort);
  }
}

/** Nothing more comes of a run that was purged before its watcher had read it to its end. */
async function checkRun(store: Store, { namespace, runId }: WatchQuery): Promise<void> {
  if (runId !== null && (await store.readRun(namespace, runId)) === null)
    throw runNotFound({ namespace, runId }, store);
}

/** Of all runs: the positions of batches tell whether one is missing. */
class LogHints implements Hints {
  #batches: EventBatch[] = [];
  #lost = false;

  constructor(readonly namespace: string) {}

  get isEmpty(): boolean {
    return this.#batches.length === 0 && !this.#lost;
  }

  listener(wake: () => void): (batch: EventBatch) => void {
    return (batch) => {
      if (this.#batches.length < MAX_HINTS) this.#batches.push(batch);
      else this.#lost = true;
      wake();
    };
  }

  take(position: number): EventPage | null {
    const batches = this.#batches.filter(({ to }) => to > position);
    const lost = this.#lost;
    this.#batches = [];
    this.#lost = false;
    let to = position;
    for (const batch of batches) {
      if (batch.from !== to) return null;
      to = batch.to;
    }
    if (lost || batches.length === 0) return null;
    const chunks = batches.flatMap((batch) => batch.chunks.filter((chunk) => chunk.namespace === this.namespace));
    return { chunks, position: to, more: false };
  }

  read(): void {}
}

/** Of a single run: its dense event numbers tell whether one is missing. */
class RunHints implements Hints {
  #chunks: EventChunk[] = [];
  #lost = false;
  /** Number of the last event that the watcher has seen; null while nobody knows. */
  #seq: number | null = null;

  get isEmpty(): boolean {
    return this.#chunks.length === 0 && !this.#lost;
  }

  listener(wake: () => void): (chunk: EventChunk) => void {
    return (chunk) => {
      if (this.#chunks.length < MAX_HINTS) this.#chunks.push(chunk);
      else this.#lost = true;
      wake();
    };
  }

  take(position: number): EventPage | null {
    const chunks = this.#chunks.filter((chunk) => chunk.position > position);
    const lost = this.#lost;
    this.#chunks = [];
    this.#lost = false;
    const last = chunks.at(-1);
    if (lost || last === undefined || this.#seq === null) return null;
    let seq = this.#seq;
    for (const { events } of chunks) {
      if (events[0]?.seq !== seq + 1) return null;
      seq += events.length;
    }
    this.#seq = seq;
    return { chunks, position: last.position, more: false };
  }

  read({ chunks }: EventPage): void {
    this.#seq = chunks.at(-1)?.events.at(-1)?.seq ?? this.#seq;
  }
}
