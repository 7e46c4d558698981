/**
 * Tells who follows a single run what each commit appended to it. One subscription for all followers: a commit may concern
 * hundreds of runs and thousands may wait for theirs, so nobody looks through what is not his.
 */
import type { RunEventType } from "../core/model.js";
import type { EventBatch, EventChunk, Store } from "../store/store.js";

type Follower = (chunk: EventChunk) => void;

export class RunFeed {
  readonly #followers = new Map<string, Set<Follower>>();
  #unsubscribe: (() => void) | null = null;

  constructor(readonly store: Pick<Store, "subscribe">) {}

  /** Runs that somebody follows. */
  get size(): number {
    return this.#followers.size;
  }

  /** Calls back with each chunk of the run that is committed from now on, until the returned function is called. */
  follow(runId: string, follower: Follower): () => void {
    const followers = this.#followers.get(runId) ?? new Set();
    this.#followers.set(runId, followers.add(follower));
    this.#unsubscribe ??= this.store.subscribe((batch) => this.#tell(batch));
    return () => {
      followers.delete(follower);
      if (followers.size > 0 || this.#followers.get(runId) !== followers) return;
      this.#followers.delete(runId);
      if (this.#followers.size > 0) return;
      this.#unsubscribe?.();
      this.#unsubscribe = null;
    };
  }

  /** Calls back once, when the run ends from now on. */
  onEnd(runId: string, callback: () => void): () => void {
    const leave = this.follow(runId, ({ events }) => {
      if (!events.some(({ type }) => isLastEvent(type))) return;
      leave();
      callback();
    });
    return leave;
  }

  #tell({ chunks }: EventBatch): void {
    for (const chunk of chunks) {
      const followers = this.#followers.get(chunk.runId);
      if (followers !== undefined) for (const follower of [...followers]) follower(chunk);
    }
  }
}

/** Whether a run's log ends with an event of this type, but for what its fenced leases still say. */
export function isLastEvent(type: RunEventType): boolean {
  return type === "RUN_SUCCEEDED" || type === "RUN_FAILED" || type === "RUN_CANCELLED";
}
