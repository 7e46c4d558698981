/** Reads the runs that go on, all at once: after a crash this is time in which nobody is served. */
import type { Graph, Run, TaskRun } from "../../core/model.js";
import type { StoredRun } from "../live/journal.js";
import { decodeEvents, decodeRun, type RunRow } from "./codec.js";
import { type Pause, restoreTaskRuns, withoutPauses } from "./restore.js";
import type { Statements } from "./statements.js";
import { foldTaskRuns, type TaskRow } from "./task-changes.js";

interface LiveRunRead extends StoredRun {
  readonly tasks: readonly TaskRun[];
}

/** What was written of a run besides its row. */
interface History {
  readonly rows: TaskRow[];
  readonly texts: string[];
  lastEvents: string;
}

/** `pause` is the time before this start in which no scheduler ran. */
export function readLiveRuns(sql: Statements, graphOf: (row: RunRow) => Graph, pause: Pause): StoredRun[] {
  const histories = readHistories(sql);
  const runs = sql.liveRuns.all().map((row) => liveRun(row, graphOf(row), histories.get(row.number)));
  const pauses = notePause(sql, runs, pause);
  return runs.map((run) => ({ ...run, tasks: run.tasks.map((task) => withoutPauses(task, pauses)) }));
}

function readHistories(sql: Statements): ReadonlyMap<number, History> {
  const histories = new Map<number, History>();
  const historyOf = (run: number): History => {
    const known = histories.get(run);
    if (known !== undefined) return known;
    const history: History = { rows: [], texts: [], lastEvents: "[]" };
    histories.set(run, history);
    return history;
  };
  for (const row of sql.tasksOfLiveRuns.iterate()) historyOf(row.run).rows.push(row);
  for (const { run, data, tasks } of sql.logOfLiveRuns.iterate()) {
    const history = historyOf(run);
    history.lastEvents = data;
    if (tasks !== null) history.texts.push(tasks);
  }
  return histories;
}

/** The row tells of the run as it was at its last change of status; its counters follow from what came since. */
function liveRun(row: RunRow, graph: Graph, history: History | undefined): LiveRunRead {
  const written: Run = decodeRun(row);
  const { rows = [], texts = [], lastEvents = "[]" } = history ?? {};
  const tasks = restoreTaskRuns(written, graph, foldTaskRuns(written.id, rows, texts));
  const eventSeq = decodeEvents(lastEvents).at(-1)?.seq ?? written.eventSeq;
  const open = tasks.filter((t) => t.finishedAt === null).length;
  const failed = tasks.filter((t) => t.state === "FAILED").length;
  return { number: row.number, run: { ...written, eventSeq, open, failed }, graph, tasks };
}

/**
 * P9: the pauses that leases have to be told of, the last one among them. It is written down, since a later start must leave it
 * out as well; those that no lease has seen are forgotten.
 */
function notePause(sql: Statements, runs: readonly LiveRunRead[], pause: Pause): Pause[] {
  let oldest = Number.MAX_SAFE_INTEGER;
  for (const { tasks } of runs) {
    for (const { lease } of tasks) oldest = Math.min(oldest, lease?.slotSince ?? oldest);
  }
  sql.deletePauses.run(oldest);
  if (pause.from < pause.to && pause.to > oldest) sql.insertPause.run(pause.from, pause.to);
  return sql.pauses.all();
}
