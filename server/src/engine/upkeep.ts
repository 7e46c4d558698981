/**
 * Purges finished runs beside the loop: one small step at a time, with room for turns in between, and none while nothing is
 * due. A step that fails is tried again later; whatever it was, the work goes on without it.
 */
import { CloacaError } from "../core/errors.js";
import { KEEP_ALL } from "../store/store.js";
import type { SchedulerOptions } from "./options.js";

/**
 * Rows of a step. Measured on 50,000 runs of one task in a SQLite file on a busy machine of 2 cores: half of the steps took less
 * than 3.5 ms, 250 rows 8 ms. The longest are those in which SQLite checkpoints, as it does in turns.
 */
const ROWS_PER_STEP = 100;
/** Between steps: the loop has most of the time. */
const PAUSE_MS = 10;
/** After so many steps in a row there is more to purge than that pace takes: then half of the time is theirs. */
const STEPS_AT_EASE = 100;
/** Runs after which a round that does not end says how far it is. */
const RUNS_PER_WORD = 10_000;
/** Between rounds: runs that finish one by one are purged together. */
const ROUND_MS = 1_000;
const RETRY_MS = 5_000;

export class Upkeep {
  #cancelWake: (() => void) | null = null;
  #wakesAt = 0;
  /** No step before that. */
  #notBefore = 0;
  #running: Promise<void> | null = null;
  #isStopped = false;
  /** Runs of this round since it was last told. */
  #purged = 0;
  /** Steps of this round. */
  #steps = 0;

  constructor(readonly options: SchedulerOptions) {}

  /** Something may have become due: a turn is over. */
  plan(): void {
    if (this.#isStopped || this.#running !== null) return;
    const due = this.#due();
    if (due === null) return;
    const now = this.options.clock.now();
    const at = Math.max(due, this.#notBefore, now);
    // An earlier wake-up stays: it finds out itself what is due then.
    if (this.#cancelWake !== null && this.#wakesAt <= at) return;
    this.#cancelWake?.();
    this.#wakesAt = at;
    const least = this.#steps < STEPS_AT_EASE ? PAUSE_MS : 1;
    this.#cancelWake = this.options.runtime.after(Math.max(least, Math.ceil(at - now)), () => this.#wake());
  }

  /** Nothing is begun any more; resolves when what runs is over. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelWake?.();
    this.#cancelWake = null;
    await this.#running;
  }

  #due(): number | null {
    return this.options.store.nextPurge(this.options.retention ?? KEEP_ALL);
  }

  #wake(): void {
    this.#cancelWake = null;
    const due = this.#due();
    if (due === null || due > this.options.clock.now()) {
      this.plan();
      return;
    }
    this.#running = this.#step().finally(() => {
      this.#running = null;
      this.plan();
    });
  }

  async #step(): Promise<void> {
    const { store, clock, log, retention } = this.options;
    const begun = clock.now();
    try {
      this.#purged += await store.purge(retention ?? KEEP_ALL, ROWS_PER_STEP);
      this.#steps++;
      const due = this.#due();
      if (due !== null && due <= clock.now()) {
        this.#notBefore = clock.now() + (clock.now() - begun);
        if (this.#purged >= RUNS_PER_WORD) this.#tell();
        return;
      }
      this.#notBefore = clock.now() + ROUND_MS;
      this.#steps = 0;
      if (this.#purged > 0) this.#tell();
    } catch (thrown) {
      const { message } = CloacaError.from(thrown);
      log.error("purge_failed", { error: message });
      this.#notBefore = clock.now() + RETRY_MS;
    }
  }

  #tell(): void {
    const { finishedRuns, purgedRuns } = this.options.store.stats();
    this.options.log.info("runs_purged", { runs: this.#purged, finishedRuns, purgedRuns });
    this.#purged = 0;
  }
}
