/**
 * The account of one task run: what the log says of it so far. It shares no code with the machine that wrote the log: the
 * rules are written down here a second time, so that a mistake in one shows against the other.
 */
import { parseLeaseId } from "../lease-id.js";
import type { RunEvent, RunEventType, TaskRunState } from "../model.js";
import type { AuditTask } from "./audit-graph.js";
import type { Finding } from "./breach.js";

/** A change of what a session holds, as it should be. */
export interface SlotEntry {
  readonly type: "take" | "give" | "reclaim" | "resume" | "leave";
  readonly sessionId: string;
  readonly leaseId: string;
  /** Change of held slots: what is right, whatever the log says. */
  readonly delta: number;
}

interface Ending {
  readonly sessionId: string;
  readonly holdsSlot: boolean;
}

/** The states in which an event is possible. Events that are not listed are the run's, or `LEASE_ENDED`. */
const POSSIBLE: Readonly<Partial<Record<RunEventType, readonly TaskRunState[]>>> = {
  TASK_READY: ["WAITING", "RETRYING"],
  TASK_SKIPPED: ["WAITING"],
  TASK_LEASED: ["READY"],
  TASK_DEFERRED: ["LEASED"],
  TASK_RECLAIMING: ["DEFERRED"],
  TASK_RESUMED: ["RECLAIMING"],
  TASK_CHECKPOINTED: ["LEASED", "DEFERRED", "RECLAIMING"],
  TASK_SUCCEEDED: ["LEASED"],
  TASK_RETRYING: ["LEASED", "DEFERRED", "RECLAIMING"],
  TASK_DECLINED: ["LEASED", "DEFERRED", "RECLAIMING"],
  TASK_LOST: ["LEASED", "DEFERRED", "RECLAIMING"],
  // Without a lease: its input is too large.
  TASK_FAILED: ["LEASED", "DEFERRED", "RECLAIMING", "WAITING", "READY"],
  TASK_CANCELLED: ["WAITING", "READY", "LEASED", "DEFERRED", "RECLAIMING", "RETRYING"],
  TASK_RESET: ["SUCCEEDED", "FAILED", "SKIPPED"],
};

/** Events that end a lease with what its host, or its loss, made of it. */
const OUTCOMES: ReadonlySet<RunEventType> = new Set([
  "TASK_SUCCEEDED",
  "TASK_RETRYING",
  "TASK_FAILED",
  "TASK_DECLINED",
  "TASK_LOST",
  "TASK_CANCELLED",
]);

export class TaskAccount {
  state: TaskRunState = "WAITING";
  fence = 0;
  attempt = 0;
  recovery = 0;
  /** Id of the current lease; empty without one. */
  lease = "";
  #session = "";
  #deferral = 0;
  #attemptsBefore = 0;
  #retryAt = 0;
  #lastEnded = "";
  #lastOutcome: RunEventType = "TASK_CANCELLED";
  /** Fenced leases whose hosts have not stopped them. */
  readonly endings = new Map<string, Ending>();
  #declinedBy: Set<string> | null = null;

  constructor(
    readonly runId: string,
    readonly task: number,
  ) {}

  /**
   * Enters an event. What breaks a rule is told to `tell`; an event that is not possible changes nothing.
   *
   * @returns what it means for the session that it names
   */
  post(event: RunEvent, graph: AuditTask | undefined, tell: (finding: Finding) => void): SlotEntry | null {
    if (event.type === "LEASE_ENDED") return this.#leaseEnded(event, tell);
    const wrong = this.#impossible(event);
    if (wrong !== null) {
      tell(wrong);
      return null;
    }
    const before = this.state;
    const entry = this.#apply(event, graph, tell);
    this.#checkCounts(event, before, graph, tell);
    return entry;
  }

