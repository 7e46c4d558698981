/** P5: liveness is monotonic time, and only time in which the scheduler could hear the host. */
import type { Clock } from "../core/ports.js";
import type { Store } from "../store/store.js";

/** A wake-up that comes so late says that the loop, or the machine, stood still. */
const STALL_MS = 1_000;

export class Liveness {
  readonly #heard = new Set<string>();
  #planned: number | null = null;

  constructor(
    readonly store: Store,
    readonly clock: Clock,
  ) {}

  /** Any message renews its session, when it is read, before anything queues. */
  heard(sessionId: string): void {
    this.#heard.add(sessionId);
  }

  /** The next wake-up that was asked for. */
  plan(due: number): void {
    this.#planned = due;
  }

  /** Gives signs of life to the store, before anything expires. */
  flush(): void {
    const stalled = this.#planned !== null && this.clock.now() - this.#planned > STALL_MS;
    this.#planned = null;
    if (stalled) this.store.touchAllSessions();
    else if (this.#heard.size > 0) this.store.touchSessions(this.#heard);
    this.#heard.clear();
  }
}
