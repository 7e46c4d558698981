/**
 * What sessions hold by the log, and who waits for a slot of theirs. Rules across runs are harder to check than those within
 * one: the log has the events of one commit by run, not by time, and does not say where a commit ends. So a breach counts only
 * where no order of what happened at that time would do.
 */
import type { Finding } from "./breach.js";
import type { SlotEntry } from "./task-account.js";

/** An event's place in the log. */
export interface Place {
  readonly namespace: string;
  readonly runId: string;
  readonly seq: number;
  readonly at: number;
  readonly task: number;
}

export interface SessionFinding extends Finding {
  readonly place: Place;
  readonly sessionId: string;
  readonly leaseId: string;
}

interface Reclaim {
  readonly leaseId: string;
  readonly place: Place;
  /** Its place in the log, among all reclaims. */
  readonly order: number;
  /** A later one that was resumed before it. */
  overtaken: { readonly leaseId: string; readonly place: Place } | null;
}

interface Session {
  readonly id: string;
  held: number;
  /** What it offered when it last took a slot; null while nobody has said. */
  slots: number | null;
  /** Its last taking. */
  last: { readonly leaseId: string; readonly place: Place } | null;
  readonly reclaims: Map<string, Reclaim>;
  isSuspect: boolean;
}

/** A session holds too much, unless what comes later in the log happened before. */
interface Suspicion {
  readonly session: Session;
  readonly held: number;
  readonly slots: number;
  readonly leaseId: string;
  readonly place: Place;
  /** Time of the latest event before. */
  readonly until: number;
}

/** No commit spans more time; an event that comes so much earlier than one before it tells of a clock that was set back. */
const LONGEST_COMMIT_MS = 60_000;

export class SessionAccounts {
  readonly #sessions = new Map<string, Session>();
  readonly #over = new Set<Session>();
  /** In the order of their times. */
  readonly #suspicions: Suspicion[] = [];
  #latest = Number.NEGATIVE_INFINITY;
  #reclaims = 0;
  /** Slots that were taken where the log does not say how many there were. */
  unknownSlots = 0;

  constructor(readonly tell: (finding: SessionFinding) => void) {}

  /** Sessions that hold a slot, and how many. */
  held(): Map<string, number> {
    const held = new Map<string, number>();
    for (const { id, held: count } of this.#sessions.values()) if (count > 0) held.set(id, count);
    return held;
  }

  /** Every event of the log comes by, in its order, before its entry. */
  passes(at: number): void {
    if (at < this.#latest - LONGEST_COMMIT_MS) this.#latest = at;
    for (let last = this.#suspicions.at(-1); last !== undefined && last.until >= at; last = this.#suspicions.at(-1)) {
      this.#suspicions.pop();
      last.session.isSuspect = false;
      this.#drop(last.session);
    }
    this.#latest = Math.max(this.#latest, at);
    let proven = 0;
    for (const suspicion of this.#suspicions) {
      if (suspicion.until >= at - LONGEST_COMMIT_MS) break;
      this.#prove(suspicion);
      proven++;
    }
    this.#suspicions.splice(0, proven);
  }

  enter(entry: SlotEntry, slots: number | undefined, place: Place): void {
    const { sessionId, leaseId } = entry;
    if (sessionId === "") return;
    const session = this.#session(sessionId);
    session.held += entry.delta;
    if (entry.type === "reclaim") {
      session.reclaims.set(leaseId, { leaseId, place, order: this.#reclaims++, overtaken: null });
    } else if (entry.type === "resume") this.#resume(session, leaseId, place);
    else this.#leaveQueue(session, leaseId, place.at);
    if (entry.delta > 0) this.#take(session, leaseId, slots, place);
    else if (session.slots !== null && session.held <= session.slots) this.#over.delete(session);
    this.#drop(session);
  }

  /** The events of one run in one commit are over. */
  chunkEnds(): void {
    for (const session of this.#over) {
      const { held, slots, last, isSuspect } = session;
      if (isSuspect || slots === null || last === null) continue;
      session.isSuspect = true;
      this.#suspicions.push({ session, held, slots, ...last, until: this.#latest });
    }
  }

  finish(): void {
    for (const suspicion of this.#suspicions.splice(0)) this.#prove(suspicion);
    for (const session of this.#sessions.values()) {
      for (const reclaim of [...session.reclaims.values()]) {
        this.#leaveQueue(session, reclaim.leaseId, Number.POSITIVE_INFINITY);
      }
    }
  }

  #take(session: Session, leaseId: string, slots: number | undefined, place: Place): void {
    if (slots === undefined) {
      this.unknownSlots++;
      return;
    }
    session.slots = slots;
    session.last = { leaseId, place };
    // P2: no grant goes above what is offered. That a session offers less later is no breach.
    if (session.held > slots) this.#over.add(session);
    else this.#over.delete(session);
  }

  #prove({ session, held, slots, leaseId, place }: Suspicion): void {
    const found = `session ${session.id} holds ${held} slots after lease ${leaseId} took one`;
    const right = `at most ${slots}, which it offered then`;
    this.tell({ kind: "SESSION_SLOTS", found, right, place, sessionId: session.id, leaseId });
    session.isSuspect = false;
    // Said once, until it is right again.
    this.#over.delete(session);
    this.#drop(session);
  }

  /** Most sessions of a long log are long gone. */
  #drop({ id, held, reclaims, isSuspect }: Session): void {
    if (held === 0 && reclaims.size === 0 && !isSuspect) this.#sessions.delete(id);
  }

  #resume(session: Session, leaseId: string, place: Place): void {
    const own = session.reclaims.get(leaseId);
    if (own !== undefined) {
      for (const other of session.reclaims.values()) {
        if (other.order >= own.order) break;
        // At the same time, either may have been first.
        if (other.place.at < own.place.at) other.overtaken ??= { leaseId, place };
      }
    }
    this.#leaveQueue(session, leaseId, place.at);
  }

  /** Whoever was overtaken had to be gone by then: resumed in the same grant, or ended before it. */
  #leaveQueue(session: Session, leaseId: string, at: number): void {
    const reclaim = session.reclaims.get(leaseId);
    if (reclaim === undefined) return;
    session.reclaims.delete(leaseId);
    const { overtaken } = reclaim;
    if (overtaken === null || at <= overtaken.place.at) return;
    this.tell({
      kind: "RECLAIM_ORDER",
      found: `lease ${overtaken.leaseId} is resumed while lease ${leaseId} waits, which asked before it`,
      right: `lease ${leaseId} first: it asked at event ${reclaim.place.seq} of run ${reclaim.place.runId}`,
      place: overtaken.place,
      sessionId: session.id,
      leaseId: overtaken.leaseId,
    });
  }

  #session(id: string): Session {
    const known = this.#sessions.get(id);
    if (known !== undefined) return known;
    const session: Session = { id, held: 0, slots: null, last: null, reclaims: new Map(), isSuspect: false };
    this.#sessions.set(id, session);
    return session;
  }
}