  /** Why the event cannot be; null when it can. */
  #impossible({ type, leaseId = "", sessionId }: RunEvent): Finding | null {
    const isAboutLease = type !== "TASK_LEASED" && leaseId !== "";
    if (isAboutLease && leaseId !== this.lease) {
      if (leaseId === this.#lastEnded && OUTCOMES.has(type)) {
        const found = `${type} of lease ${leaseId}, which had ended with ${this.#lastOutcome}`;
        return { kind: "SECOND_OUTCOME", found, right: "one outcome of a lease: the first one" };
      }
      const current = this.lease === "" ? "none is current" : `lease ${this.lease} is current`;
      return {
        kind: "STALE_LEASE",
        found: `${type} of lease ${leaseId}`,
        right: `only the current lease counts, and ${current} (fence ${this.fence})`,
      };
    }
    if (!isAboutLease && type !== "TASK_LEASED" && this.lease !== "") {
      return {
        kind: "STALE_LEASE",
        found: `${type} without a lease`,
        right: `it names lease ${this.lease}, which is current`,
      };
    }
    if (type === "TASK_LEASED" && this.lease !== "") {
      const right = `lease ${this.lease} is current: no other before it has ended`;
      return { kind: "STALE_LEASE", found: `lease ${leaseId} is given out`, right };
    }
    const states = POSSIBLE[type] ?? [];
    if (!states.includes(this.state)) {
      return { kind: "TRANSITION", found: `${type} in ${this.state}`, right: `it is possible in ${states.join(", ")}` };
    }
    if (isAboutLease && sessionId !== undefined && sessionId !== this.#session) {
      const right = `lease ${leaseId} belongs to session ${this.#session}`;
      return { kind: "SESSION", found: `${type} by session ${sessionId}`, right };
    }
    return null;
  }

  #apply(event: RunEvent, graph: AuditTask | undefined, tell: (finding: Finding) => void): SlotEntry | null {
    const { type, leaseId = "", sessionId = this.#session, slotDelta = 0, deferral = 0, at } = event;
    switch (type) {
      case "TASK_READY":
        if (this.state === "RETRYING") this.#beginRetry(at, tell);
        this.state = "READY";
        break;
      case "TASK_LEASED":
        this.#lease(leaseId, sessionId, tell);
        this.#checkSlot(event, 1, tell);
        return { type: "take", sessionId, leaseId, delta: 1 };
      case "TASK_DEFERRED":
        expectDeferral(deferral, this.#deferral + 1, tell);
        this.#deferral = deferral;
        this.state = "DEFERRED";
        this.#checkSlot(event, -1, tell);
        return { type: "give", sessionId, leaseId, delta: -1 };
      case "TASK_RECLAIMING":
        expectDeferral(deferral, this.#deferral, tell);
        this.state = "RECLAIMING";
        this.#checkSlot(event, 0, tell);
        return { type: "reclaim", sessionId, leaseId, delta: 0 };
      case "TASK_RESUMED":
        expectDeferral(deferral, this.#deferral, tell);
        this.state = "LEASED";
        this.#checkSlot(event, 1, tell);
        return { type: "resume", sessionId, leaseId, delta: 1 };
      case "TASK_CHECKPOINTED":
        break;
      case "TASK_SUCCEEDED":
        return this.#release(event, "SUCCEEDED", tell);
      case "TASK_RETRYING": {
        this.#retryAt = event.retryAt ?? at;
        const retries = this.attempt - this.#attemptsBefore;
        if (graph !== undefined && retries > graph.retryAttempts) {
          const found = `attempt ${this.attempt} fails, and retry ${retries} follows`;
          tell({ kind: "ATTEMPT", found, right: `the policy of task "${graph.id}" allows ${graph.retryAttempts}` });
        }
        return this.#end(event, "RETRYING", slotDelta, tell);
      }
      case "TASK_FAILED":
        return this.#end(event, "FAILED", slotDelta, tell);
      case "TASK_DECLINED":
        this.#declinedBy ??= new Set();
        this.#declinedBy.add(sessionId);
        return this.#release(event, "READY", tell);
      case "TASK_LOST":
        this.recovery++;
        return this.#release(event, "READY", tell);
      case "TASK_CANCELLED":
        return this.#end(event, "CANCELLED", slotDelta, tell);
      case "TASK_SKIPPED":
        this.state = "SKIPPED";
        break;
      case "TASK_RESET":
        this.#attemptsBefore = this.attempt;
        if (this.attempt > 0) this.attempt++;
        this.recovery = 0;
        this.state = "WAITING";
        this.#declinedBy = null;
        break;
      default:
        return null;
    }
    this.#checkSlot(event, 0, tell);
    return null;
  }

  #beginRetry(at: number, tell: (finding: Finding) => void): void {
    if (at < this.#retryAt) {
      const found = `attempt ${this.attempt + 1} begins ${this.#retryAt - at} ms before its time`;
      tell({ kind: "RETRY_TIME", found, right: `not before ${new Date(this.#retryAt).toISOString()}` });
    }
    this.attempt++;
    this.recovery = 0;
  }

  #lease(leaseId: string, sessionId: string, tell: (finding: Finding) => void): void {
    const address = parseLeaseId(leaseId);
    const isOwn = address?.runId === this.runId && address.task === this.task;
    if (!isOwn) {
      const right = `an id of task ${this.task} of run ${this.runId}: ${this.runId}.${this.task}.<fence>`;
      tell({ kind: "FENCE", found: `lease id "${leaseId}"`, right });
    } else if (address.fence <= this.fence) {
      const right = `a fence above ${this.fence}`;
      tell({ kind: "FENCE", found: `lease ${leaseId} has fence ${address.fence}`, right });
    }
    if (this.#declinedBy?.has(sessionId) === true) {
      const right = "a session that has declined a task run never gets it again";
      tell({ kind: "SESSION", found: `lease ${leaseId} goes to session ${sessionId}, which has declined it`, right });
    }
    this.fence = Math.max(this.fence, isOwn ? address.fence : 0);
    this.lease = leaseId;
    this.#session = sessionId;
    this.#deferral = 0;
    if (this.attempt === 0) this.attempt = 1;
    this.state = "LEASED";
  }

  /** The task run ends, or its attempt: with its slot given back, or fenced with the slot until the code has stopped. */
  #end(
    event: RunEvent,
    state: "RETRYING" | "FAILED" | "CANCELLED",
    slotDelta: number,
    tell: (finding: Finding) => void,
  ): SlotEntry | null {
    if (this.lease === "") {
      this.state = state;
      this.#checkSlot(event, 0, tell);
      return null;
    }
    // P9: a timeout fences. A host may call its own failure so; then its slot comes back with it.
    const isTimeout = event.failure?.code === "TASK_TIMEOUT" && slotDelta === 0 && this.state === "LEASED";
    if (state !== "CANCELLED" && !isTimeout) return this.#release(event, state, tell);
    const { lease: leaseId } = this;
    const sessionId = this.#session;
    this.endings.set(leaseId, { sessionId, holdsSlot: this.state === "LEASED" });
    this.#close(event.type, state);
    this.#checkSlot(event, 0, tell);
    return { type: "leave", sessionId, leaseId, delta: 0 };
  }

  #release(event: RunEvent, state: TaskRunState, tell: (finding: Finding) => void): SlotEntry {
    const { lease: leaseId } = this;
    const sessionId = this.#session;
    const delta = this.state === "LEASED" ? -1 : 0;
    this.#checkSlot(event, delta, tell);
    this.#close(event.type, state);
    return { type: "leave", sessionId, leaseId, delta };
  }

  #close(outcome: RunEventType, state: TaskRunState): void {
    this.#lastEnded = this.lease;
    this.#lastOutcome = outcome;
    this.lease = "";
    this.#session = "";
    this.state = state;
  }

  #leaseEnded(event: RunEvent, tell: (finding: Finding) => void): SlotEntry | null {
    const { leaseId = "", sessionId } = event;
    const ending = this.endings.get(leaseId);
    if (ending === undefined) {
      const right = "it ends a lease that was fenced, and ends it once";
      tell({ kind: "STALE_LEASE", found: `LEASE_ENDED of lease ${leaseId}`, right });
      return null;
    }
    this.endings.delete(leaseId);
    const delta = ending.holdsSlot ? -1 : 0;
    this.#checkSlot(event, delta, tell);
    if (sessionId !== undefined && sessionId !== ending.sessionId) {
      const right = `lease ${leaseId} belongs to session ${ending.sessionId}`;
      tell({ kind: "SESSION", found: `LEASE_ENDED by session ${sessionId}`, right });
    }
    return { type: "leave", sessionId: ending.sessionId, leaseId, delta };
  }

  #checkSlot({ type, leaseId = "", slotDelta = 0 }: RunEvent, right: number, tell: (finding: Finding) => void): void {
    if (slotDelta === right) return;
    const lease = leaseId === "" ? "without a lease" : `of lease ${leaseId}`;
    const found = `${type} ${lease} changes held slots by ${signed(slotDelta)}`;
    tell({ kind: "LEASE_SLOTS", found, right: `${signed(right)}: a lease holds 1 slot while LEASED, else 0` });
  }

  #checkCounts(
    { type, attempt = 0, recovery = 0 }: RunEvent,
    before: TaskRunState,
    graph: AuditTask | undefined,
    tell: (finding: Finding) => void,
  ): void {
    const name = graph === undefined ? "" : ` of task "${graph.id}"`;
    if (attempt !== this.attempt) {
      const found = `${type}${name} after ${before} says attempt ${attempt}`;
      tell({ kind: "ATTEMPT", found, right: `attempt ${this.attempt}: only retries count` });
    }
    if (recovery !== this.recovery) {
      const found = `${type}${name} after ${before} says recovery ${recovery}`;
      tell({ kind: "RECOVERY", found, right: `recovery ${this.recovery}: only losses of hosts count` });
    }
  }
}

function expectDeferral(found: number, right: number, tell: (finding: Finding) => void): void {
  if (found !== right) tell({ kind: "DEFERRAL", found: `deferral ${found}`, right: `deferral ${right}` });
}

function signed(delta: number): string {
  return delta > 0 ? `+${delta}` : `${delta}`;
}
