/**
 * What a host instance holds and owes, beyond any one connection: its executions, and the events that have no receipt yet
 * (P4, P6). A connection comes, hears what is owed again, and goes.
 */
import type {
  HeldLease,
  Hello,
  HostSays,
  Lease,
  NumberedEvent,
  Offer,
  Receipt,
  SchedulerSays,
  Verdict,
  Welcome,
} from "../protocol/words.js";
import type { ResolvedTask } from "../task/definition.js";
import { Execution, type ExecutionPort } from "./execution.js";
import type { HostLog } from "./host-log.js";

export interface SessionOptions {
  readonly namespace: string;
  readonly hostId: string;
  readonly instanceId: string;
  readonly buildId: string;
  readonly slots: number;
  readonly maxLeases: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly log: HostLog;
  /** Everything that the host brings; asked for each `Hello`. */
  offer(): Offer;
  /** The code of a task; null when the host has none. */
  find(workflow: string, task: string): ResolvedTask | null;
  /** Something may have become true that `isIdle` tells. */
  changed(): void;
}

/** What a session says goes here while a connection serves it. */
export interface SessionSink {
  send(events: readonly NumberedEvent[]): void;
}

interface Owed {
  readonly event: HostSays;
  readonly onReceipt: ((receipt: Receipt) => void) | undefined;
}

export class HostSession implements ExecutionPort {
  readonly #executions = new Map<string, Execution>();
  /** Events without a receipt, by number, in order. */
  readonly #owed = new Map<number, Owed>();
  #unsent: NumberedEvent[] = [];
  #seq = 0;
  #sink: SessionSink | null = null;
  #flushPlanned = false;
  #resumeToken = "";
  #sessionId = "";
  #isDraining = false;
  maxPatchBytes = Number.POSITIVE_INFINITY;

  constructor(readonly options: SessionOptions) {}

  get sessionId(): string {
    return this.#sessionId;
  }

  get resumeToken(): string {
    return this.#resumeToken;
  }

  /** Nothing runs, and nothing is owed. */
  get isIdle(): boolean {
    return this.#executions.size === 0 && this.#owed.size === 0;
  }

