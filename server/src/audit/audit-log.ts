/** Replays a whole log, wherever it comes from, and gathers what is wrong with it. */
import type { Breach } from "../core/audit/breach.js";
import { type AuditChunk, type AuditSummary, LogAudit } from "../core/audit/log-audit.js";
import type { RunBooks } from "../core/audit/run-account.js";

/** Where a log comes from, in the order of its commits. */
export interface AuditSource {
  /** The whole log, page by page. */
  pages(): AsyncIterable<readonly AuditChunk[]> | Iterable<readonly AuditChunk[]>;
  /** The events of a run before this one. */
  history(chunk: AuditChunk): AsyncIterable<readonly AuditChunk[]> | Iterable<readonly AuditChunk[]>;
  /** The run has ended as far as the log was read: who remembers something of it may forget it. */
  settled?(runId: string): void;
  /**
   * Whether the run is no longer there: it was purged while its log was read. Then what it held comes back nowhere, and what
   * sessions hold says nothing.
   */
  isGone?(runId: string): Promise<boolean>;
  /** What the store says now, where it can be read at the same moment as the log. */
  readonly books: AuditBooks | null;
}

export interface AuditBooks {
  run(runId: string): RunBooks | null;
  /** Ids of the sessions that are alive. */
  sessions(): ReadonlySet<string>;
  /** Runs without a single event. */
  runsWithoutLog(): Iterable<{ readonly namespace: string; readonly runId: string }>;
  /** Rows of the log whose run is not there. */
  rowsWithoutRun(): number;
  /** Runs that were purged, since the store was made. */
  purgedRuns(): number;
}

export interface AuditReport extends AuditSummary {
  /** The first ones; all of them are counted. */
  readonly breaches: readonly Breach[];
  readonly breachCount: number;
  /** Runs were purged while the log was read, so what sessions hold was not checked. */
  readonly isCut: boolean;
  /** Runs that were purged before; null where nobody knows. */
  readonly purgedRuns: number | null;
}

export interface AuditOptions {
  /** Breaches to keep. */
  readonly keep: number;
  /** Called after each page with the events so far. */
  readonly onProgress?: (events: number) => void;
}

export async function auditLog(source: AuditSource, { keep, onProgress }: AuditOptions): Promise<AuditReport> {
  const breaches: Breach[] = [];
  let breachCount = 0;
  const audit = new LogAudit((breach) => {
    breachCount++;
    if (breaches.length < keep) breaches.push(breach);
  });
  const endings = new Endings(audit, source.books);
  let events = 0;
  for await (const page of source.pages()) {
    for (const chunk of page) {
      if (audit.needsHistory(chunk)) {
        for await (const before of source.history(chunk)) for (const earlier of before) audit.remember(earlier);
        if (await isCutOff(audit, source, chunk)) continue;
      }
      audit.enter(chunk);
      events += chunk.events.length;
      if (!audit.isSettled(chunk.runId)) continue;
      endings.settled(chunk);
      source.settled?.(chunk.runId);
    }
    onProgress?.(events);
  }
  endings.finish();
  const open = audit.openRuns();
  const purgedRuns = source.books?.purgedRuns() ?? null;
  const summary = { ...audit.finish(source.books?.sessions() ?? null), purgedRuns };
  const isCut = breaches.some(isOfSession) && (await anyGone(source, open));
  if (!isCut) return { ...summary, breaches, breachCount, isCut };
  const kept = breaches.filter((breach) => !isOfSession(breach));
  return { ...summary, breaches: kept, breachCount: breachCount - breaches.length + kept.length, isCut };
}

/** Whether the run was purged meanwhile, with the events before these: then nothing more is to be had of it. */
async function isCutOff(
  audit: LogAudit,
  source: AuditSource,
  { runId, events: [first] }: AuditChunk,
): Promise<boolean> {
  const isWhole = first === undefined || audit.lastSeq(runId) >= first.seq - 1;
  if (isWhole || (await source.isGone?.(runId)) !== true) return false;
  audit.forget(runId);
  return true;
}

function isOfSession({ kind }: Breach): boolean {
  return kind === "SESSION_SLOTS" || kind === "RECLAIM_ORDER";
}

async function anyGone(source: AuditSource, runs: readonly string[]): Promise<boolean> {
  for (const runId of runs) if ((await source.isGone?.(runId)) === true) return true;
  return false;
}

/** Holds runs against the store's books, each when its log is at its end. */
class Endings {
  /** Runs that go on later in the log, by the books. */
  readonly #awaited = new Map<
    string,
    { readonly namespace: string; readonly seq: number; readonly expected: number | null }
  >();

  constructor(
    readonly audit: LogAudit,
    readonly books: AuditBooks | null,
  ) {}

  settled({ namespace, runId }: AuditChunk): void {
    const { audit, books } = this;
    if (books !== null) {
      const run = books.run(runId);
      const seq = audit.lastSeq(runId);
      // A run that failed and was retried goes on, and books of a file do not say how far.
      if (run !== null && (run.eventSeq === null || run.eventSeq > seq)) {
        this.#awaited.set(runId, { namespace, seq, expected: run.eventSeq });
      } else {
        this.#awaited.delete(runId);
        audit.compare(runId, run);
      }
    }
    audit.forget(runId);
  }

  finish(): void {
    const { audit, books } = this;
    if (books === null) return;
    for (const runId of audit.openRuns()) {
      this.#awaited.delete(runId);
      audit.compare(runId, books.run(runId));
    }
    for (const [runId, { namespace, seq, expected }] of this.#awaited) {
      const found = `the log of the run ends with event ${seq}`;
      const right = expected === null ? "events after it: the run goes on" : `event ${expected}`;
      audit.tellRun(namespace, runId, { kind: "BOOKS", found, right: `${right}, by the store` });
    }
    for (const { namespace, runId } of books.runsWithoutLog()) {
      const right = "a run begins with RUN_STARTED";
      audit.tellRun(namespace, runId, { kind: "BOOKS", found: "the run has no log", right });
    }
    const orphans = books.rowsWithoutRun();
    if (orphans === 0) return;
    const found = `${orphans} rows of the log are of runs that are not in the store`;
    audit.tellRun("", "", { kind: "BOOKS", found, right: "a run and its log come and go together" });
  }
}
