/** One life of the scheduler: the real engine and store, on virtual time, until it crashes. */
import type { Ids } from "../../server/src/core/ports.js";
import type { SchedulerEvent } from "../../server/src/engine/events.js";
import { DEFAULT_LIMITS } from "../../server/src/engine/limits.js";
import { Scheduler } from "../../server/src/engine/scheduler.js";
import { LiveStore } from "../../server/src/store/live/live-store.js";
import type { Disk } from "./disk.js";
import type { Facts } from "./facts.js";
import type { Link } from "./link.js";
import type { Mutation } from "./mutation.js";
import { TTL_MS } from "./plan.js";
import type { VirtualTime } from "./virtual-time.js";

export interface Surroundings {
  readonly time: VirtualTime;
  readonly facts: Facts;
  readonly disk: Disk;
  readonly ids: Ids;
  readonly reclaimsInARow: number;
  readonly maxMessageBytes: number;
  readonly mutation: Mutation;
  /** Hears of each message as it goes out. */
  readonly sends: (link: Link, events: readonly SchedulerEvent[]) => void;
  /** It is gone, with all its connections. */
  readonly crashed: (incarnation: Incarnation) => void;
  readonly trace: (line: string) => void;
}

export class Incarnation {
  readonly scheduler: Scheduler;
  isAlive = true;
  /** Until then its loop stands still. */
  #stalledUntil = 0;
  readonly #waiting: { readonly callback: () => void; readonly async: boolean }[] = [];

  constructor(readonly around: Surroundings) {
    const { time, disk, ids, mutation, facts } = around;
    const limits = {
      ...DEFAULT_LIMITS,
      sessionTtlMs: TTL_MS,
      reclaimsInARow: around.reclaimsInARow,
      maxMessageBytes: around.maxMessageBytes,
      maxLossesHeld: 8,
      ...mutation.limits,
    };
    const journal = disk.open({
      openedAt: mutation.openedAt?.(time.now()) ?? time.now(),
      now: () => time.now(),
      after: (ms, callback) => void time.after(ms, callback, true),
      input: (callback) => this.input(callback, true),
      crash: () => this.crash(),
      mutate: (j) => mutation.journal?.(j) ?? j,
    });
    const live = new LiveStore(journal, { clock: time, ids, limits });
    const store = mutation.store?.(live, limits) ?? live;
    const error = (event: string, fields: Readonly<Record<string, unknown>>) => {
      if (this.isAlive && event !== "store_unavailable") facts.breach(`${event}: ${JSON.stringify(fields)}`);
    };
    const log = { info() {}, warn() {}, error };
    const runtime = {
      soon: (callback: () => void) => void this.#later(0, callback),
      after: (ms: number, callback: () => void) => this.#later(ms, callback),
    };
    this.scheduler = new Scheduler({ store, clock: time, runtime, limits, log, checkBooks: true });
    this.scheduler.start();
  }

  get facts(): Facts {
    return this.around.facts;
  }

  sends(link: Link, events: readonly SchedulerEvent[]): void {
    this.around.sends(link, events);
  }

  /** Something comes in: at once, or when the loop goes on. */
  input(callback: () => void, async = false): void {
    if (!this.isAlive) return;
    if (this.#isStalled) this.#waiting.push({ callback, async });
    else callback();
  }

  stall(ms: number): void {
    const { time } = this.around;
    const until = time.now() + ms;
    if (!this.isAlive || until <= this.#stalledUntil) return;
    this.#stalledUntil = until;
    time.after(ms, () => {
      if (this.#isStalled) return;
      this.facts.stallEnded();
      // First what came in meanwhile, then what was due: the loop reads before it takes its turn.
      for (const { callback, async } of this.#waiting.splice(0)) time.after(0, () => this.isAlive && callback(), async);
    });
  }

  crash(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.facts.schedulerDown();
    this.around.trace("scheduler crashed");
    this.around.crashed(this);
  }

  get #isStalled(): boolean {
    return this.#stalledUntil > this.around.time.now();
  }

  #later(ms: number, callback: () => void): () => void {
    return this.around.time.after(ms, () => this.input(() => this.isAlive && callback(), true), true);
  }
}
