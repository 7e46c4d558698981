/**
 * The seam between the engine and what keeps its state. The engine holds no authoritative state: what is ready, leased or
 * due is the store's to say, so that several schedulers can share one.
 *
 * Every operation is a batch, and takes effect in the order of the calls. Its promise resolves once the effect is
 * durable. Operations that are called in one turn, without awaiting between them, may share one commit; if that commit
 * fails, none of them has happened and all their promises reject with STORE_UNAVAILABLE.
 *
 * A decision is a pure, synchronous function over a draft of one run (`core/run-draft.ts`): the store loads the run under
 * lock, lets it decide, and makes the changes durable.
 */
import type { CloacaError } from "../core/errors.js";
import type { FailureVerdict } from "../core/failure-verdict.js";
import type { LeaseGrant } from "../core/grants.js";
import type {
  CancelReason,
  ContextText,
  DeferralOutcome,
  Graph,
  Run,
  RunEvent,
  RunStatus,
  TaskRun,
} from "../core/model.js";
import type { Clock, Ids } from "../core/ports.js";
import type { DecisionLimits, HostEffect, RunDraft } from "../core/run-draft.js";
import type { DrainRequest, LeaseState, SessionRecord, SessionSpec } from "../core/session.js";

export interface Store {
  // Sessions

  /** Opens or resumes sessions (P1, P6). One result for each item, in order. */
  openSessions(items: readonly OpenSession[]): Promise<readonly (OpenedSession | CloacaError)[]>;
  /** Changes what sessions offer. Unknown sessions are passed over: they may just have expired. */
  updateSessions(items: readonly UpdateSession[]): Promise<void>;
  /** Notes life (P5): sessions, and how many milliseconds ago each was heard. Not durable, and cheap. */
  touchSessions(heard: Iterable<readonly [sessionId: string, agoMs: number]>): void;
  /** Gives every session a full TTL: for some time nobody could be heard (P5). */
  touchAllSessions(): void;
  /** Ends sessions that were silent for longer than their TTL, and recovers what they held (P5). */
  expireSessions(limit: number): Promise<readonly string[]>;
  /** Ends sessions now: a drained host said goodbye. */
  endSessions(sessionIds: readonly string[], reason: string): Promise<void>;
  session(sessionId: string): SessionRecord | null;
  listSessions(namespace: string): readonly SessionView[];

  // Runs

  /** Registers checked workflows. Registering again what is there changes nothing. */
  registerWorkflows(items: readonly RegisterWorkflow[]): Promise<readonly RegisteredWorkflow[]>;
  /** Pauses, resumes and promotes (P13). One result for each item: the version that is current then. */
  updateWorkflows(items: readonly UpdateWorkflow[]): Promise<readonly (WorkflowRecord | CloacaError)[]>;
  /** Starts runs, each in a decision of its own; an item that cannot start harms no other. */
  startRuns(items: readonly StartRun[]): Promise<readonly (StartedRun | CloacaError)[]>;
  /** Decides commands about runs, in order, each over the draft of its run; null when the run is not known. */
  transact<C extends RunCommand, R>(
    commands: readonly C[],
    decide: (draft: RunDraft | null, command: C, now: number) => R,
  ): Promise<readonly R[]>;
  /** Gives free slots to reclaims and ready tasks of reachable sessions, the slot books debited with it (P2, P8). */
  grant(request: GrantRequest): Promise<Grants>;
  /** Fires deadlines that are due: timeouts, longest waits, retries, timeouts of runs (P8, P9). */
  fireDue(limit: number): Promise<readonly HostEffect[]>;
  /** When the next deadline or session expiry is due, by the store's clock; null when none is. */
  nextDue(): number | null;
  /**
   * What a session has not been told (P6): leases that its host did not list are sent again, uncounted; what it did not
   * list of deferred and fenced leases is gone there, and is settled in the books.
   */
  pendingFor(sessionId: string, listed: ReadonlySet<string>): Promise<readonly LeaseGrant[]>;

  // Upkeep

  /**
   * Purges finished runs that need not stay, the one that finished first before all others, in small steps; returns how many
   * runs this step took. A purged run is gone at once for everybody who reads, and its rows go in this and later steps:
   * call it again while `nextPurge` is due. What was its is not used again: its request id, its leases, its number.
   *
   * `limit` bounds the work of a step: rows that are looked at, and rows that are removed; a large row counts for several.
   */
  purge(retention: Retention, limit: number): Promise<number>;
  /** When `purge` has something to do, by the store's clock; what is past means now. Null: not until a run finishes. */
  nextPurge(retention: Retention): number | null;

  // Reading

  readRun(namespace: string, runId: string): Promise<RunView | null>;
  listRuns(query: RunQuery): Promise<Page<Run>>;
  readWorkflow(namespace: string, name: string, version: string): Promise<WorkflowRecord | null>;
  listWorkflows(namespace: string, pageSize: number, pageToken: string): Promise<Page<WorkflowRecord>>;
  /** The event log after a cursor, in commit order. */
  events(query: EventQuery): Promise<EventPage>;
  /** Calls back after each commit with what it appended. A hint: after a gap in `from`, read `events`. */
  subscribe(listener: (batch: EventBatch) => void): () => void;
  /** Breaches of the invariants (`core/invariants.ts`); empty when the books are right. */
  check(): Promise<readonly string[]>;
  /** Live counts, for logs and tests. */
  stats(): StoreStats;
  /**
   * Resolves if the disk did not take what was committed. From then on every operation rejects with STORE_UNAVAILABLE: what
   * is true is known only to who opens the store again.
   */
  readonly lost: Promise<CloacaError>;
  close(): Promise<void>;
}

