/** Files as older schedulers would have written them, for tests of what becomes of them. */
import Database from "better-sqlite3";

/** The file as a scheduler of schema version 3 would have written it: a row for each task run. */
export function backToVersion3(file: string): void {
  const db = new Database(file);
  const texts = db.prepare<[], { run: number; tasks: string }>(
    "SELECT run, tasks FROM events WHERE tasks IS NOT NULL ORDER BY position",
  );
  const put = db.prepare("INSERT OR REPLACE INTO task_runs VALUES (?, ?, ?, ?, ?)");
  for (const { run, tasks } of texts.all()) {
    for (const { task, checkpoint = null, patch = null, ...data } of JSON.parse(tasks)) {
      const patches = [checkpoint, patch].map((value) => (value === null ? null : JSON.stringify(value)));
      put.run(run, task, JSON.stringify(data), ...patches);
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
