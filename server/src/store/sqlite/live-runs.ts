/** Reads the runs that go on, all at once: after a crash this is time in which nobody is served. */
import type { Graph, Run, TaskRun } from "../../core/model.js";
import type { StoredRun } from "../live/journal.js";
import { unpackChanges, unpackEvents } from "./log-row.js";
import { type Pause, restoreRun, restoreTaskRuns, withoutPauses } from "./restore.js";
import { type RunRow, unpackRun } from "./run-row.js";
import type { LiveLogRow, Statements } from "./statements.js";
import { foldTaskRuns, type TaskRow } from "./task-changes.js";

interface LiveRunRead extends StoredRun {
  readonly tasks: readonly TaskRun[];
}

/** `pause` is the time before this start in which no scheduler ran. */
export function readLiveRuns(sql: Statements, graphOf: (row: RunRow) => Graph, pause: Pause): StoredRun[] {
  const rows = new Groups(sql.tasksOfLiveRuns.all());
  const runs = sql.liveRuns.all();
  const read: LiveRunRead[] = [];
  // Run by run, as they stand there: the log of them all may be long.
  const log = new Groups(sql.logOfLiveRuns.iterate());
  try {
    for (const row of runs) read.push(liveRun(row, graphOf(row), rows.of(row.number), log.of(row.number)));
  } finally {
    log.end();
  }
  const pauses = notePause(sql, read, pause);
  return read.map((run) => ({ ...run, tasks: run.tasks.map((task) => withoutPauses(task, pauses)) }));
}

/** Rows that come in the order of their runs. */
class Groups<Row extends { readonly run: number }> {
  readonly #rows: Iterator<Row>;
  #next: Row | undefined;

  constructor(rows: Iterable<Row>) {
    this.#rows = rows[Symbol.iterator]();
    this.#next = this.#rows.next().value;
  }

  /** Call it for runs in their order. */
  of(run: number): Row[] {
    const rows: Row[] = [];
    for (; this.#next !== undefined && this.#next.run <= run; this.#next = this.#rows.next().value) {
      if (this.#next.run === run) rows.push(this.#next);
    }
    return rows;
  }

  end(): void {
    this.#rows.return?.();
  }
}

/** The row tells of the run as it was when it last changed; what it does not say follows from what came since. */
function liveRun(row: RunRow, graph: Graph, rows: readonly TaskRow[], log: readonly LiveLogRow[]): LiveRunRead {
  const written: Run = restoreRun(unpackRun(row), log);
  const changes = log.map((entry) => unpackChanges(written.id, entry));
  const tasks = restoreTaskRuns(written, graph, foldTaskRuns(written.id, rows, changes));
  const last = log.at(-1);
  const eventSeq = (last === undefined ? undefined : unpackEvents(written.id, last).at(-1)?.seq) ?? written.eventSeq;
  const open = tasks.filter((t) => t.finishedAt === null).length;
  const failed = tasks.filter((t) => t.state === "FAILED").length;
  return { number: row.number, run: { ...written, eventSeq, open, failed }, graph, tasks };
}

/**
 * P9: the pauses that leases have to be told of, the last one among them. It is written down, since a later start must leave it
 * out as well. Those that no lease has seen are forgotten, and so is one that began where this one does: nothing has happened
 * since, and a clock that was wrong may have made it longer than this one.
 */
function notePause(sql: Statements, runs: readonly LiveRunRead[], { from, to }: Pause): Pause[] {
  let oldest = Number.MAX_SAFE_INTEGER;
  for (const { tasks } of runs) {
    for (const { lease } of tasks) oldest = Math.min(oldest, lease?.slotSince ?? oldest);
  }
  sql.deletePauses.run(oldest, from);
  if (from < to && to > oldest) sql.insertPause.run(from, to);
  return sql.pauses.all();
}