/** What every store is made with. */
export interface StoreOptions {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly limits: DecisionLimits;
}

/**
 * Which finished runs stay: those that both rules keep. A run has finished when it has ended and no fenced lease of it is left;
 * a run that has not is never purged.
 */
export interface Retention {
  /** A run stays for so long after its end, in milliseconds; null means for ever. */
  readonly forMs: number | null;
  /** So many runs stay, of those that have finished last; null means all. */
  readonly newest: number | null;
}

export const KEEP_ALL: Retention = { forMs: null, newest: null };

export interface RunCommand {
  /** Run that it is about; null when the command names none that could exist. */
  readonly runId: string | null;
}

export interface GrantRequest {
  /** Sessions that can be sent to now (P1: nothing is sent to a session without an open connection). */
  readonly reachable: Pick<ReadonlySet<string>, "has">;
  readonly limit: number;
  /** P8: after so many reclaims in a row at a session with claimable work, one new lease. */
  readonly reclaimsInARow: number;
}

export interface Grants {
  readonly leases: readonly LeaseGrant[];
  readonly resumed: readonly HostEffect[];
  /** The limit was reached; there may be more. */
  readonly more: boolean;
}

export interface OpenSession {
  readonly spec: SessionSpec;
  readonly resumeToken: string;
  readonly held: readonly ListedLease[];
  /** P1: another instance may take the host_id when the old one was silent for this part of its own TTL. */
  readonly takeoverAfterTtl: number;
}

/** A lease as a host lists it in `Hello`. */
export interface ListedLease {
  readonly leaseId: string;
  readonly state: LeaseState;
  readonly deferral: number;
}

/** What the books say about a listed lease. */
export interface LeaseVerdict {
  readonly leaseId: string;
  readonly state: LeaseState;
  readonly deferral: number;
  readonly outcome: DeferralOutcome | null;
  readonly cancelReason: CancelReason | null;
  /** For ENDING: what `Cancel` said, for people. */
  readonly detail: string;
  /** For ENDING with TIMEOUT: what follows from the failure. */
  readonly failure?: FailureVerdict;
}

export interface OpenedSession {
  readonly session: SessionRecord;
  readonly resumed: boolean;
  readonly verdicts: readonly LeaseVerdict[];
  /** Session of another instance under the same host_id that ended with it. */
  readonly ended: string | null;
}

export interface UpdateSession {
  readonly sessionId: string;
  readonly slots?: number;
  readonly draining?: boolean;
  /** P12: an operator asked for the drain. */
  readonly drainRequest?: DrainRequest;
  readonly implementations?: SessionSpec["implementations"];
}

/** A session with its books. */
export interface SessionView {
  readonly session: SessionRecord;
  readonly held: number;
  readonly lastHeard: number;
  readonly leases: readonly {
    leaseId: string;
    runId: string;
    taskId: string;
    state: TaskRun["state"];
    ending: boolean;
  }[];
}

export interface RegisterWorkflow {
  readonly namespace: string;
  readonly graph: Graph;
}

export interface RegisteredWorkflow {
  readonly name: string;
  readonly version: string;
  readonly created: boolean;
}

export interface UpdateWorkflow {
  readonly namespace: string;
  readonly workflow: string;
  readonly paused?: boolean;
  /** The version that becomes current and stays so; empty means the newest again. */
  readonly promote?: string;
}

export interface WorkflowRecord {
  readonly namespace: string;
  readonly graph: Graph;
  readonly registeredAt: number;
  /** P13: new runs take it when they name no version. */
  readonly current: boolean;
  /** It is current because somebody said so. */
  readonly promoted: boolean;
  /** No task of the workflow is leased, in whatever version. */
  readonly paused: boolean;
}

export interface StartRun {
  readonly namespace: string;
  readonly workflow: string;
  /** Empty means the current one. */
  readonly version: string;
  readonly context: ContextText;
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly traceparent: string;
  readonly requestId: string;
  /** See `Run.timeoutMs`. */
  readonly timeoutMs: number;
}

export interface StartedRun {
  readonly runId: string;
  readonly version: string;
  readonly existing: boolean;
}

/** A run with all its task runs, in declared order. */
export interface RunView {
  readonly run: Run;
  readonly graph: Graph;
  readonly tasks: readonly TaskRun[];
}

export interface RunQuery {
  readonly namespace: string;
  readonly workflow: string;
  readonly statuses: readonly RunStatus[];
  readonly pageSize: number;
  readonly pageToken: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextPageToken: string;
}

/** Events of one run that were committed together. */
export interface EventChunk {
  /** Position in the log of all runs; grows. */
  readonly position: number;
  readonly namespace: string;
  readonly runId: string;
  readonly workflow: string;
  readonly graph: Graph;
  readonly events: readonly RunEvent[];
}

export interface EventQuery {
  readonly namespace: string;
  /** Null means all runs. */
  readonly runId: string | null;
  /** Only chunks after this position. */
  readonly after: number;
  /** Most chunks to return. */
  readonly limit: number;
}

export interface EventPage {
  readonly chunks: readonly EventChunk[];
  /** Position to go on after. */
  readonly position: number;
  readonly more: boolean;
}

export interface EventBatch {
  /** Positions of the log before and after the commit. */
  readonly from: number;
  readonly to: number;
  readonly chunks: readonly EventChunk[];
}

export interface StoreStats {
  readonly liveRuns: number;
  readonly sessions: number;
  /** Ready task runs, and sessions with reclaims. */
  readonly waiting: number;
  readonly position: number;
  /** Runs that have finished and are there. */
  readonly finishedRuns: number;
  /** Runs that were purged, since the store was made. */
  readonly purgedRuns: number;
}
