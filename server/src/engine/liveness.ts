/** P5: liveness is monotonic time, and only time in which the scheduler could hear the host. */
import type { Clock } from "../core/ports.js";
import type { Store } from "../store/store.js";

/** A wake-up that comes so late says that the loop, or the machine, stood still. */
const STALL_MS = 1_000;

export class Liveness {
  /** When each session was last heard since the last turn. */
  readonly #heard = new Map<string, number>();
  #planned: number | null = null;

  constructor(
    readonly store: Store,
    readonly clock: Clock,
  ) {}

  /** Any message renews its session, when it is read, before anything queues. */
  heard(sessionId: string): void {
    this.#heard.set(sessionId, this.clock.now());
  }

  /** The next wake-up that was asked for. What is overdue when it is asked for, as a deadline may be, tells of no stall. */
  plan(due: number): void {
    this.#planned = Math.max(due, this.clock.now());
  }

  /** Gives signs of life to the store, before anything expires. */
  flush(): void {
    const now = this.clock.now();
    const stalled = this.#planned !== null && now - this.#planned > STALL_MS;
    this.#planned = null;
    if (stalled) this.store.touchAllSessions();
    else if (this.#heard.size > 0) {
      // A heartbeat takes no turn: the next one may come much later, and must not be taken for life.
      this.store.touchSessions([...this.#heard].map(([id, at]) => [id, now - at] as const));
    }
    this.#heard.clear();
  }
}
