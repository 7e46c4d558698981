/**
 * What a commit did to the task runs of a run: a text that stands beside its events, so that a commit writes one row for a run
 * and not one for each of its task runs. The newest text that names a task run says how it stands.
 *
 * All of it is read again at the next start, so a text says nothing large twice. A checkpoint, a patch, a failure, losses and who
 * declined are said when they have changed. A large patch, or a checkpoint that is not the first, has a row of its own, which the
 * next one replaces.
 */
import type { Patch, TaskRun } from "../../core/model.js";
import { initialTaskRun } from "../../core/task-run.js";
import type { LiveRun } from "../live/live-run.js";
import { encodeTaskRun, type TaskRunData } from "./codec.js";
import { needsSaying } from "./restore.js";

/** Characters from which on a checkpoint or patch is large, and a checkpoint that comes after another. */
export const LARGE = 2_048;
const LARGE_AGAIN = 256;

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
    if (task === before || !(needsSaying(task) || needsSaying(before))) continue;
    const said = `"task":${index},${encodeTaskRun(task)}${encodeSeldom(before, task)}${encodePatches(before, task, putLarge)}`;
    json += `${json === "" ? "[" : ","}{${said}}`;
  }
  return json === "" ? null : `${json}]`;
}

function encodeSeldom(before: TaskRun, task: TaskRun): string {
  let json = "";
  if (before.failure !== task.failure) json += `,"failure":${JSON.stringify(task.failure)}`;
  for (const name of ["losses", "declinedBy"] as const) {
    if (before[name] === task[name] || before[name].length + task[name].length === 0) continue;
    json += `,"${name}":${JSON.stringify(task[name])}`;
  }
  return json;
}

function encodePatches(before: TaskRun, task: TaskRun, putLarge: PutLarge): string {
  const isCheckpointNew = before.checkpoint !== task.checkpoint;
  const isPatchNew = before.patch !== task.patch;
  if (!isCheckpointNew && !isPatchNew) return "";
  const checkpoint = JSON.stringify(task.checkpoint);
  // Of most tasks that have a checkpoint it is all that they leave.
  const patch = task.patch === task.checkpoint ? checkpoint : JSON.stringify(task.patch);
  const isCheckpointLarge = checkpoint.length >= (before.checkpoint === null ? LARGE : LARGE_AGAIN);
  const isPatchLarge = patch.length >= LARGE;
  const isEither = isCheckpointLarge || isPatchLarge;
  if (isEither) putLarge(task.task, isCheckpointLarge ? checkpoint : null, isPatchLarge ? patch : null);
  let json = "";
  // The row is replaced as a whole: then both are said.
  if (isCheckpointNew || isEither) json += `,"checkpoint":${isCheckpointLarge ? ELSEWHERE : checkpoint}`;
  if (isPatchNew || isEither) json += `,"patch":${isPatchLarge ? ELSEWHERE : patch}`;
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
    const patches = { checkpoint: parsePatch(row.checkpoint), patch: parsePatch(row.patch) };
    tasks.set(row.task, { ...initialTaskRun(runId, row.task, 0), ...data, ...patches });
  }
  for (const text of texts) {
    for (const { task, checkpoint, patch, ...data } of JSON.parse(text) as TaskChange[]) {
      const { failure, losses, declinedBy, ...before } = tasks.get(task) ?? initialTaskRun(runId, task, 0);
      const row = rowOf.get(task);
      tasks.set(task, {
        ...initialTaskRun(runId, task, 0),
        failure,
        losses,
        declinedBy,
        ...data,
        checkpoint: saidPatch(checkpoint, before.checkpoint, row?.checkpoint),
        patch: saidPatch(patch, before.patch, row?.patch),
      });
    }
  }
  return [...tasks.values()];
}

function saidPatch(said: SaidPatch | undefined, before: Patch | null, row: string | null | undefined): Patch | null {
  if (said === undefined) return before;
  return said === ELSEWHERE ? parsePatch(row ?? null) : said;
}

function parsePatch(text: string | null): Patch | null {
  return text === null ? null : (JSON.parse(text) as Patch);
}
