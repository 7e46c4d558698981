/**
 * The slot ledger: replays the event log, in the order of its commits, and checks the books that follow from it. Pure, and in
 * memory that grows with what is live at a time, not with the log: a run that has ended is forgotten, and who goes on about it
 * brings its history.
 */
import type { RunEvent } from "../model.js";
import type { AuditGraph } from "./audit-graph.js";
import type { Breach, Finding } from "./breach.js";
import { RunAccount, type RunBooks } from "./run-account.js";
import { SessionAccounts } from "./session-accounts.js";

/** Events of one run that stand together in the log. */
export interface AuditChunk {
  readonly namespace: string;
  readonly runId: string;
  /** Null when nobody knows it: then less is checked. */
  readonly graph: AuditGraph | null;
  readonly events: readonly RunEvent[];
  /** Whether the log has no earlier events of the run; left out when nobody knows. */
  readonly isFirst?: boolean;
}

export interface AuditSummary {
  readonly runs: number;
  readonly events: number;
  readonly leases: number;
  /** Runs that have not ended, or whose fenced leases have not. */
  readonly liveRuns: number;
  /** Slots that are held at the end of the log. */
  readonly heldSlots: number;
  /** Slots that were taken where the log does not say how many the session offered. */
  readonly unknownSlots: number;
}

interface OpenRun {
  readonly account: RunAccount;
  readonly namespace: string;
}

export class LogAudit {
  readonly #runs = new Map<string, OpenRun>();
  readonly #sessions: SessionAccounts;
  #count = { runs: 0, events: 0, leases: 0 };

  constructor(readonly onBreach: (breach: Breach) => void) {
    this.#sessions = new SessionAccounts(({ place, ...finding }) => {
      const { namespace, runId, seq, at } = place;
      const task = this.#taskId(runId, place.task);
      onBreach({ ...finding, namespace, runId, eventSeq: seq, at, task });
    });
  }

  /** The run is forgotten, or its log begins in the middle: `remember` its events before this chunk, if there are any. */
  needsHistory({ runId, events, isFirst }: AuditChunk): boolean {
    return !this.#runs.has(runId) && (isFirst === false || (events[0] !== undefined && events[0].seq > 1));
  }

  /** Events that were entered before; they say who is who, and nothing is found in them again. */
  remember(chunk: AuditChunk): void {
    const { account } = this.#open(chunk, false);
    for (const event of chunk.events) account.post(event, () => {});
  }

  enter(chunk: AuditChunk): void {
    const { account } = this.#open(chunk, true);
    for (const event of chunk.events) {
      this.#count.events++;
      if (event.type === "TASK_LEASED") this.#count.leases++;
      this.#sessions.passes(event.at);
      const entry = account.post(event, (finding) => this.#tell(chunk, event, finding));
      if (entry === null) continue;
      const { namespace, runId } = chunk;
      const place = { namespace, runId, seq: event.seq, at: event.at, task: event.task ?? 0 };
      this.#sessions.enter(entry, event.slots, place);
    }
    this.#sessions.chunkEnds();
  }

  /** Whether the run has ended by what was entered, and nothing of it is held. */
  isSettled(runId: string): boolean {
    return this.#runs.get(runId)?.account.isSettled ?? false;
  }

  /** Number of the last event of a run that is not forgotten. */
  lastSeq(runId: string): number {
    return this.#runs.get(runId)?.account.seq ?? 0;
  }

  /** Holds a run that is not forgotten against what the store says of it. */
  compare(runId: string, books: RunBooks | null): void {
    const run = this.#runs.get(runId);
    if (run === undefined || run.account.isTorn) return;
    const missing: Finding = { kind: "BOOKS", found: "no such run in the store", right: "the run of its log" };
    const findings = books === null ? [missing] : run.account.compare(books);
    for (const finding of findings) this.#tellRun(run.namespace, runId, finding);
  }

  /** A run that has no log at all, or one that ends too early. */
  tellRun(namespace: string, runId: string, finding: Finding): void {
    this.#tellRun(namespace, runId, finding);
  }

  forget(runId: string): void {
    this.#runs.delete(runId);
  }

  /** Runs that are not forgotten. */
  openRuns(): string[] {
    return [...this.#runs.keys()];
  }

  /** The log is at its end. Sessions that are alive, if somebody knows them: no other may hold a slot. */
  finish(sessions: ReadonlySet<string> | null): AuditSummary {
    this.#sessions.finish();
    const held = this.#sessions.held();
    let heldSlots = 0;
    for (const [sessionId, count] of held) {
      heldSlots += count;
      if (sessions === null || sessions.has(sessionId)) continue;
      const found = `session ${sessionId} is not alive, and holds ${count} slots by the log`;
      const right = "whatever a session holds comes back when it ends";
      this.onBreach({ ...NOWHERE, kind: "BOOKS", found, right, sessionId });
    }
    return { ...this.#count, liveRuns: this.#runs.size, heldSlots, unknownSlots: this.#sessions.unknownSlots };
  }

  #open({ runId, namespace, graph, events }: AuditChunk, counts: boolean): OpenRun {
    const known = this.#runs.get(runId);
    if (known !== undefined) return known;
    if (counts && events[0]?.seq === 1) this.#count.runs++;
    const opened = { account: new RunAccount(runId, graph), namespace };
    this.#runs.set(runId, opened);
    return opened;
  }

  #tell({ namespace, runId }: AuditChunk, event: RunEvent, finding: Finding): void {
    const { seq: eventSeq, at, leaseId = "", sessionId = "" } = event;
    const task = event.task === undefined ? "" : this.#taskId(runId, event.task);
    this.onBreach({ ...finding, namespace, runId, eventSeq, at, task, leaseId, sessionId });
  }

  #tellRun(namespace: string, runId: string, finding: Finding): void {
    this.onBreach({ ...NOWHERE, ...finding, namespace, runId });
  }

  #taskId(runId: string, task: number): string {
    return this.#runs.get(runId)?.account.graph?.tasks[task]?.id ?? `${task}`;
  }
}

const NOWHERE = { namespace: "", runId: "", eventSeq: 0, at: 0, task: "", leaseId: "", sessionId: "" };
