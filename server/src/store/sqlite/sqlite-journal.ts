/**
 * The durable form of the live store in a SQLite file: WAL, one transaction a turn, synced before anything is said of it. Live
 * state is read once, at start; after that the file is written, and read for history only.
 */
import type Database from "better-sqlite3";
import { compileGraph } from "../../core/graph.js";
import type { Graph, Run, TaskRun, WorkflowDefinition } from "../../core/model.js";
import type { Clock } from "../../core/ports.js";
import type { SessionRecord } from "../../core/session.js";
import type {
  FinishedPage,
  Journal,
  ListedRun,
  RegisteredGraph,
  RunFilter,
  Snapshot,
  StoredRun,
  WriteSet,
} from "../live/journal.js";
import type { LiveRun } from "../live/live-run.js";
import type { EventChunk, EventPage, EventQuery } from "../store.js";
import { readLiveRuns } from "./live-runs.js";
import { packLog, unpackChanges, unpackEvents } from "./log-row.js";
import { Packer } from "./packer.js";
import { SqlitePurge } from "./purge.js";
import { type Pause, restoreTaskRuns } from "./restore.js";
import { packRun, type RunRow, unpackRun } from "./run-row.js";
import { prepareStatements, type Statements } from "./statements.js";
import { foldTaskRuns } from "./task-changes.js";
import type { WalFile } from "./wal-file.js";

/**
 * Bytes written in a commit from which on its sync is left to another thread: some eighty runs of one task. The hand-over costs
 * more than the sync of a few pages, and a host with few slots waits for both; a large turn leaves the loop enough to do.
 */
const SYNC_ASIDE = 8 * 1024;

export class SqliteJournal implements Journal {
  readonly #sql: Statements;
  readonly #packer = new Packer();
  readonly #purge: SqlitePurge;
  readonly #graphs = new Map<string, Graph>();
  readonly #pause: Pause;
  #ordinal = 0;
  /** Bytes, and characters of texts, that were committed and not synced; null when there is nothing to sync. */
  #unsynced: number | null = null;
  /** Bytes of the transaction so far. */
  #written = 0;

