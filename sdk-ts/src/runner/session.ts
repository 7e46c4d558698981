/**
 * What a host instance holds and owes, beyond any one connection: its executions, and the events that have no receipt yet
 * (P4, P6). A connection comes, hears what is owed again, and goes.
 */
import { LEAST_MAX_MESSAGE_BYTES, oversize, USUAL_MAX_MESSAGE_BYTES } from "../protocol/message-size.js";
import type {
  HeldLease,
  Hello,
  HostSays,
  Lease,
  NumberedEvent,
  Offer,
  Receipt,
  RegisteredWorkflow,
  SchedulerSays,
  Verdict,
  Welcome,
  WireWorkflow,
} from "../protocol/words.js";
import type { ResolvedTask } from "../task/definition.js";
import { Execution, type ExecutionPort } from "./execution.js";
import type { HostLog } from "./host-log.js";
import { type HostTime, realTime } from "./host-time.js";
import { type OnReceipt, OwedEvents } from "./owed-events.js";

export interface SessionOptions {
  readonly namespace: string;
  readonly hostId: string;
  readonly instanceId: string;
  readonly buildId: string;
  readonly slots: number;
  readonly maxLeases: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly log: HostLog;
  /** The real time by default. */
  readonly time?: HostTime;
  /** Everything that the host brings and that fits into a message, one by one; asked for each `Hello`. */
  offer(maxMessageBytes: number): Offer;
  /** The code of a lease's task, in its version; null when the host has none (P13). */
  find(lease: Lease): ResolvedTask | null;
  /** The scheduler has registered what was offered; one for each definition, in order. */
  registered(definitions: readonly WireWorkflow[], workflows: readonly RegisteredWorkflow[]): void;
  /** Something may have become true that `isIdle` tells. */
  changed(): void;
}

/** What a session says goes here while a connection serves it. */
export interface SessionSink {
  send(events: readonly NumberedEvent[]): void;
}

export class HostSession implements ExecutionPort {
  readonly #executions = new Map<string, Execution>();
  readonly #owed = new OwedEvents();
  /** Definitions of `Register` events that `Registered` has not answered; the receipt may come before. */
  readonly #registrations = new Map<number, readonly WireWorkflow[]>();
  #unsent: NumberedEvent[] = [];
  #sink: SessionSink | null = null;
  #flushPlanned = false;
  #resumeToken = "";
  #sessionId = "";
  #isDraining = false;
  /** Why deferred leases go back, once the grace time of a drain is over (P12). */
  #handBack: string | null = null;
  /** Largest message that the scheduler takes (P10), as far as it is known. */
  maxMessageBytes = USUAL_MAX_MESSAGE_BYTES;
  maxPatchBytes = Number.POSITIVE_INFINITY;
  maxFailureBytes = Number.POSITIVE_INFINITY;
  readonly time: HostTime;

  constructor(readonly options: SessionOptions) {
    this.time = options.time ?? realTime;
  }

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
    return this.#executions.size > 0 || this.#owed.hasOtherThan("drain");
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  hello(): Hello {
    const { namespace, hostId, instanceId, buildId, slots, maxLeases, labels } = this.options;
    const held: HeldLease[] = [];
    for (const { leaseId, leaseState, deferral, isOwed } of this.#executions.values()) {
      if (isOwed) held.push({ leaseId, state: leaseState, deferral: deferral?.spec.n ?? 0 });
    }
    const { definitions, implementations } = this.options.offer(this.maxMessageBytes);
    const own = { namespace, hostId, instanceId, buildId, slots, maxLeases, labels };
    return {
      ...own,
      definitions,
      // P12: who drains offers nothing. A session that opens anew would get new leases before its Drain is read.
      implementations: this.#isDraining ? [] : implementations,
      resumeToken: this.#resumeToken,
      held,
    };
  }

