/**
 * One turn: everything that came in is decided and committed together, then receipts, effects, grants and answers go out.
 * If the commit fails, nothing has happened and nothing is said.
 */
import { CloacaError } from "../core/errors.js";
import { type LeaseEvent, leaseEvent, type Receipt } from "../core/lease-events.js";
import { parseLeaseId } from "../core/lease-id.js";
import { controlRun, type RunControl, type RunControlled } from "../core/run-control.js";
import type { HostEffect, RunDraft } from "../core/run-draft.js";
import type { Grants, StartedRun, StartRun, UpdateSession } from "../store/store.js";
import type { Connection } from "./connection.js";
import { slotsProblems } from "./greeting.js";
import { answer, type ControlRequest, type Incoming } from "./inbox.js";
import type { SchedulerOptions } from "./options.js";
import type { Registration } from "./registrations.js";
import { runNotFound } from "./run-not-found.js";
import type { Switchboard } from "./switchboard.js";

/** What somebody wants done to a run. */
export interface ControlRunRequest {
  readonly namespace: string;
  readonly runId: string;
  readonly control: RunControl;
}

/** A run, or why it was not started. */
export type StartResult = StartedRun | CloacaError;

/** What came in. P7: host events come before control requests. */
export interface TurnInput {
  readonly incoming: readonly Incoming[];
  readonly registrations: readonly Registration[];
  /** What earlier turns leased, and took back before it was sent. */
  readonly withdrawn: readonly WithdrawnLease[];
  readonly starts: readonly ControlRequest<readonly StartRun[], readonly StartResult[]>[];
  readonly controls: readonly ControlRequest<ControlRunRequest, RunControlled>[];
  /** Sessions that said goodbye. */
  readonly goodbyes: readonly string[];
  /** Whether new work is given out. */
  readonly grants: boolean;
}

/** A lease that was cancelled while it was queued: its host will never say Stopped for it (P7). */
export interface WithdrawnLease {
  readonly runId: string | null;
  readonly sessionId: string;
  readonly leaseId: string;
}

interface LeaseCommand {
  readonly runId: string | null;
  readonly sessionId: string;
  readonly connection: Connection;
  readonly seq: number;
  readonly event: LeaseEvent;
}

const NOTHING: Grants = { leases: [], resumed: [], more: false };
/** Sessions and deadlines that one turn ends or fires at the most. */
const DUE_PER_TURN = 5_000;

export class Turn {
  /** For the next turn: their slots are freed there, since this one is committed. */
  readonly withdrawn: WithdrawnLease[] = [];
  readonly #commands: LeaseCommand[] = [];
  readonly #updates: UpdateSession[] = [];
  readonly #receipts: { connection: Connection; seq: number; receipt: Receipt }[] = [];
  readonly #effects: HostEffect[] = [];
  readonly #touched = new Set<Connection>();

  constructor(
    readonly options: SchedulerOptions,
    readonly connections: Switchboard,
    readonly input: TurnInput,
  ) {
    for (const { connection, event } of input.incoming) this.#sort(connection, event);
  }

