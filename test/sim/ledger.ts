/**
 * What must follow from the log alone. The ledger reads each commit once it is durable and keeps books of its own, which
 * share no code with the scheduler's: whatever the log says must fit what came before, and what hosts really said.
 */
import { parseLeaseId } from "../../server/src/core/lease-id.js";
import type { RunEvent } from "../../server/src/core/model.js";
import type { WriteSet } from "../../server/src/store/live/journal.js";
import type { Facts } from "./facts.js";
import { TIMEOUT_MS } from "./workflows.js";

type Ending = { readonly session: string; readonly holdsSlot: boolean };

/** A task run by the log. */
interface Entry {
  state: "idle" | "LEASED" | "DEFERRED" | "RECLAIMING" | "RETRYING" | "SUCCEEDED" | "FAILED" | "CANCELLED";
  lease: string;
  session: string;
  fence: number;
  attempt: number;
  recovery: number;
  /** Slot-held time of the attempt, while a scheduler was up. */
  heldMs: number;
  heldSince: number;
  deferral: number;
  deferredAt: number;
  /** When it asked for its slot again. */
  reclaimed: number;
  readonly ending: Map<string, Ending>;
  readonly declinedBy: Set<string>;
}

interface Session {
  readonly hostId: string;
  generation: number;
  slots: number;
  held: number;
  isDraining: boolean;
  /** P8: resumed in a row, at least. */
  streak: number;
  readonly reclaims: Set<Entry>;
}

export class Ledger {
  readonly sessions = new Map<string, Session>();
  readonly #entries = new Map<string, Entry>();
  readonly #lastSeq = new Map<string, number>();
  /** Sessions that got a slot in this commit, how many reclaims each had resumed, and whether it got a lease. */
  #granted = new Map<string, { resumed: number; leased: number }>();
  #ended: ReadonlySet<string> = new Set();
  /** Resumed leases, with those that had waited for longer. */
  readonly #overtaken: [Entry, Entry][] = [];

  constructor(
    readonly facts: Facts,
    readonly reclaimsInARow: number,
  ) {}

  /** A restarted scheduler counts reclaims in a row anew. */
  restarted(): void {
    for (const session of this.sessions.values()) session.streak = 0;
  }

