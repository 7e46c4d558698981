/** Who gets a free slot: reclaims before new leases, oldest first, and the bound that keeps new work moving (P2, P8). */
import { type LeaseGrant, leaseTask, resumeTask } from "../../core/grants.js";
import type { DecisionLimits, HostEffect } from "../../core/run-draft.js";
import type { GrantRequest, Grants } from "../store.js";
import type { Books } from "./books.js";
import type { Group, ReadyEntry } from "./dispatch.js";
import type { LiveSession } from "./live-session.js";

export function grant(books: Books, request: GrantRequest, limits: DecisionLimits, now: number): Grants {
  const round = new GrantRound(books, request, limits, now);
  round.reclaims();
  round.newLeases();
  return { leases: round.leases, resumed: round.resumed, more: round.isFull };
}

class GrantRound {
  readonly leases: LeaseGrant[] = [];
  readonly resumed: HostEffect[] = [];

  constructor(
    readonly books: Books,
    readonly request: GrantRequest,
    readonly limits: DecisionLimits,
    readonly now: number,
  ) {}

  get isFull(): boolean {
    return this.leases.length + this.resumed.length >= this.request.limit;
  }

  reclaims(): void {
    // Sessions may have come or gone in this turn: what is claimable must be known before the first claim (P13).
    this.books.dispatch.refresh();
    for (const session of [...this.books.reclaiming]) {
      if (!this.request.reachable.has(session.id)) continue;
      while (session.freeSlots > 0 && session.reclaims.size > 0 && !this.isFull) {
        if (session.reclaimStreak < this.request.reclaimsInARow || !this.#leaseOne(session))
          this.#resumeOldest(session);
      }
    }
  }

  newLeases(): void {
    for (const group of this.books.dispatch.claimable()) {
      // One for each session in turn, so that work spreads over the hosts.
      for (let progress = true; progress && group.queue.size > 0 && !this.isFull; ) {
        progress = false;
        for (const session of [...group.open]) {
          if (this.isFull || group.queue.size === 0) break;
          if (!this.request.reachable.has(session.id) || session.reclaims.size > 0) continue;
          if (!this.#leaseOne(session)) continue;
          progress = true;
          // To the back of the line.
          if (group.open.delete(session)) group.open.add(session);
        }
      }
    }
  }

  #resumeOldest(session: LiveSession): void {
    const home = session.reclaims.oldest();
    if (home === undefined) return;
    this.books.setStreak(session, session.reclaimStreak + 1);
    const { slots } = session.record.spec;
    this.resumed.push(resumeTask(home.run, home.task, this.limits, this.now, slots));
  }

  #leaseOne(session: LiveSession): boolean {
    const { group } = session;
    if (group === null || !session.takesNewLeases) return false;
    const entry = claim(group, session);
    if (entry === null) return false;
    if (session.reclaimStreak > 0) this.books.setStreak(session, 0);
    const { hostId, slots } = session.record.spec;
    const host = { id: session.id, hostId, slots };
    this.leases.push(leaseTask(entry.run, entry.task, host, this.limits, this.now));
    return true;
  }
}

/** The first task run of the queue that the session has not declined. It leaves the queue when its state changes. */
function claim(group: Group, session: LiveSession): ReadyEntry | null {
  const first = group.queue.peek();
  if (first === undefined) return null;
  if (!declined(first.entry, session)) return first.entry;
  const aside = [];
  let found: ReadyEntry | null = null;
  for (let node = group.queue.pop(); node !== undefined; node = group.queue.pop()) {
    aside.push(node);
    if (declined(node.entry, session)) continue;
    found = node.entry;
    break;
  }
  for (const node of aside) group.queue.push(node);
  return found;
}

function declined(entry: ReadyEntry, session: LiveSession): boolean {
  return entry.run.task(entry.task).declinedBy.includes(session.id);
}
