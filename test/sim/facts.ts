/** What really happened, as nobody in the simulation can see it at once: what hosts said, what is durable, who was heard. */
import type { LeaseEvent } from "../../server/src/core/lease-events.js";
import { parseLeaseId } from "../../server/src/core/lease-id.js";
import { TAKEOVER_AFTER_TTL } from "../../server/src/engine/limits.js";
import { TTL_MS } from "./plan.js";
import type { VirtualTime } from "./virtual-time.js";

/** A wake-up that is later than that is a stall. */
const NOTICED_STALL_MS = 1_000;

/** So long a session may live after its TTL, when nothing disturbs the scheduler. */
const LATE_MS = 1_000;

export class Facts {
  /** What was wrong, the first one first. */
  readonly breaches: string[] = [];
  /** What the log has, and how often. */
  readonly #durable = new Map<string, number>();
  readonly #said = new Set<string>();
  readonly #maxWaits = new Map<string, number>();
  /** Leases whose code was never started, or has stopped. */
  readonly #started = new Set<string>();
  readonly #stopped = new Set<string>();
  readonly #receipted = new Map<string, number>();
  /** Sessions, and when each was heard, the last times. */
  readonly #heard = new Map<string, number[]>();
  /** When the commit was decided of which is told: with a slow disk, some time ago. */
  decidedAt = 0;
  readonly #goodbyes = new Set<string>();
  readonly #hellos = new Map<string, { instance: string; at: number }[]>();
  readonly #instances = new Map<string, string>();
  #upSince = 0;
  #uptime = 0;
  #isUp = false;
  #disturbedAt = 0;
  /** Fence of a task run when its run was last retried, and when that made it forget its checkpoint. */
  readonly #resets = new Map<string, number>();
  readonly #forgotten = new Map<string, number>();
  readonly #checkpoints = new Map<string, number>();

  /** Whether a lease is current, by what is durable. */
  isCurrent: (leaseId: string) => boolean = () => false;

  constructor(readonly time: VirtualTime) {}

  breach(text: string): void {
    this.breaches.push(`${this.time.elapsed} ms: ${text}`);
  }

  // The scheduler