  committed({ sessions, endedSessions, chunks }: Pick<WriteSet, "sessions" | "endedSessions" | "chunks">): void {
    this.#granted = new Map();
    this.#ended = new Set(endedSessions);
    for (const { id, spec, draining, generation } of sessions) {
      const known = this.sessions.get(id);
      const fresh = {
        hostId: spec.hostId,
        generation: 0,
        slots: 0,
        held: 0,
        isDraining: false,
        streak: 0,
        reclaims: new Set<Entry>(),
      };
      const session = known ?? fresh;
      if (known === undefined) {
        this.facts.sessionOpened(id);
        this.sessions.set(id, session);
      }
      // A Hello is a sign of life.
      if (generation > session.generation) this.facts.sessionOpened(id);
      session.generation = generation;
      session.slots = spec.slots;
      session.isDraining = draining;
    }
    for (const { runId, events } of chunks) for (const event of events) this.#apply(runId, event);
    for (const id of endedSessions) this.#end(id);
    for (const [id, { resumed, leased }] of this.#granted) this.#checkGrants(id, resumed, leased);
  }

  /** Nobody may have a lease of a run that is purged, nor code of it that runs on. */
  purged(runId: string): void {
    for (const [key, { lease, ending }] of this.#entries) {
      if (!key.startsWith(`${runId}#`)) continue;
      this.#check(lease === "" && ending.size === 0, `run ${runId} was purged, and ${key} has a lease`);
    }
  }

  /** Whether a lease is current, by what is durable. */
  isCurrent(leaseId: string): boolean {
    const address = parseLeaseId(leaseId);
    return address !== null && this.#entries.get(`${address.runId}#${address.task}`)?.lease === leaseId;
  }

  /** Nothing is leased, and no code of a fenced lease runs. */
  get isEmpty(): boolean {
    for (const { lease, ending } of this.#entries.values()) if (lease !== "" || ending.size > 0) return false;
    return true;
  }

  describe(): string {
    const open = [...this.#entries].filter(([, e]) => e.lease !== "" || e.ending.size > 0);
    return open.map(([key, e]) => `${key} ${e.state} ${e.lease} ending ${[...e.ending.keys()]}`).join(", ");
  }

  /** At the end nobody may hold anything. */
  checkEmpty(): void {
    for (const [id, { held }] of this.sessions)
      if (held !== 0) this.#breach(`session ${id} holds ${held} slots at the end`);
    for (const [key, { lease, ending }] of this.#entries) {
      if (lease !== "" || ending.size > 0) this.#breach(`${key} has a lease at the end`);
    }
  }

  #apply(runId: string, event: RunEvent): void {
    const last = this.#lastSeq.get(runId) ?? 0;
    this.#check(event.seq === last + 1, `run ${runId}: event ${event.seq} comes after event ${last}`);
    this.#lastSeq.set(runId, event.seq);
    if (event.task === undefined) return;
    const key = `${runId}#${event.task}`;
    const entry = this.#entries.get(key) ?? newEntry();
    this.#entries.set(key, entry);
    const problem = this.#step(key, entry, event);
    if (problem !== null) this.#breach(`${event.type} of ${key} (${event.leaseId ?? "no lease"}): ${problem}`);
    if (event.sessionId === undefined || event.slotDelta === undefined) return;
    const session = this.sessions.get(event.sessionId);
    if (session === undefined) this.#breach(`${event.type} of ${key}: session ${event.sessionId} is unknown`);
    else session.held += event.slotDelta;
  }

  /** Applies an event; returns what is wrong with it. */
  #step(key: string, entry: Entry, event: RunEvent): string | null {
    const { leaseId = "", sessionId = "", slotDelta = 0, at, deferral = 0 } = event;
    const { facts } = this;
    const isLeased = entry.state === "LEASED";
    switch (event.type) {
      case "TASK_LEASED": {
        if (entry.lease !== "") return `lease ${entry.lease} is current`;
        const fence = parseLeaseId(leaseId)?.fence ?? 0;
        if (fence <= entry.fence) return `fence ${fence} comes after ${entry.fence}`;
        const session = this.sessions.get(sessionId);
        if (session?.isDraining === true) return "its session drains";
        if (entry.declinedBy.has(sessionId)) return "its session has declined it";
        if (entry.state === "SUCCEEDED") return "it has succeeded";
        if (entry.attempt === 0) entry.attempt = 1;
        if (event.attempt !== entry.attempt) return `attempt ${event.attempt}, expected ${entry.attempt}`;
        if ((event.recovery ?? 0) !== entry.recovery) return `recovery ${event.recovery}, expected ${entry.recovery}`;
        Object.assign(entry, { state: "LEASED", lease: leaseId, session: sessionId, fence, deferral: 0 });
        entry.heldSince = facts.uptime(at);
        this.#grant(sessionId).leased++;
        return slotDelta === 1 ? null : `slot delta ${slotDelta}`;
      }
      case "TASK_DEFERRED":
        if (entry.lease !== leaseId || !isLeased) return `the lease is not held: ${entry.state} ${entry.lease}`;
        if (deferral !== entry.deferral + 1) return `deferral ${deferral} comes after ${entry.deferral}`;
        if (!facts.wasSaid(`defer:${leaseId}:${deferral}`)) return "its host never said so";
        this.#leaveSlot(entry, at);
        Object.assign(entry, { state: "DEFERRED", deferral, deferredAt: at });
        facts.add(`defer:${leaseId}:${deferral}`);
        return slotDelta === -1 ? null : `slot delta ${slotDelta}`;
      case "TASK_RECLAIMING":
        if (entry.lease !== leaseId || entry.state !== "DEFERRED") return `${entry.state} ${entry.lease}`;
        if (event.reason === "MAX_WAIT") {
          const due = entry.deferredAt + facts.maxWait(leaseId, deferral);
          if (at < due) return `its longest wait ends ${due - at} ms later`;
        } else if (!facts.wasSaid(`reclaim:${leaseId}:${deferral}`)) return "its host never said so";
        entry.state = "RECLAIMING";
        entry.reclaimed = at;
        this.sessions.get(sessionId)?.reclaims.add(entry);
        facts.add(`reclaim:${leaseId}:${deferral}`);
        return null;
      case "TASK_RESUMED": {
        if (entry.lease !== leaseId || entry.state !== "RECLAIMING") return `${entry.state} ${entry.lease}`;
        const queue = this.sessions.get(sessionId)?.reclaims;
        queue?.delete(entry);
        entry.state = "LEASED";
        entry.heldSince = facts.uptime(at);
        this.#grant(sessionId).resumed++;
        facts.add(`resumed:${leaseId}:${deferral}`);
        for (const other of queue ?? []) {
          // P8: oldest first. The other one may be resumed in the same commit: its end tells.
          if (other.reclaimed < entry.reclaimed) this.#overtaken.push([entry, other]);
        }
        return slotDelta === 1 ? null : `slot delta ${slotDelta}`;
      }
      case "TASK_CHECKPOINTED":
        if (entry.lease !== leaseId) return `lease ${entry.lease} is current`;
        facts.add(`checkpoint:${leaseId}`);
        return null;
      case "TASK_SUCCEEDED":
        if (entry.lease !== leaseId || !isLeased) return `a result of a stale lease: ${entry.state} ${entry.lease}`;
        if (!facts.wasSaid(`complete:${leaseId}`)) return "its host never said so";
        facts.add(`complete:${leaseId}`);
        return this.#release(entry, "SUCCEEDED", slotDelta, at);
      case "TASK_RETRYING":
      case "TASK_FAILED": {
        const state = event.type === "TASK_FAILED" ? "FAILED" : "RETRYING";
        if (leaseId === "") {
          entry.state = state;
          return null;
        }
        if (entry.lease !== leaseId) return `lease ${entry.lease} is current`;
        const code = event.failure?.code;
        if (code === "TASK_TIMEOUT") return this.#timeOut(entry, event, state);
        if (code === "HOST_LOST") {
          if (!this.#ended.has(sessionId)) return "its session lives";
        } else if (!facts.wasSaid(`fail:${leaseId}`)) return "its host never said so";
        facts.add(`fail:${leaseId}`);
        return this.#release(entry, state, slotDelta, at);
      }
      case "TASK_LOST":
        if (entry.lease !== leaseId) return `lease ${entry.lease} is current`;
        if (!this.#ended.has(sessionId)) return "its session lives";
        entry.recovery++;
        entry.heldMs = 0;
        return this.#release(entry, "idle", slotDelta, at);
      case "TASK_DECLINED":
        if (entry.lease !== leaseId) return `lease ${entry.lease} is current`;
        if (!facts.wasSaid(`decline:${leaseId}`)) return "its host never said so";
        entry.declinedBy.add(sessionId);
        facts.add(`decline:${leaseId}`);
        return this.#release(entry, "idle", slotDelta, at);
      case "TASK_CANCELLED": {
        if (leaseId !== entry.lease) return `lease ${entry.lease} is current`;
        // P3: fenced at once, the slot stays taken until the code has stopped.
        if (leaseId !== "") this.#fence(entry);
        entry.state = "CANCELLED";
        return slotDelta === 0 ? null : `slot delta ${slotDelta}`;
      }
      case "LEASE_ENDED": {
        const ending = entry.ending.get(leaseId);
        if (ending === undefined) return "no such lease was fenced";
        entry.ending.delete(leaseId);
        facts.add(`ended:${leaseId}`);
        const stopped = facts.hasStopped(leaseId) || this.#ended.has(ending.session);
        if (!stopped) return `its code runs on (${event.reason})`;
        return -slotDelta === (ending.holdsSlot ? 1 : 0) ? null : `slot delta ${slotDelta}`;
      }
      case "TASK_READY":
        if (entry.state !== "RETRYING") return null;
        Object.assign(entry, { state: "idle", attempt: entry.attempt + 1, recovery: 0, heldMs: 0 });
        return null;
      case "TASK_RESET":
        facts.reset(key, entry.fence, entry.state === "FAILED");
        Object.assign(entry, {
          state: "idle",
          recovery: 0,
          heldMs: 0,
          attempt: entry.attempt === 0 ? 0 : entry.attempt + 1,
        });
        entry.declinedBy.clear();
        return null;
      default:
        return null;
    }
  }

  #timeOut(entry: Entry, { slotDelta = 0, at }: RunEvent, state: "FAILED" | "RETRYING"): string | null {
    if (entry.state !== "LEASED") return `it is ${entry.state}`;
    // P9: only slot-held time counts, and only while a scheduler runs.
    const held = entry.heldMs + this.facts.uptime(at) - entry.heldSince;
    this.#fence(entry);
    entry.state = state;
    if (slotDelta !== 0) return `slot delta ${slotDelta}`;
    return held >= TIMEOUT_MS ? null : `it has held its slot for ${held} of ${TIMEOUT_MS} ms`;
  }

  #fence(entry: Entry): void {
    entry.ending.set(entry.lease, { session: entry.session, holdsSlot: entry.state === "LEASED" });
    this.sessions.get(entry.session)?.reclaims.delete(entry);
    entry.lease = "";
  }

  #release(entry: Entry, state: Entry["state"], slotDelta: number, at: number): string | null {
    const expected = entry.state === "LEASED" ? -1 : 0;
    if (expected === -1) this.#leaveSlot(entry, at);
    if (state === "idle") entry.heldMs = 0;
    this.sessions.get(entry.session)?.reclaims.delete(entry);
    entry.state = state;
    entry.lease = "";
    return slotDelta === expected ? null : `slot delta ${slotDelta}, expected ${expected}`;
  }