  /** A connection serves the session: verdicts are applied, then everything owed is said again, in its order. */
  attach(sink: SessionSink, welcome: Welcome, hello: Hello): void {
    this.#sink = sink;
    this.#resumeToken = welcome.resumeToken;
    this.#sessionId = welcome.sessionId;
    this.maxMessageBytes = welcome.limits.maxMessageBytes;
    this.maxPatchBytes = welcome.limits.maxPatchBytes;
    this.maxFailureBytes = welcome.limits.maxFailureBytes;
    this.options.registered(hello.definitions, welcome.workflows);
    for (const verdict of welcome.verdicts) this.#apply(verdict);
    // What has its receipt is not said again, and is not answered any more.
    for (const seq of this.#registrations.keys()) if (!this.#owed.has(seq)) this.#registrations.delete(seq);
    // A session that was lost took with it that its host drains.
    if (this.#isDraining && !welcome.resumed) this.#sayDrain("the host drains");
    for (const event of this.#owed.all()) this.#refuseOversize(event);
    this.#unsent = this.#owed.all();
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

  /** A `Hello` was too large: the limit is not what it was thought to be. What may be larger waits for the next Welcome. */
  forgetLimit(): void {
    this.maxMessageBytes = LEAST_MAX_MESSAGE_BYTES;
  }

  say(event: HostSays, onReceipt?: OnReceipt): void {
    const numbered = this.#owed.add(event, onReceipt);
    if (event.type === "register") this.#registrations.set(numbered.seq, event.offer.definitions);
    if (this.#sink === null || this.#refuseOversize(numbered)) return;
    this.#unsent.push(numbered);
    this.#planFlush();
  }

  hear(said: SchedulerSays): void {
    switch (said.type) {
      case "lease":
        this.#begin(said.lease);
        break;
      case "deferred":
        this.#deferred(said.leaseId, said.n);
        break;
      case "granted":
        this.#executions.get(said.leaseId)?.deferral?.granted(said.n, said.outcome);
        break;
      case "cancel":
        this.#executions.get(said.leaseId)?.cancel(said);
        break;
      case "revoked":
        this.#revoke(said.leaseId, said.detail);
        break;
      case "receipts":
        this.#settle(said.upTo, said.exceptions);
        break;
      case "registered":
        this.options.registered(this.#registrations.get(said.seq) ?? [], said.workflows);
        this.#registrations.delete(said.seq);
        break;
      case "welcome":
      case "heartbeat_ack":
      case "drain":
        // The connection keeps these to itself.
        break;
    }
  }

  /** P12: no new leases from here on. */
  drain(reason: string): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#sayDrain(reason);
    this.options.changed();
  }

  /** P12: the grace time is over. What is deferred goes back, now and from here on. */
  declineDeferred(reason: string): void {
    this.#handBack = reason;
    for (const execution of [...this.#executions.values()]) {
      const { leaseState } = execution;
      if (leaseState === "DEFERRING" || leaseState === "DEFERRED" || leaseState === "RECLAIMING") {
        execution.decline(reason);
      }
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
    const task = this.options.find(lease);
    if (task === null) {
      const { workflow, workflowVersion } = lease;
      const reason = `this host has no code for task "${lease.task}" of workflow "${workflow}", version ${workflowVersion}`;
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
    execution.revoke(detail);
    this.#owed.drop(leaseId);
    this.#unsent = this.#unsent.filter(({ seq }) => this.#owed.has(seq));
    this.options.changed();
  }

  /** P8: the slot is free, and the condition is polled; or the lease goes back, when the grace time of a drain is over. */
  #deferred(leaseId: string, n: number): void {
    const execution = this.#executions.get(leaseId);
    const isNews = execution?.leaseState === "DEFERRING" && execution.deferral?.spec.n === n;
    if (isNews && this.#handBack !== null) execution.decline(this.#handBack);
    else execution?.deferral?.deferred(n);
  }

  /** What the books say about a lease that `Hello` listed (P6). */
  #apply({ leaseId, state, deferral: n, outcome, fencing }: Verdict): void {
    const execution = this.#executions.get(leaseId);
    if (execution === undefined) return;
    switch (state) {
      case "HELD":
        // A grant that was lost on the wire.
        if (outcome !== null) execution.deferral?.granted(n, outcome);
        break;
      case "DEFERRED":
        this.#deferred(leaseId, n);
        break;
      case "RECLAIMING":
        execution.deferral?.reclaiming(n);
        break;
      case "ENDING":
        execution.cancel(fencing);
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

  #sayDrain(reason: string): void {
    if (!this.#owed.hasSome("drain")) this.say({ type: "drain", reason });
  }

  #settle(upTo: number, exceptions: readonly Receipt[]): void {
    for (const { event, receipt } of this.#owed.settle(upTo, exceptions)) {
      const { result, code, message } = receipt;
      if (result === "REJECTED" || result === "CONFLICT") {
        this.warn("event_refused", { event: event.type, code, message });
      }
    }
    this.options.changed();
  }

  /** P10: a registration that is too large is refused here. The scheduler would end the stream of it, again and again. */
  #refuseOversize({ seq, event }: NumberedEvent): boolean {
    if (event.type !== "register") return false;
    const error = oversize(event.offer, this.maxMessageBytes);
    if (error === null) return false;
    const { code, message } = error;
    this.#registrations.delete(seq);
    this.#settle(0, [{ seq, result: "REJECTED", code, message, isFinalFailure: false }]);
    return true;
  }

  /** One message for everything that is said in one turn of the loop. */
  #planFlush(): void {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    this.time.soon(() => {
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
