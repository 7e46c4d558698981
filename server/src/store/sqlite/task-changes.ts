/**
 * What a commit did to the task runs of a run: a text that stands beside its events, so that a commit writes one row for a run
 * and not one for each of its task runs. The newest text that names a task run says how it stands.
 *
 * A checkpoint or patch is said when it has changed. A large one has a row of its own, which the next one replaces: a task that
 * commits a megabyte each minute must not fill the log with them.
 */
import type { Patch, TaskRun } from "../../core/model.js";
import { initialTaskRun } from "../../core/task-run.js";
import type { LiveRun } from "../live/live-run.js";
import { encodeTaskRun, type TaskRunData } from "./codec.js";
import { needsRow } from "./restore.js";

/** Characters from which on a checkpoint or patch is large. */
export const LARGE = 2_048;

/** In the place of a checkpoint or patch that has a row of its own. */
const ELSEWHERE = true;
type SaidPatch = Patch | null | typeof ELSEWHERE;

/** One task run within the text. */
interface TaskChange extends TaskRunData {
  readonly task: number;
  /** Left out when they are as they were. */
  readonly checkpoint?: SaidPatch;
  readonly patch?: SaidPatch;
}

/** The large ones of a task run. `data` is empty but in rows from before schema version 4, which say how the task run stands. */
export interface TaskRow {
  readonly task: number;
  readonly data: string;
  readonly checkpoint: string | null;
  readonly patch: string | null;
}

type PutLarge = (task: number, checkpoint: string | null, patch: string | null) => void;

/** Null when nothing has changed that must be written. */
export function encodeTaskChanges(run: LiveRun, putLarge: PutLarge): string | null {
  let json = "";
  for (const [index, before] of run.before) {
    const task = run.task(index);
    // What has no need to be written may have been before it began anew.
    if (task === before || !(needsRow(task) || needsRow(before))) continue;
    json += `${json === "" ? "[" : ","}{"task":${index},${encodeTaskRun(task)}${encodePatches(before, task, putLarge)}}`;
  }
  return json === "" ? null : `${json}]`;
}

function encodePatches(before: TaskRun, task: TaskRun, putLarge: PutLarge): string {
  if (before.checkpoint === task.checkpoint && before.patch === task.patch) return "";
  const checkpoint = JSON.stringify(task.checkpoint);
  // Most tasks have no checkpoint apart from what they return.
  const patch = task.patch === task.checkpoint ? checkpoint : JSON.stringify(task.patch);
  const large = [checkpoint, patch].map((text) => (text.length < LARGE ? null : text));
  if (large[0] !== null || large[1] !== null) putLarge(task.task, large[0] ?? null, large[1] ?? null);
  let json = "";
  if (before.checkpoint !== task.checkpoint) json += `,"checkpoint":${large[0] === null ? checkpoint : ELSEWHERE}`;
  if (before.patch !== task.patch) json += `,"patch":${large[1] === null ? patch : ELSEWHERE}`;
  return json;
}

/** The task runs to which something has happened, from their rows and from the texts in their order. */
export function foldTaskRuns(runId: string, rows: readonly TaskRow[], texts: Iterable<string>): TaskRun[] {
  const rowOf = new Map<number, TaskRow>();
  const tasks = new Map<number, TaskRun>();
  for (const row of rows) {
    rowOf.set(row.task, row);
    if (row.data === "") continue;
    const data = JSON.parse(row.data) as TaskRunData;
    const { checkpoint, patch } = row;
    tasks.set(row.task, taskRun(runId, row.task, data, parsePatch(checkpoint), parsePatch(patch)));
  }
  for (const text of texts) {
    for (const { task, checkpoint, patch, ...data } of JSON.parse(text) as TaskChange[]) {
      const before = tasks.get(task);
      const row = rowOf.get(task);
      const read = (said: SaidPatch | undefined, known: Patch | null | undefined, large: string | null | undefined) =>
        said === undefined ? (known ?? null) : said === ELSEWHERE ? parsePatch(large ?? null) : said;
      tasks.set(
        task,
        taskRun(
          runId,
          task,
          data,
          read(checkpoint, before?.checkpoint, row?.checkpoint),
          read(patch, before?.patch, row?.patch),
        ),
      );
    }
  }
  return [...tasks.values()];
}

function taskRun(
  runId: string,
  task: number,
  data: TaskRunData,
  checkpoint: Patch | null,
  patch: Patch | null,
): TaskRun {
  return { ...initialTaskRun(runId, task, 0), ...data, checkpoint, patch };
}

function parsePatch(text: string | null): Patch | null {
  return text === null ? null : (JSON.parse(text) as Patch);
}
