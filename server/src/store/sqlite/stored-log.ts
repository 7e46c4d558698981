/** Reads the log and the books of a store's file for an audit: page by page, all of one moment, and writes nothing. */
import type Database from "better-sqlite3";
import { type AuditGraph, auditGraphOf } from "../../core/audit/audit-graph.js";
import type { AuditChunk } from "../../core/audit/log-audit.js";
import type { RunBooks, TaskBooks } from "../../core/audit/run-account.js";
import { compileGraph } from "../../core/graph.js";
import type { Graph, WorkflowDefinition } from "../../core/model.js";
import { isRunOver } from "../../core/run-machine.js";
import { type LogRow as RunLogRow, unpackChanges, unpackEvents } from "./log-row.js";
import { openForReading } from "./open-database.js";
import { restoreRun, restoreTaskRuns } from "./restore.js";
import { type Packed, type RunRow, unpackRun } from "./run-row.js";
import { LOG_OF_RUN, TASKS_OF_RUN } from "./statements.js";
import { foldTaskRuns, type TaskRow } from "./task-changes.js";

interface LogRow {
  readonly position: number;
  readonly run: number;
  readonly data: Packed;
  readonly run_id: string;
  readonly namespace: string;
  readonly workflow: string;
  readonly version: string;
}

interface WorkflowKey {
  readonly namespace: string;
  readonly workflow: string;
  readonly version: string;
}

/** Rows of the log that are read at a time. */
const PAGE = 1_000;

const ROWS = `SELECT e.position, e.run, e.data, r.run_id, r.namespace, r.workflow, r.version
  FROM events e JOIN runs r ON r.number = e.run`;

/** A chunk of the file, with the place where it stands. */
interface StoredChunk extends AuditChunk {
  readonly position: number;
}

export class StoredLog {
  readonly #db: Database.Database;
  readonly #close: () => void;
  readonly #sql;
  readonly #graphs = new Map<string, { readonly graph: Graph; readonly audit: AuditGraph } | null>();

  /** Throws STORE_NOT_A_DATABASE, STORE_NEWER, STORE_UNAVAILABLE. */
  constructor(path: string) {
    const { db, close } = openForReading(path);
    this.#db = db;
    this.#close = close;
    try {
      this.#sql = prepare(db);
      // All that is read is of this moment, whatever a scheduler writes meanwhile.
      db.exec("BEGIN");
    } catch (error) {
      close();
      throw error;
    }
  }

  *pages(): Generator<StoredChunk[]> {
    for (let after = 0; ; ) {
      const rows = this.#sql.page.all(after, PAGE);
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.position;
      yield rows.map((row) => this.#chunk(row));
    }
  }

  *history(chunk: AuditChunk): Generator<StoredChunk[]> {
    const before = "position" in chunk ? Number(chunk.position) : 0;
    for (let after = 0; ; ) {
      const rows = this.#sql.pageOfRun.all(chunk.runId, after, before, PAGE);
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.position;
      yield rows.map((row) => this.#chunk(row));
    }
  }

  run(runId: string): RunBooks | null {
    const row = this.#sql.run.get(runId);
    const graph = row === undefined ? null : this.#graph(row);
    if (row === undefined || graph === null) return null;
    const log = this.#sql.log?.all(row.number) ?? [];
    const run = restoreRun(unpackRun(row), log);
    const changes = log.map((entry) => unpackChanges(runId, entry));
    const rows = foldTaskRuns(runId, this.#sql.tasks.all(row.number), changes);
    const tasks = new Map<number, TaskBooks>();
    for (const { task, state, attempt, recovery, fence, lease } of restoreTaskRuns(run, graph.graph, rows)) {
      tasks.set(task, { state, attempt, recovery, fence, leaseId: lease?.id ?? "" });
    }
    // A run that goes on counts its events in memory.
    return { status: run.status, eventSeq: isRunOver(run.status) ? run.eventSeq : null, tasks };
  }

  sessions(): Set<string> {
    return new Set(this.#sql.sessions.all());
  }

  runsWithoutLog(): { namespace: string; runId: string }[] {
    return this.#sql.runsWithoutLog.all().map(({ namespace, run_id }) => ({ namespace, runId: run_id }));
  }

  rowsWithoutRun(): number {
    return this.#sql.rowsWithoutRun.get() ?? 0;
  }

  purgedRuns(): number {
    return this.#sql.purgedRuns?.get() ?? 0;
  }

  close(): void {
    if (this.#db.inTransaction) this.#db.exec("COMMIT");
    this.#close();
  }

  #chunk(row: LogRow): StoredChunk {
    const events = unpackEvents(row.run_id, row);
    const { position, namespace, run_id: runId } = row;
    const graph = this.#graph(row)?.audit ?? null;
    // Only a run that says it begins here is looked up.
    const first = events[0]?.seq === 1 ? { isFirst: this.#sql.first.get(row.run) === position } : null;
    return { position, namespace, runId, graph, events, ...first };
  }

  #graph({ namespace, workflow, version }: WorkflowKey): { graph: Graph; audit: AuditGraph } | null {
    const key = `${namespace}\n${workflow}\n${version}`;
    const known = this.#graphs.get(key);
    if (known !== undefined) return known;
    const text = this.#sql.definition.get(namespace, workflow, version);
    const graph =
      text === undefined ? null : compileGraph(JSON.parse(text) as WorkflowDefinition, Number.POSITIVE_INFINITY);
    const found = graph === null ? null : { graph, audit: auditGraphOf(graph) };
    this.#graphs.set(key, found);
    return found;
  }
}

/** Versions of the schema since which runs are purged, and the log says how task runs stand. */
const PURGES = 2;
const TASK_CHANGES = 4;

function prepare(db: Database.Database) {
  // Nothing is migrated to be read.
  const version = Number(db.pragma("user_version", { simple: true }));
  const purges = version >= PURGES;
  const isUnswept = purges ? "e.run IN (SELECT run FROM unswept)" : "0";
  return {
    page: db.prepare<[number, number], LogRow>(`${ROWS} WHERE e.position > ? ORDER BY e.position LIMIT ?`),
    pageOfRun: db.prepare<[string, number, number, number], LogRow>(
      `${ROWS} WHERE e.run = (SELECT number FROM runs WHERE run_id = ?) AND e.position > ? AND e.position < ?
       ORDER BY e.position LIMIT ?`,
    ),
    first: db.prepare<[number], number>("SELECT min(position) FROM events WHERE run = ?").pluck(),
    definition: db
      .prepare<[string, string, string], string>(
        "SELECT definition FROM workflows WHERE namespace = ? AND name = ? AND version = ?",
      )
      .pluck(),
    run: db.prepare<[string], RunRow>("SELECT * FROM runs WHERE run_id = ?"),
    tasks: db.prepare<[number], TaskRow>(TASKS_OF_RUN),
    log: version >= TASK_CHANGES ? db.prepare<[number], RunLogRow>(LOG_OF_RUN) : null,
    sessions: db.prepare<[], string>("SELECT session_id FROM sessions").pluck(),
    runsWithoutLog: db.prepare<[], { namespace: string; run_id: string }>(
      "SELECT namespace, run_id FROM runs r WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.run = r.number)",
    ),
    rowsWithoutRun: db
      .prepare<[], number>(
        `SELECT count(*) FROM events e
         WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.number = e.run) AND NOT ${isUnswept}`,
      )
      .pluck(),
    purgedRuns: purges ? db.prepare<[], number>("SELECT runs FROM purged").pluck() : null,
  };
}