  /** Something runs, or is owed that the scheduler would miss. That the host drains it learns from its silence as well. */
  get hasNews(): boolean {
    if (this.#executions.size > 0) return true;
    for (const { event } of this.#owed.values()) if (event.type !== "drain") return true;
    return false;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  hello(): Hello {
    const { namespace, hostId, instanceId, buildId, slots, maxLeases, labels } = this.options;
    const held: HeldLease[] = [];
    for (const { leaseId, leaseState, deferral } of this.#executions.values()) {
      held.push({ leaseId, state: leaseState, deferral: deferral?.spec.n ?? 0 });
    }
    const own = { namespace, hostId, instanceId, buildId, slots, maxLeases, labels };
    return { ...own, ...this.options.offer(), resumeToken: this.#resumeToken, held };
  }

  /** A connection serves the session: verdicts are applied, then everything owed is said again, in its order. */
  attach(sink: SessionSink, welcome: Welcome): void {
    this.#sink = sink;
    this.#resumeToken = welcome.resumeToken;
    this.#sessionId = welcome.sessionId;
    this.maxPatchBytes = welcome.limits.maxPatchBytes;
    for (const verdict of welcome.verdicts) this.#apply(verdict);
    this.#unsent = [...this.#owed].map(([seq, { event }]) => ({ seq, event }));
    this.#flush();
  }

  /** The connection is gone; tasks go on. */
  detach(): void {
    this.#sink = null;
    this.#unsent = [];
  }

  /** The token is not taken any more: the next `Hello` opens a session of its own. */
  forgetSession(): void {
    this.#resumeToken = "";
    this.#sessionId = "";
  }

  say(event: HostSays, onReceipt?: (receipt: Receipt) => void): void {
    const seq = ++this.#seq;
    this.#owed.set(seq, { event, onReceipt });
    if (this.#sink === null) return;
    this.#unsent.push({ seq, event });
    this.#planFlush();
  }

  hear(said: SchedulerSays): void {
    switch (said.type) {
      case "lease":
        this.#begin(said.lease);
        break;
      case "deferred":
        this.#executions.get(said.leaseId)?.deferral?.deferred(said.n);
        break;
      case "granted":
        this.#executions.get(said.leaseId)?.deferral?.granted(said.n, said.outcome);
        break;
      case "cancel":
        this.#executions.get(said.leaseId)?.cancel(said.reason, said.detail);
        break;
      case "revoked":
        this.#revoke(said.leaseId, said.detail);
        break;
      case "receipts":
        this.#settle(said.upTo, said.exceptions);
        break;
      case "welcome":
      case "heartbeat_ack":
      case "registered":
      case "drain":
        // The connection keeps these to itself.
        break;
    }
  }

  /** P12: no new leases from here on. */
  drain(reason: string): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.say({ type: "drain", reason });
    this.options.changed();
  }

  /** P12: the grace time is over. Deferred leases go back; with `all`, everything does. */
  declineDeferred(reason: string, all = false): void {
    for (const execution of [...this.#executions.values()]) {
      if (all || execution.leaseState === "DEFERRED" || execution.leaseState === "RECLAIMING")
        execution.decline(reason);
    }
  }

  gone(execution: Execution): void {
    if (this.#executions.get(execution.leaseId) === execution) this.#executions.delete(execution.leaseId);
    this.options.changed();
  }

  warn(message: string, fields: Readonly<Record<string, unknown>>): void {
    this.options.log.warn(message, fields);
  }

  #begin(lease: Lease): void {
    // Sent again after a reconnect: it runs already.
    if (this.#executions.has(lease.leaseId)) return;
    const task = this.options.find(lease.workflow, lease.task);
    if (task === null) {
      const reason = `this host has no code for task "${lease.task}" of workflow "${lease.workflow}"`;
      this.options.log.warn("lease_declined", { lease: lease.leaseId, reason });
      this.say({ type: "decline", leaseId: lease.leaseId, patch: { set: {}, removed: [] }, reason });
      return;
    }
    const execution = new Execution(lease, task, this);
    this.#executions.set(lease.leaseId, execution);
    void execution.run();
  }

  #revoke(leaseId: string, detail: string): void {
    const execution = this.#executions.get(leaseId);
    // A fenced lease is answered so as well (P3). Its slot is free with `Stopped` alone, which is still owed.
    if (execution === undefined || execution.owesStopped) return;
    execution.revoke("REVOKED", detail);
    this.#dropOwed(leaseId);
  }

  /** What the books say about a lease that `Hello` listed (P6). */
  #apply({ leaseId, state, deferral: n, outcome, cancelReason }: Verdict): void {
    const execution = this.#executions.get(leaseId);
    if (execution === undefined) return;
    switch (state) {
      case "HELD":
        // A grant that was lost on the wire.
        if (outcome !== null) execution.deferral?.granted(n, outcome);
        break;
      case "DEFERRED":
        execution.deferral?.deferred(n);
        break;
      case "RECLAIMING":
        execution.deferral?.reclaiming(n);
        break;
      case "ENDING":
        execution.cancel(cancelReason, "the lease was fenced while the connection was away");
        break;
      case "REVOKED":
        this.#revoke(leaseId, "the session was lost while the connection was away");
        break;
      case "FINISHED":
      case "DEFERRING":
        // What is owed is said again, and is answered DUPLICATE.
        break;
    }
  }

  /** P4: `upTo` is cumulative, with exceptions. */
  #settle(upTo: number, exceptions: readonly Receipt[]): void {
    for (const receipt of exceptions) this.#receipt(receipt);
    for (const seq of this.#owed.keys()) {
      if (seq > upTo) break;
      this.#receipt({ seq, result: "APPLIED", code: "", message: "", isFinalFailure: false });
    }
    this.options.changed();
  }

  #receipt(receipt: Receipt): void {
    const owed = this.#owed.get(receipt.seq);
    if (owed === undefined) return;
    this.#owed.delete(receipt.seq);
    owed.onReceipt?.(receipt);
    if (receipt.result === "REJECTED" || receipt.result === "CONFLICT") {
      this.warn("event_refused", { event: owed.event.type, code: receipt.code, message: receipt.message });
    }
  }

  /** What is owed about a lease that is not ours would only be answered STALE. */
  #dropOwed(leaseId: string): void {
    for (const [seq, { event, onReceipt }] of this.#owed) {
      if (!("leaseId" in event) || event.leaseId !== leaseId) continue;
      this.#owed.delete(seq);
      onReceipt?.({
        seq,
        result: "STALE",
        code: "LEASE_STALE",
        message: "the lease is not current",
        isFinalFailure: false,
      });
    }
    this.#unsent = this.#unsent.filter(({ seq }) => this.#owed.has(seq));
    this.options.changed();
  }

  /** One message for everything that is said in one turn of the loop. */
  #planFlush(): void {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    setImmediate(() => {
      this.#flushPlanned = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#sink === null || this.#unsent.length === 0) return;
    const events = this.#unsent;
    this.#unsent = [];
    this.#sink.send(events);
  }
}
