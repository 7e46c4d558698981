/**
 * Which finished runs are purged, and when. Runs go in the order in which they finished, which is that of their last events
 * in the log: one walk along the log finds them, and nothing has to be kept in order while runs finish.
 *
 * - The walk never goes back. What it passes is live, and will have later events; or it is not the run's last. A run that has
 *   finished and need not go yet stops it.
 * - A turn that fails takes its purges back, and the walk with them.
 */
import type { Retention } from "../store.js";
import type { FinishedRun, Journal, PurgeWrites, Snapshot } from "./journal.js";

interface Walk {
  /** All finished runs that are there have their last events after this position. */
  readonly position: number;
  /** When the first run after it ended; null when there is none, undefined when nobody has looked. */
  readonly firstEnd: number | null | undefined;
}

export class Purging {
  #finished: number;
  #purged: number;
  #walk: Walk = { position: 0, firstEnd: undefined };
  // Of this turn:
  readonly #gone = new Map<string, FinishedRun>();
  #walked: Walk | null = null;
  #sweep = 0;

  constructor(
    readonly journal: Journal,
    { finishedRuns, purgedRuns }: Pick<Snapshot, "finishedRuns" | "purgedRuns">,
  ) {
    this.#finished = finishedRuns;
    this.#purged = purgedRuns;
  }

  get finishedRuns(): number {
    return this.#finished;
  }

  get purgedRuns(): number {
    return this.#purged;
  }

  /** Whether this turn purges the run. */
  has(runId: string): boolean {
    return this.#gone.has(runId);
  }

  due(retention: Retention, now: number): number | null {
    if (this.journal.isUnswept || this.#surplus(retention) > 0) return now;
    const { firstEnd } = this.#walk;
    if (retention.forMs === null || firstEnd === null) return null;
    return firstEnd === undefined ? now : firstEnd + retention.forMs;
  }

  /**
   * One step; returns how many runs it takes. Runs that are live in this turn stay: they may have been taken up in it, and
   * those `takenUp` that the journal still says to have finished are none of the newest.
   */
  step(retention: Retention, limit: number, now: number, isLive: (runId: string) => boolean, takenUp: number): number {
    const before = this.#gone.size;
    this.#sweep += limit;
    let surplus = this.#surplus(retention) - takenUp;
    if (surplus <= 0 && retention.forMs === null) return 0;
    const { position } = this.#walked ?? this.#walk;
    const page = this.journal.finishedAfter(position, limit);
    this.#walked = { position: page.position, firstEnd: page.more ? undefined : null };
    let cost = 0;
    for (const run of page.runs) {
      if (isLive(run.runId) || this.#gone.has(run.runId)) continue;
      const isOld = retention.forMs !== null && run.finishedAt + retention.forMs <= now;
      cost += run.cost;
      // However large it is, one goes in each step.
      const isEnough = cost > limit && this.#gone.size > before;
      if ((surplus <= 0 && !isOld) || isEnough) {
        this.#walked = { position: run.position - 1, firstEnd: run.finishedAt };
        break;
      }
      this.#gone.set(run.runId, run);
      surplus--;
    }
    return this.#gone.size - before;
  }

  /** What the journal is to write for this turn. */
  writes(position: number, runNumber: number, at: number): PurgeWrites | null {
    if (this.#gone.size === 0 && !(this.#sweep > 0 && this.journal.isUnswept)) return null;
    return { runs: [...this.#gone.values()], sweep: this.#sweep, position, runNumber, at };
  }

  /** The turn is durable. */
  settle(): void {
    this.#finished -= this.#gone.size;
    this.#purged += this.#gone.size;
    if (this.#walked !== null) this.#walk = this.#walked;
    this.rollBack();
  }

  rollBack(): void {
    this.#gone.clear();
    this.#walked = null;
    this.#sweep = 0;
  }

  /** A run has finished, for good or until it is retried. */
  runFinished(endedAt: number): void {
    this.#finished++;
    if (this.#walk.firstEnd === null) this.#walk = { ...this.#walk, firstEnd: endedAt };
  }

  /** A finished run was taken up again. */
  runTakenUp(): void {
    this.#finished--;
  }

  #surplus({ newest }: Retention): number {
    return newest === null ? 0 : this.#finished - this.#gone.size - newest;
  }
}
