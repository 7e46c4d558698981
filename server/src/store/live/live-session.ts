import type { SessionRecord } from "../../core/session.js";
import type { Group } from "./dispatch.js";
import type { LiveRun } from "./live-run.js";
import { ReclaimQueue } from "./reclaim-queue.js";

/** Where a lease of a session lives. */
export interface LeaseHome {
  readonly run: LiveRun;
  readonly task: number;
}

/** A session with its books: what it holds and what it waits for. */
export class LiveSession {
  record: SessionRecord;
  /** Record before the turn; null when the turn made the session; undefined when the turn did not change it. */
  before: SessionRecord | null | undefined = undefined;
  ended = false;
  lastHeard: number;
  /** P2: slots held, by current and by fenced leases. */
  held = 0;
  readonly leases = new Map<string, LeaseHome>();
  readonly endings = new Map<string, LeaseHome>();
  readonly reclaims = new ReclaimQueue();
  /** P8: reclaims in a row, now and before the turn; the latter null when the turn did not change it. */
  reclaimStreak = 0;
  streakBefore: number | null = null;
  group: Group | null = null;

  constructor(record: SessionRecord, now: number) {
    this.record = record;
    this.lastHeard = now;
  }

  get id(): string {
    return this.record.id;
  }

  get freeSlots(): number {
    return this.record.spec.slots - this.held;
  }

  /** P2: `max_leases` withholds new leases; P12: so does a drain. */
  get takesNewLeases(): boolean {
    const { spec, draining } = this.record;
    // A fenced lease counts until its host has stopped it: its code is still there.
    const count = this.leases.size + this.endings.size;
    return !draining && this.freeSlots > 0 && (spec.maxLeases === 0 || count < spec.maxLeases);
  }
}
