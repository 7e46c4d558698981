/**
 * The schema, as steps: step n takes a file from version n to n + 1. `user_version` is the version, `application_id` says
 * that the file is ours.
 *
 * - A run has a number, growing with each start; rows refer to it, so that keys are small and appended in order.
 * - `endings` counts fenced leases that hold a slot, so that a run that has ended is read again after a restart.
 * - `events` has one row for all that a commit did to a run: its events, and how the task runs stand that it changed (see
 *   `log-row.ts`). `position` orders the log of all runs.
 * - `data` of runs and events is bytes (`packer.ts`). Before version 5 it was JSON, and `tasks` said how task runs stand; such rows
 *   stay as they are.
 * - Task runs to which nothing has happened are in no row: what waits or is ready for the first time follows from the rest.
 * - `task_runs` has large checkpoints and patches, and what a scheduler wrote before version 4: all that was to be said then.
 * - `pauses` has the times in which no scheduler ran, as far as a lease holds its slot since before: they do not count (P9).
 * - A purged run has no row in `runs`, and so nobody sees it: what is left of its other rows is removed step by step, until
 *   its row in `unswept` goes. No index serves purging: the order in which runs have finished is that of their last events.
 * - `purged_requests` keeps the request ids of purged runs, `purged` how many there were, and what the newest rows that were
 *   ever there said: the next position and run number come after them, whatever is left.
 */
import type Database from "better-sqlite3";

export const APPLICATION_ID = 0x636c6f61; // "cloa"

/** One step: statements, or code for what statements cannot say. It runs within a transaction, and begins and ends none. */
export type Migration = string | ((db: Database.Database) => void);

export const MIGRATIONS: readonly Migration[] = [
  `
  CREATE TABLE workflows (
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (namespace, name, version)
  ) WITHOUT ROWID;

  CREATE TABLE workflow_settings (
    namespace TEXT NOT NULL,
    workflow TEXT NOT NULL,
    paused INTEGER NOT NULL,
    promoted TEXT NOT NULL,
    PRIMARY KEY (namespace, workflow)
  ) WITHOUT ROWID;

  CREATE TABLE sessions (
    session_id TEXT PRIMARY KEY,
    data TEXT NOT NULL
  ) WITHOUT ROWID;

  CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    workflow TEXT NOT NULL,
    version TEXT NOT NULL,
    status TEXT NOT NULL,
    request_id TEXT,
    endings INTEGER NOT NULL,
    data TEXT NOT NULL,
    input TEXT NOT NULL
  );
  CREATE UNIQUE INDEX runs_by_id ON runs (run_id);
  CREATE UNIQUE INDEX runs_by_request ON runs (namespace, request_id) WHERE request_id IS NOT NULL;
  CREATE INDEX runs_live ON runs (number) WHERE status IN ('PENDING', 'RUNNING', 'PAUSED') OR endings > 0;

  CREATE TABLE task_runs (
    run INTEGER NOT NULL,
    task INTEGER NOT NULL,
    data TEXT NOT NULL,
    checkpoint TEXT,
    patch TEXT,
    PRIMARY KEY (run, task)
  ) WITHOUT ROWID;

  CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    data TEXT NOT NULL
  );
  CREATE INDEX events_by_run ON events (run);
  `,
  `
  CREATE TABLE unswept (
    run INTEGER PRIMARY KEY
  );

  CREATE TABLE purged_requests (
    namespace TEXT NOT NULL,
    request_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    PRIMARY KEY (namespace, request_id)
  ) WITHOUT ROWID;

  CREATE TABLE purged (
    only INTEGER PRIMARY KEY CHECK (only = 0),
    runs INTEGER NOT NULL,
    position INTEGER NOT NULL,
    run_number INTEGER NOT NULL,
    at INTEGER NOT NULL
  );
  INSERT INTO purged VALUES (0, 0, 0, 0, 0);
  `,
  // Not IN: SQLite made a table of its list anew for each run that was written, a third of all that a commit cost.
  `
  DROP INDEX runs_live;
  CREATE INDEX runs_live ON runs (number)
    WHERE status = 'PENDING' OR status = 'RUNNING' OR status = 'PAUSED' OR endings > 0;
  `,
  `
  ALTER TABLE events ADD COLUMN tasks TEXT;
  CREATE TABLE pauses (
    began_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL
  );
  `,
  // The tables are the same, but rows are bytes from here on, which a scheduler of before cannot read.
  "",
];

export const SCHEMA_VERSION = MIGRATIONS.length;