  schedulerUp(): void {
    this.#isUp = true;
    this.#upSince = this.time.now();
    this.disturbed();
    // P5: nobody could be heard before.
    for (const id of this.#heard.keys()) this.#hear(id, this.time.now());
  }

  /** P5: a loop that stood still for so long that it could hear nobody gives everybody a full TTL. */
  stallEnded(): void {
    const now = this.time.now();
    this.disturbed();
    const silent = [...this.#heard.values()].some((heard) => now - (heard.at(-1) ?? 0) > TTL_MS + NOTICED_STALL_MS);
    if (silent) for (const id of this.#heard.keys()) this.#hear(id, now);
  }

  /** The scheduler, or its disk, could not do its work. */
  disturbed(): void {
    this.#disturbedAt = this.time.now();
  }

  schedulerDown(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#uptime += this.time.now() - this.#upSince;
  }

  /** Time until `at` in which a scheduler ran. */
  uptime(at: number): number {
    return this.#uptime + (this.#isUp ? Math.max(0, at - this.#upSince) : 0);
  }

  // The log

  add(fact: string): void {
    this.#durable.set(fact, (this.#durable.get(fact) ?? 0) + 1);
  }

  has(fact: string, times = 1): boolean {
    return (this.#durable.get(fact) ?? 0) >= times;
  }

  /** The run was retried: what had failed keeps its checkpoint, what had succeeded begins with nothing. */
  reset(taskRun: string, fence: number, hadFailed: boolean): void {
    this.#resets.set(taskRun, fence);
    if (!hadFailed) this.#checkpoints.delete(taskRun);
    if (!hadFailed) this.#forgotten.set(taskRun, fence);
  }

  wasReset(leaseId: string): boolean {
    const address = parseLeaseId(leaseId);
    return address !== null && address.fence <= (this.#resets.get(`${address.runId}#${address.task}`) ?? 0);
  }

  /** A checkpoint has its receipt: no later execution starts before it. Numbers grow with every execution. */
  checkpointed(taskRun: string, fence: number, number: number): void {
    if (fence <= (this.#forgotten.get(taskRun) ?? 0)) return;
    this.#checkpoints.set(taskRun, Math.max(number, this.#checkpoints.get(taskRun) ?? 0));
  }

  checkpoint(taskRun: string): number {
    return this.#checkpoints.get(taskRun) ?? 0;
  }

  // Hosts

  said(event: LeaseEvent): void {
    this.#said.add(factOf(event));
    if (event.type === "defer") this.#maxWaits.set(`${event.leaseId}:${event.n}`, event.maxWaitMs);
    if (event.type === "stopped" || event.type === "complete" || event.type === "fail" || event.type === "decline") {
      this.#stopped.add(event.leaseId);
    }
  }

  /** P4: what has its receipt is durable. */
  receipted(fact: string): void {
    this.#receipted.set(fact, (this.#receipted.get(fact) ?? 0) + 1);
    this.told(fact);
  }

  /** What a host is told has been committed. */
  told(fact: string): void {
    if (!this.has(fact)) this.breach(`host: it was told of ${fact}, which is not durable`);
  }

  /** P4: an outcome that counts is answered DUPLICATE when it is repeated. */
  receiptedStale(event: LeaseEvent, fact: string): void {
    const isPurged = this.has(`purged:${parseLeaseId(event.leaseId)?.runId}`);
    if (event.type === "complete" && this.has(fact) && !this.wasReset(event.leaseId) && !isPurged) {
      this.breach(`host: STALE for ${fact}, which counts`);
    }
  }

  /** At the end: whatever had a receipt is in the log, unless its run was purged with its part of it. */
  checkReceipts(log: ReadonlyMap<string, number>, purged: ReadonlySet<string>): void {
    for (const [fact, times] of this.#receipted) {
      if (purged.has(runOf(fact))) continue;
      const least = fact.startsWith("checkpoint:") ? times : 1;
      if ((log.get(fact) ?? 0) < least) this.breach(`receipts: ${fact} had one, and the log has lost it`);
    }
  }

  wasSaid(fact: string): boolean {
    return this.#said.has(fact);
  }

  maxWait(leaseId: string, n: number): number {
    const ms = this.#maxWaits.get(`${leaseId}:${n}`) ?? 0;
    return ms === 0 ? Number.POSITIVE_INFINITY : ms;
  }

  started(leaseId: string): void {
    if (this.#started.has(leaseId)) this.breach(`host: lease ${leaseId} was executed twice`);
    this.#started.add(leaseId);
  }

  /** Its process is gone, or the code has been told to stop and has. */
  gone(leaseId: string): void {
    this.#stopped.add(leaseId);
  }

  hasStopped(leaseId: string): boolean {
    return !this.#started.has(leaseId) || this.#stopped.has(leaseId);
  }

  hello(hostId: string, instance: string): void {
    const known = this.#hellos.get(hostId) ?? [];
    known.push({ instance, at: this.time.now() });
    this.#hellos.set(hostId, known);
  }

  // Sessions

  sessionOpened(id: string): void {
    this.#hear(id, this.decidedAt);
  }

  instanceOf(id: string, instance: string): void {
    this.#instances.set(id, instance);
  }

  heard(id: string): void {
    if (this.#heard.has(id)) this.#hear(id, this.time.now());
  }

  goodbye(id: string): void {
    this.#goodbyes.add(id);
  }

  /** P1, P5: a session ends of silence, by another instance of its host after less of it, or when it said goodbye. */
  sessionEnded(id: string, hostId: string): void {
    const now = this.decidedAt;
    const silent = now - (this.#heard.get(id)?.findLast((at) => at <= now) ?? 0);
    this.#heard.delete(id);
    if (silent >= TTL_MS || this.#goodbyes.has(id)) {
      const isLate = silent > TTL_MS + LATE_MS && now - this.#disturbedAt > silent + LATE_MS;
      if (isLate) this.breach(`session ${id} was recovered only after ${silent} ms, its TTL is ${TTL_MS} ms`);
      return;
    }
    const instance = this.#instances.get(id);
    const isTaken = (this.#hellos.get(hostId) ?? []).some((h) => h.instance !== instance);
    if (isTaken && silent >= TTL_MS * TAKEOVER_AFTER_TTL) return;
    this.breach(`session ${id} ended after ${silent} ms of silence, its TTL is ${TTL_MS} ms`);
  }

  #hear(id: string, at: number): void {
    const times = this.#heard.get(id) ?? [];
    times.push(at);
    if (times.length > 100) times.splice(0, 50);
    this.#heard.set(id, times);
  }
}

/** The run that a fact about a lease is about. */
function runOf(fact: string): string {
  const [, leaseId = ""] = fact.split(":");
  return parseLeaseId(leaseId)?.runId ?? "";
}

/** The name under which the log has what a host said. */
export function factOf(event: LeaseEvent): string {
  switch (event.type) {
    case "defer":
    case "reclaim":
      return `${event.type}:${event.leaseId}:${event.n}`;
    case "stopped":
      return `ended:${event.leaseId}`;
    case "complete":
    case "fail":
    case "checkpoint":
    case "decline":
      return `${event.type}:${event.leaseId}`;
  }
}