  constructor(
    readonly db: Database.Database,
    readonly release: () => void,
    clock: Clock,
    /** Null: nobody waits for a disk. */
    readonly log: WalFile | null = null,
  ) {
    this.#sql = prepareStatements(db);
    this.#purge = new SqlitePurge(db);
    const last = this.#sql.lastEvents.get();
    const lastEventAt = last === undefined ? undefined : unpackEvents(last.run_id, last).at(-1)?.at;
    // A purge is a sign of life, too, and may have taken the last event.
    const lastAt = Math.max(lastEventAt ?? 0, this.#purge.past.at);
    clock.notBefore?.(lastAt);
    const now = clock.now();
    this.#pause = { from: lastAt === 0 ? now : Math.min(now, lastAt), to: now };
  }

  load(): Snapshot {
    const workflows: RegisteredGraph[] = [];
    for (const row of this.#sql.workflows.all()) {
      // It was checked when it came in, by the limit of that time.
      const graph = compileGraph(JSON.parse(row.definition) as WorkflowDefinition, Number.POSITIVE_INFINITY);
      this.#graphs.set(graphKey(row.namespace, row.name, row.version), graph);
      this.#ordinal = row.ordinal;
      workflows.push({ namespace: row.namespace, graph, registeredAt: row.registered_at });
    }
    const last = this.#sql.last.get() ?? { position: 0, number: 0 };
    const runs = readLiveRuns(this.#sql, (row) => this.#graph(row), this.#pause);
    return {
      workflows,
      workflowSettings: this.#sql.workflowSettings.all().map((row) => ({ ...row, paused: row.paused === 1 })),
      sessions: this.#sql.sessions.all().map((row) => decodeSession(row.data)),
      runs,
      position: last.position,
      runNumber: last.number,
      finishedRuns: this.#purge.countFinished(),
      purgedRuns: this.#purge.past.runs,
    };
  }

  commit(writes: WriteSet): void {
    const sql = this.#sql;
    this.#written = 0;
    sql.begin.run();
    try {
      for (const { namespace, graph, registeredAt } of writes.workflows) {
        const { definition, version } = graph;
        const text = this.#count(JSON.stringify(definition));
        sql.insertWorkflow.run(namespace, definition.name, version, registeredAt, ++this.#ordinal, text);
        this.#graphs.set(graphKey(namespace, definition.name, version), graph);
      }
      for (const { namespace, workflow, paused, promoted } of writes.workflowSettings) {
        sql.putWorkflowSettings.run(namespace, workflow, paused ? 1 : 0, promoted);
      }
      for (const record of writes.sessions) sql.putSession.run(record.id, this.#count(JSON.stringify(record)));
      for (const id of writes.endedSessions) sql.deleteSession.run(id);
      for (const run of writes.runs) this.#writeRun(run);
      if (writes.purge !== null) this.#purge.write(writes.purge);
      sql.commit.run();
    } catch (error) {
      // A failed COMMIT may leave the transaction open, and a full disk may have ended it.
      if (this.db.inTransaction) sql.rollback.run();
      throw error;
    }
    this.#unsynced = this.#written;
    if (writes.purge === null) return;
    this.#purge.committed();
    // Nobody waits for it.
    this.#unsynced = Number.POSITIVE_INFINITY;
  }

  sync(): Promise<void> | null {
    const unsynced = this.#unsynced;
    this.#unsynced = null;
    if (this.log === null || unsynced === null) return null;
    if (unsynced >= SYNC_ASIDE) return this.log.sync();
    this.log.syncNow();
    return null;
  }

  findRun(runId: string): StoredRun | null {
    const row = this.#sql.runById.get(runId);
    if (row === undefined) return null;
    const run = unpackRun(row);
    return { number: row.number, run, graph: this.#graph(row), tasks: this.#tasks(row, run) };
  }

  findRequest(namespace: string, requestId: string): Run | null {
    const row = this.#sql.runByRequest.get(namespace, requestId);
    return row === undefined ? null : unpackRun(row);
  }

  findPurgedRequest(namespace: string, requestId: string): string | null {
    return this.#purge.findRequest(namespace, requestId);
  }

  finishedAfter(position: number, limit: number): FinishedPage {
    return this.#purge.finishedAfter(position, limit);
  }

  get isUnswept(): boolean {
    return this.#purge.isUnswept;
  }

  listRuns({ statuses, ...filter }: RunFilter): ListedRun[] {
    const any = statuses.length === 0 ? 1 : 0;
    const rows = this.#sql.listRuns.all({ ...filter, statuses: JSON.stringify(statuses), any });
    return rows.map((row) => ({ number: row.number, run: unpackRun(row) }));
  }

  events({ namespace, runId, after, limit }: EventQuery): EventPage {
    const rows =
      runId === null ? this.#sql.eventsAfter.all(after, limit + 1) : this.#sql.eventsOfRun.all(runId, after, limit + 1);
    const chunks: EventChunk[] = [];
    let position = after;
    for (const row of rows.slice(0, limit)) {
      position = row.position;
      if (row.namespace !== namespace) continue;
      const events = unpackEvents(row.run_id, row);
      chunks.push({ position, namespace, runId: row.run_id, workflow: row.workflow, graph: this.#graph(row), events });
    }
    return { chunks, position, more: rows.length > limit };
  }

  close(): void {
    try {
      this.db.close();
    } finally {
      this.log?.close();
      this.release();
    }
  }

  #writeRun(live: LiveRun): void {
    const sql = this.#sql;
    const run = live.run();
    if (live.isNew) {
      const { id, namespace, workflow, version, status } = run;
      const requestId = run.requestId === "" ? null : run.requestId;
      sql.insertRun.run(
        live.number,
        id,
        namespace,
        workflow,
        version,
        status,
        requestId,
        live.endings,
        this.#count(packRun(this.#packer, run)),
        this.#count(JSON.stringify(run.input)),
      );
    } else if (live.runBefore !== null && (isNewsOf(live.runBefore, run) || this.#endingsChanged(live))) {
      sql.updateRun.run(run.status, live.endings, this.#count(packRun(this.#packer, run)), live.number);
    }
    const log = packLog(this.#packer, live, (task, checkpoint, patch) => {
      for (const text of [checkpoint, patch]) if (text !== null) this.#count(text);
      sql.putLarge.run(live.number, task, checkpoint, patch);
    });
    if (log !== null) sql.insertEvents.run(live.position, live.number, this.#count(log));
  }

  #count<T extends string | Buffer>(value: T): T {
    this.#written += value.length;
    return value;
  }

  #endingsChanged(live: LiveRun): boolean {
    for (const [index, before] of live.before) {
      if (before.ending.length !== live.task(index).ending.length) return true;
    }
    return false;
  }

  #tasks(row: RunRow, run: Run): TaskRun[] {
    const rows = this.#sql.tasksOfRun.all(row.number);
    const log = this.#sql.logOfRun.all(row.number).map((entry) => unpackChanges(run.id, entry));
    return restoreTaskRuns(run, this.#graph(row), foldTaskRuns(run.id, rows, log));
  }

  #graph({ namespace, workflow, version }: { namespace: string; workflow: string; version: string }): Graph {
    const graph = this.#graphs.get(graphKey(namespace, workflow, version));
    if (graph === undefined) throw new Error(`the store has no version ${version} of workflow ${workflow}`);
    return graph;
  }
}

/**
 * Whether a run says what its row does not, besides counters and that it is RUNNING: its log says so. The status alone does not
 * tell: within one turn a run may fail and be taken up again, or be taken up and fail again.
 */
function isNewsOf(before: Run, after: Run): boolean {
  const begins = before.status === "PENDING" && after.status === "RUNNING";
  return (
    (before.status !== after.status && !begins) ||
    before.reason !== after.reason ||
    (before.startedAt !== after.startedAt && !begins) ||
    before.finishedAt !== after.finishedAt ||
    before.deadlineAt !== after.deadlineAt ||
    before.retriedBy !== after.retriedBy ||
    // An ended run is read by its row alone, and must know the number of its last event.
    (after.finishedAt !== null && before.eventSeq !== after.eventSeq)
  );
}

/** Rows from before hosts could be asked to drain do not say so. */
function decodeSession(data: string): SessionRecord {
  const record = JSON.parse(data) as Omit<SessionRecord, "drainRequest"> & Partial<SessionRecord>;
  return { ...record, drainRequest: record.drainRequest ?? null };
}

function graphKey(namespace: string, name: string, version: string): string {
  return `${namespace}\n${name}\n${version}`;
}