  #leaveSlot(entry: Entry, at: number): void {
    entry.heldMs += this.facts.uptime(at) - entry.heldSince;
  }

  #grant(sessionId: string): { resumed: number; leased: number } {
    const known = this.#granted.get(sessionId) ?? { resumed: 0, leased: 0 };
    this.#granted.set(sessionId, known);
    return known;
  }

  #checkGrants(id: string, resumed: number, leased: number): void {
    const session = this.sessions.get(id);
    if (session === undefined) return;
    const { held, slots, reclaims } = session;
    this.#check(held <= slots, `session ${id} holds ${held} of ${slots} slots after a grant`);
    // P8: reclaims go before new leases, but for one after so many in a row.
    const most = reclaims.size === 0 ? leased : Math.floor((session.streak + resumed) / this.reclaimsInARow);
    this.#check(leased <= most, `session ${id} got ${leased} leases while ${reclaims.size} reclaims wait`);
    session.streak = leased > 0 ? resumed : session.streak + resumed;
    for (const [first, waiting] of this.#overtaken.splice(0)) {
      this.#check(waiting.state !== "RECLAIMING", `${first.lease} was resumed before ${waiting.lease}`);
    }
  }

  #end(id: string): void {
    const session = this.sessions.get(id);
    if (session === undefined) return;
    this.facts.sessionEnded(id, session.hostId);
    this.#check(session.held === 0, `session ${id} ended with ${session.held} slots held`);
    this.sessions.delete(id);
  }

  #check(holds: boolean, otherwise: string): void {
    if (!holds) this.#breach(otherwise);
  }

  #breach(text: string): void {
    this.facts.breach(`ledger: ${text}`);
  }
}

function newEntry(): Entry {
  return {
    state: "idle",
    lease: "",
    session: "",
    fence: 0,
    attempt: 0,
    recovery: 0,
    heldMs: 0,
    heldSince: 0,
    deferral: 0,
    deferredAt: 0,
    reclaimed: 0,
    ending: new Map(),
    declinedBy: new Set(),
  };
}
