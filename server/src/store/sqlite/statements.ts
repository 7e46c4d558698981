import type Database from "better-sqlite3";
import type { RunFilter } from "../live/journal.js";
import type { LogRow } from "./log-row.js";
import type { Pause } from "./restore.js";
import type { Packed, RunRow } from "./run-row.js";
import type { TaskRow } from "./task-changes.js";

interface WorkflowRow {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly registered_at: number;
  readonly ordinal: number;
  readonly definition: string;
}

interface WorkflowSettingsRow {
  readonly namespace: string;
  readonly workflow: string;
  readonly paused: number;
  readonly promoted: string;
}

interface EventsRow {
  readonly position: number;
  readonly data: Packed;
  readonly run_id: string;
  readonly namespace: string;
  readonly workflow: string;
  readonly version: string;
}

/** What a commit did to a run that goes on. */
export interface LiveLogRow extends LogRow {
  readonly run: number;
}

interface RunFilterValues extends Omit<RunFilter, "statuses"> {
  /** JSON array of statuses; `any` is 1 when it is empty. */
  readonly statuses: string;
  readonly any: 0 | 1;
}

/** In the very words of the index `runs_live`: SQLite uses it for no others. */
const LIVE = "status = 'PENDING' OR status = 'RUNNING' OR status = 'PAUSED' OR endings > 0";
const EVENTS = `SELECT e.position, e.data, r.run_id, r.namespace, r.workflow, r.version
  FROM events e JOIN runs r ON r.number = e.run`;

export const TASKS_OF_RUN = "SELECT task, data, checkpoint, patch FROM task_runs WHERE run = ?";
export const LOG_OF_RUN = "SELECT data, tasks FROM events WHERE run = ? ORDER BY position";

type Write = Database.Statement<unknown[]>;

/** Every statement of the journal, prepared once. */
export interface Statements {
  readonly begin: Write;
  readonly commit: Write;
  readonly rollback: Write;
  readonly workflows: Database.Statement<[], WorkflowRow>;
  readonly insertWorkflow: Write;
  readonly workflowSettings: Database.Statement<[], WorkflowSettingsRow>;
  readonly putWorkflowSettings: Write;
  readonly sessions: Database.Statement<[], { data: string }>;
  readonly putSession: Write;
  readonly deleteSession: Write;
  readonly insertRun: Write;
  readonly updateRun: Write;
  readonly liveRuns: Database.Statement<[], RunRow>;
  readonly tasksOfLiveRuns: Database.Statement<[], TaskRow & { readonly run: number }>;
  readonly logOfLiveRuns: Database.Statement<[], LiveLogRow>;
  readonly runById: Database.Statement<[string], RunRow>;
  readonly runByRequest: Database.Statement<[string, string], RunRow>;
  readonly listRuns: Database.Statement<[RunFilterValues], RunRow>;
  readonly putLarge: Write;
  readonly tasksOfRun: Database.Statement<[number], TaskRow>;
  readonly logOfRun: Database.Statement<[number], LogRow>;
  readonly pauses: Database.Statement<[], Pause>;
  readonly insertPause: Write;
  readonly deletePauses: Write;
  readonly insertEvents: Write;
  readonly eventsAfter: Database.Statement<[number, number], EventsRow>;
  readonly eventsOfRun: Database.Statement<[string, number, number], EventsRow>;
  readonly lastEvents: Database.Statement<[], { data: Packed; run_id: string }>;
  readonly last: Database.Statement<[], { position: number; number: number }>;
}

/** What is known of a store's past besides its rows. */
interface PurgedRow {
  readonly runs: number;
  readonly at: number;
}

interface FinishedRow {
  readonly position: number;
  /** The others are null, too, where the chunk is not the last one of a finished run. */
  readonly number: number | null;
  readonly run_id: string;
  readonly namespace: string;
  readonly request_id: string | null;
  readonly data: Packed;
  readonly bytes: number;
}

