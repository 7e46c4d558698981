/** Files as older schedulers would have written them, for tests of what becomes of them. */
import Database from "better-sqlite3";
import type { Run } from "../../core/model.js";
import { type LogRow, unpackChanges, unpackEvents } from "../sqlite/log-row.js";
import { restoreRun } from "../sqlite/restore.js";
import { type RunRow, unpackRun } from "../sqlite/run-row.js";
import { foldTaskRuns, type TaskRow } from "../sqlite/task-changes.js";

/** The file as a scheduler of schema version 4 would have written it: rows are JSON, and the log has it in two columns. */
export function backToVersion4(file: string): void {
  const db = new Database(file);
  const putRun = db.prepare("UPDATE runs SET status = ?, data = ? WHERE number = ?");
  const logOf = db.prepare<[number], LogRow>("SELECT data, tasks FROM events WHERE run = ? ORDER BY position");
  for (const row of db.prepare<[], RunRow>("SELECT * FROM runs").all()) {
    const run = restoreRun(unpackRun(row), logOf.all(row.number));
    putRun.run(run.status, runText(run), row.number);
  }
  // Rows of purged runs as well, though nobody reads them.
  const log = db.prepare<[], LogRow & { readonly position: number; readonly id: string }>(
    "SELECT e.position, e.data, e.tasks, coalesce(r.run_id, '') AS id FROM events e LEFT JOIN runs r ON r.number = e.run",
  );
  const putLog = db.prepare("UPDATE events SET data = ?, tasks = ? WHERE position = ?");
  for (const row of log.all()) {
    const changes = unpackChanges(row.id, row);
    const tasks = changes.length === 0 ? null : JSON.stringify(changes);
    putLog.run(JSON.stringify(unpackEvents(row.id, row)), tasks, row.position);
  }
  db.pragma("user_version = 4");
  db.close();
}

/** What stands in no column of its own, without what is the default. */
function runText({ priority, createdAt, open, failed, eventSeq, labels, ...run }: Run): string {
  return JSON.stringify({
    priority,
    createdAt,
    open,
    failed,
    eventSeq,
    startedAt: run.startedAt ?? undefined,
    finishedAt: run.finishedAt ?? undefined,
    timeoutMs: run.timeoutMs || undefined,
    deadlineAt: run.deadlineAt ?? undefined,
    retriedBy: run.retriedBy || undefined,
    reason: run.reason || undefined,
    traceparent: run.traceparent || undefined,
    labels: Object.keys(labels).length === 0 ? undefined : labels,
  });
}

/** The file as a scheduler of schema version 3 would have written it: a row for each task run. */
export function backToVersion3(file: string): void {
  backToVersion4(file);
  const db = new Database(file);
  const rows = db.prepare<[number], TaskRow>("SELECT task, data, checkpoint, patch FROM task_runs WHERE run = ?");
  const log = db.prepare<[number], LogRow>("SELECT data, tasks FROM events WHERE run = ? ORDER BY position");
  const put = db.prepare("INSERT OR REPLACE INTO task_runs VALUES (?, ?, ?, ?, ?)");
  for (const { number, run_id } of db.prepare<[], RunRow>("SELECT * FROM runs").all()) {
    const changes = log.all(number).map((row) => unpackChanges(run_id, row));
    for (const { runId: _, task, checkpoint, patch, ...data } of foldTaskRuns(run_id, rows.all(number), changes)) {
      const patches = [checkpoint, patch].map((value) => (value === null ? null : JSON.stringify(value)));
      put.run(number, task, JSON.stringify(data), ...patches);
    }
  }
  db.exec("ALTER TABLE events DROP COLUMN tasks; DROP TABLE pauses");
  db.pragma("user_version = 3");
  db.close();
}

/** From before runs were purged. */
export function backToVersion1(file: string): void {
  backToVersion3(file);
  const db = new Database(file);
  db.exec(`
    DROP TABLE unswept; DROP TABLE purged_requests; DROP TABLE purged;
    DROP INDEX runs_live;
    CREATE INDEX runs_live ON runs (number) WHERE status IN ('PENDING', 'RUNNING', 'PAUSED') OR endings > 0;
    PRAGMA user_version = 1`);
  db.close();
}