  /** Resolves with whether there is more to do at once; rejects when nothing of the turn has happened. */
  async run(): Promise<boolean> {
    const { store } = this.options;
    const { starts, controls, goodbyes, registrations, withdrawn } = this.input;
    // No await between the operations: they share one commit.
    const freed = withdrawn.length > 0 ? store.transact(withdrawn, this.#decideWithdrawn) : undefined;
    const receipts = this.#commands.length > 0 ? store.transact(this.#commands, this.#decideLease) : [];
    const updates = this.#updates.length > 0 ? store.updateSessions(this.#updates) : undefined;
    const registered = registrations.length > 0 ? this.#register() : undefined;
    const started = starts.length > 0 ? store.startRuns(starts.flatMap((s) => s.input)) : [];
    const controlled =
      controls.length > 0
        ? store.transact(
            controls.map((c) => c.input),
            this.#decideControl,
          )
        : [];
    const goodbye = goodbyes.length > 0 ? store.endSessions(goodbyes, "its host said goodbye") : undefined;
    const isDue = (store.nextDue() ?? Number.POSITIVE_INFINITY) <= this.options.clock.now();
    const expired = isDue ? store.expireSessions(DUE_PER_TURN) : [];
    const fired = isDue ? store.fireDue(DUE_PER_TURN) : [];
    const granted = this.input.grants ? this.#grant() : NOTHING;
    const done = await Promise.all([
      receipts,
      started,
      controlled,
      expired,
      fired,
      granted,
      updates,
      registered,
      goodbye,
      freed,
    ]);

    const [receiptResults, startResults, controlResults, expiredIds, dueEffects, grants] = done;
    this.#commands.forEach(({ connection, seq }, i) => {
      const receipt = receiptResults[i];
      if (receipt !== undefined) this.#receipts.push({ connection, seq, receipt });
    });
    this.#publish([...this.#effects, ...dueEffects, ...grants.resumed], grants);
    this.#loseConnections(expiredIds);
    answerStarts(starts, startResults);
    answer(controls, controlResults);
    return grants.more || expiredIds.length === DUE_PER_TURN || this.withdrawn.length > 0;
  }

  #sort(connection: Connection, event: Incoming["event"]): void {
    const { sessionId } = connection;
    const { seq } = event;
    switch (event.type) {
      case "lease_event": {
        const runId = parseLeaseId(event.event.leaseId)?.runId ?? null;
        this.#commands.push({ runId, sessionId, connection, seq, event: event.event });
        break;
      }
      case "set_slots": {
        const problems = slotsProblems("set_slots.slots", event.slots);
        if (problems.length > 0) {
          const { code, message } = CloacaError.fromProblems("REQUEST_INVALID", "set_slots", problems);
          this.#reply(connection, seq, { result: "REJECTED", error: { code, message, problems } });
        } else {
          this.#updates.push({ sessionId, slots: event.slots });
          this.#reply(connection, seq, { result: "APPLIED" });
        }
        break;
      }
      case "drain":
        this.#updates.push({ sessionId, draining: true });
        this.#reply(connection, seq, { result: "APPLIED" });
        break;
      case "refused":
        this.#reply(connection, seq, { result: "REJECTED", error: event.error });
        break;
      case "hello":
      case "hello_chunk":
      case "heartbeat":
      case "register":
        // A connection keeps the first three to itself; registrations come apart.
        break;
    }
  }

  #reply(connection: Connection, seq: number, receipt: Receipt): void {
    this.#receipts.push({ connection, seq, receipt });
  }

  readonly #decideLease = (draft: RunDraft | null, command: LeaseCommand, now: number): Receipt =>
    leaseEvent(draft, command.sessionId, command.event, this.#effects, this.options.limits, now);

  readonly #decideControl = (
    draft: RunDraft | null,
    request: ControlRunRequest,
    now: number,
  ): RunControlled | CloacaError => {
    if (draft === null || draft.run().namespace !== request.namespace) return runNotFound(request, this.options.store);
    return controlRun(draft, request.control, this.#effects, this.options.limits, now);
  };

  readonly #decideWithdrawn = (draft: RunDraft | null, lease: WithdrawnLease, now: number): Receipt =>
    leaseEvent(draft, lease.sessionId, { type: "stopped", leaseId: lease.leaseId }, [], this.options.limits, now);

  #register(): Promise<unknown> {
    const { store } = this.options;
    const staged: Promise<unknown>[] = [];
    for (const { connection, seq, offer, sessionId, namespace, implementations } of this.input.registrations) {
      const workflows = store.registerWorkflows(offer.graphs.map((graph) => ({ namespace, graph })));
      staged.push(store.updateSessions([{ sessionId, implementations }]));
      staged.push(
        workflows.then((done) => {
          connection.outbox.push({ type: "registered", seq, workflows: done });
          connection.outbox.receipt({ seq, result: "APPLIED" });
          this.#touched.add(connection);
        }),
      );
    }
    return Promise.all(staged);
  }

  #grant(): Promise<Grants> {
    const { reclaimsInARow, grantsPerTurn } = this.options.limits;
    const { reachable } = this.connections;
    return this.options.store.grant({ reachable, limit: grantsPerTurn, reclaimsInARow });
  }

  #publish(effects: readonly HostEffect[], grants: Grants): void {
    for (const { connection, seq, receipt } of this.#receipts) {
      connection.outbox.receipt({ seq, ...receipt });
      this.#touched.add(connection);
    }
    for (const effect of effects) this.#send(effect);
    for (const lease of grants.leases) {
      const connection = this.connections.of(lease.sessionId);
      if (connection === null) continue;
      connection.outbox.push({ type: "lease", lease });
      this.#touched.add(connection);
    }
    for (const connection of this.#touched) connection.flush();
  }

  #send(effect: HostEffect): void {
    // Without a connection it is derived from state when the host comes back (P6).
    const connection = this.connections.of(effect.sessionId);
    if (connection === null) return;
    this.#touched.add(connection);
    if (effect.type === "cancel" && connection.outbox.withdraw(effect.leaseId)) {
      // P7: cancelling a lease that is still queued removes both; no host will ever say Stopped for it.
      const { sessionId, leaseId } = effect;
      this.withdrawn.push({ runId: parseLeaseId(leaseId)?.runId ?? null, sessionId, leaseId });
      return;
    }
    connection.outbox.push(effect);
  }

  #loseConnections(expired: readonly string[]): void {
    for (const id of expired) {
      this.options.log.warn("session_expired", { session: id });
      this.connections.drop(id, new CloacaError("SESSION_EXPIRED", `session ${id} was silent for longer than its TTL`));
    }
  }
}

/** Gives each request the results of its own items. */
function answerStarts(requests: TurnInput["starts"], results: readonly StartResult[]): void {
  let at = 0;
  for (const { input, resolve } of requests) {
    resolve(results.slice(at, at + input.length));
    at += input.length;
  }
}