interface SizedRow {
  /** Position of events, or index of a task. */
  readonly key: number;
  readonly bytes: number;
}

/** Those that purge. */
export interface PurgeStatements {
  readonly purged: Database.Statement<[], PurgedRow>;
  readonly notePurge: Write;
  readonly countFinished: Database.Statement<[], number>;
  readonly finishedAfter: Database.Statement<[number, number], FinishedRow>;
  readonly findPurgedRequest: Database.Statement<[string, string], string>;
  readonly putPurgedRequest: Write;
  readonly deleteRun: Write;
  readonly putUnswept: Write;
  readonly nextUnswept: Database.Statement<[], number>;
  readonly deleteUnswept: Write;
  readonly sizesOfEvents: Database.Statement<[number, number], SizedRow>;
  readonly sizesOfTasks: Database.Statement<[number, number], SizedRow>;
  readonly deleteEvents: Write;
  readonly deleteTasks: Write;
}

export function prepareStatements(db: Database.Database): Statements {
  return {
    begin: db.prepare("BEGIN IMMEDIATE"),
    commit: db.prepare("COMMIT"),
    rollback: db.prepare("ROLLBACK"),

    workflows: db.prepare<[], WorkflowRow>("SELECT * FROM workflows ORDER BY ordinal"),
    insertWorkflow: db.prepare("INSERT INTO workflows VALUES (?, ?, ?, ?, ?, ?)"),

    workflowSettings: db.prepare<[], WorkflowSettingsRow>("SELECT * FROM workflow_settings"),
    putWorkflowSettings: db.prepare("INSERT OR REPLACE INTO workflow_settings VALUES (?, ?, ?, ?)"),

    sessions: db.prepare<[], { data: string }>("SELECT data FROM sessions"),
    putSession: db.prepare("INSERT OR REPLACE INTO sessions VALUES (?, ?)"),
    deleteSession: db.prepare("DELETE FROM sessions WHERE session_id = ?"),

    insertRun: db.prepare("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    updateRun: db.prepare("UPDATE runs SET status = ?, endings = ?, data = ? WHERE number = ?"),
    liveRuns: db.prepare<[], RunRow>(`SELECT * FROM runs WHERE ${LIVE} ORDER BY number`),
    // The runs first: CROSS JOIN keeps SQLite to that order. There may be many more rows of runs that have ended.
    tasksOfLiveRuns: db.prepare<[], TaskRow & { run: number }>(
      `SELECT t.* FROM runs r CROSS JOIN task_runs t ON t.run = r.number WHERE ${LIVE} ORDER BY r.number`,
    ),
    logOfLiveRuns: db.prepare<[], LiveLogRow>(
      `SELECT e.run, e.data, e.tasks FROM runs r CROSS JOIN events e ON e.run = r.number
       WHERE ${LIVE} ORDER BY r.number, e.position`,
    ),
    runById: db.prepare<[string], RunRow>("SELECT * FROM runs WHERE run_id = ?"),
    runByRequest: db.prepare<[string, string], RunRow>("SELECT * FROM runs WHERE namespace = ? AND request_id = ?"),
    listRuns: db.prepare<[RunFilterValues], RunRow>(
      `SELECT * FROM runs
       WHERE number < @before AND namespace = @namespace AND (@workflow = '' OR workflow = @workflow)
         AND (@any = 1 OR status IN (SELECT value FROM json_each(@statuses)))
       ORDER BY number DESC LIMIT @limit`,
    ),

    putLarge: db.prepare(
      `INSERT INTO task_runs VALUES (?, ?, '', ?, ?)
       ON CONFLICT DO UPDATE SET checkpoint = excluded.checkpoint, patch = excluded.patch`,
    ),
    tasksOfRun: db.prepare<[number], TaskRow>(TASKS_OF_RUN),
    logOfRun: db.prepare<[number], LogRow>(LOG_OF_RUN),

    pauses: db.prepare<[], Pause>('SELECT began_at AS "from", ended_at AS "to" FROM pauses ORDER BY ended_at'),
    insertPause: db.prepare("INSERT INTO pauses VALUES (?, ?)"),
    deletePauses: db.prepare("DELETE FROM pauses WHERE ended_at <= ? OR began_at >= ?"),

    insertEvents: db.prepare("INSERT INTO events (position, run, data) VALUES (?, ?, ?)"),
    eventsAfter: db.prepare<[number, number], EventsRow>(`${EVENTS} WHERE e.position > ? ORDER BY e.position LIMIT ?`),
    eventsOfRun: db.prepare<[string, number, number], EventsRow>(
      `${EVENTS} WHERE e.run = (SELECT number FROM runs WHERE run_id = ?) AND e.position > ? ORDER BY e.position LIMIT ?`,
    ),
    lastEvents: db.prepare<[], { data: Packed; run_id: string }>(
      `SELECT e.data, coalesce(r.run_id, '') AS run_id FROM events e LEFT JOIN runs r ON r.number = e.run
       ORDER BY e.position DESC LIMIT 1`,
    ),

    last: db.prepare<[], { position: number; number: number }>(
      `SELECT max(position, coalesce((SELECT max(position) FROM events), 0)) AS position,
              max(run_number, coalesce((SELECT max(number) FROM runs), 0)) AS number FROM purged`,
    ),
  };
}

export function preparePurgeStatements(db: Database.Database): PurgeStatements {
  return {
    purged: db.prepare<[], PurgedRow>("SELECT runs, at FROM purged"),
    notePurge: db.prepare("UPDATE purged SET runs = runs + ?, position = ?, run_number = ?, at = ?"),
    countFinished: db
      .prepare<[], number>(`SELECT (SELECT count(*) FROM runs) - (SELECT count(*) FROM runs WHERE ${LIVE})`)
      .pluck(),
    finishedAfter: db.prepare<[number, number], FinishedRow>(
      `SELECT e.position, r.number, r.run_id, r.namespace, r.request_id, r.data, octet_length(r.input) AS bytes
       FROM events e LEFT JOIN runs r ON r.number = e.run AND NOT (${LIVE})
         AND e.position = (SELECT max(position) FROM events WHERE run = e.run)
       WHERE e.position > ? ORDER BY e.position LIMIT ?`,
    ),
    findPurgedRequest: db
      .prepare<[string, string], string>("SELECT run_id FROM purged_requests WHERE namespace = ? AND request_id = ?")
      .pluck(),
    putPurgedRequest: db.prepare("INSERT INTO purged_requests VALUES (?, ?, ?)"),
    deleteRun: db.prepare("DELETE FROM runs WHERE number = ?"),
    putUnswept: db.prepare("INSERT INTO unswept VALUES (?)"),
    nextUnswept: db.prepare<[], number>("SELECT run FROM unswept ORDER BY run LIMIT 1").pluck(),
    deleteUnswept: db.prepare("DELETE FROM unswept WHERE run = ?"),
    // Sizes are known without the overflow pages of a large value.
    sizesOfEvents: db.prepare<[number, number], SizedRow>(
      `SELECT position AS key, octet_length(data) + coalesce(octet_length(tasks), 0) AS bytes
       FROM events WHERE run = ? ORDER BY position LIMIT ?`,
    ),
    sizesOfTasks: db.prepare<[number, number], SizedRow>(
      `SELECT task AS key, octet_length(data) + coalesce(octet_length(checkpoint), 0) + coalesce(octet_length(patch), 0) AS bytes
       FROM task_runs WHERE run = ? ORDER BY task LIMIT ?`,
    ),
    deleteEvents: db.prepare("DELETE FROM events WHERE run = ? AND position <= ?"),
    deleteTasks: db.prepare("DELETE FROM task_runs WHERE run = ? AND task <= ?"),
  };
}
