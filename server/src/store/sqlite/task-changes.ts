/**
 * What a commit did to the task runs of a run: it stands behind the events in their row, so that a commit writes one row for a run
 * and not one for each of its task runs. The newest row that names a task run says how it stands.
 *
 * All of it is read again at the next start, so a row says nothing large twice. A checkpoint, a patch, a failure, losses and who
 * declined are said when they have changed. A large patch, or a checkpoint that is not the first, has a row of its own, which the
 * next one replaces.
 */
import type { Patch, TaskRun } from "../../core/model.js";
import { initialTaskRun } from "../../core/task-run.js";
import type { LiveRun } from "../live/live-run.js";
import type { Packer } from "./packer.js";
import { needsSaying, packTaskRun, type TaskRunData, unpackTaskRun } from "./task-run-row.js";
import type { Unpacker } from "./unpacker.js";

/** Characters from which on a checkpoint or patch is large, and a checkpoint that comes after another. */
export const LARGE = 2_048;
const LARGE_AGAIN = 256;

/** In the place of a checkpoint or patch that has a row of its own. */
const ELSEWHERE = true;
type SaidPatch = Patch | null | typeof ELSEWHERE;

/** How a task run stands. What is left out of these is as it was. */
export interface TaskChange extends TaskRunData {
  readonly task: number;
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

export type PutLarge = (task: number, checkpoint: string | null, patch: string | null) => void;

/** Behind the last one. */
const END = -1;

// What is said of the seldom ones, in a byte.
const FAILURE = 1;
const LOSSES = 2;
const DECLINED_BY = 4;
const CHECKPOINT = 8;
const CHECKPOINT_ELSEWHERE = 16;
const PATCH = 32;
const PATCH_ELSEWHERE = 64;
/** Nothing set and nothing removed, as most tasks leave it. */
const PATCH_EMPTY = 128;

/** Returns how many have changed that must be written. Times are told from `base`. */
export function packTaskChanges(packer: Packer, run: LiveRun, base: number, putLarge: PutLarge): number {
  let count = 0;
  const { id } = run.run();
  for (const [index, before] of run.before) {
    const task = run.task(index);
    // What has no need to be written may have been before it began anew.
    if (task === before || !(needsSaying(task) || needsSaying(before))) continue;
    count++;
    packer.number(index);
    packTaskRun(packer, id, task, base);
    packSeldom(packer, before, task, putLarge);
  }
  packer.number(END);
  return count;
}

export function unpackTaskChanges(row: Unpacker, runId: string, base: number): TaskChange[] {
  const changes: TaskChange[] = [];
  for (let task = row.number(); task !== END; task = row.number()) {
    changes.push({ task, ...unpackTaskRun(row, runId, task, base), ...unpackSeldom(row) });
  }
  return changes;
}

function packSeldom(packer: Packer, before: TaskRun, task: TaskRun, putLarge: PutLarge): void {
  const isFailureNew = before.failure !== task.failure;
  const areLossesNew = isOtherList(before.losses, task.losses);
  const isDeclinedByNew = isOtherList(before.declinedBy, task.declinedBy);
  const isCheckpointNew = before.checkpoint !== task.checkpoint;
  const isPatchNew = before.patch !== task.patch;
  let flags = 0;
  if (isFailureNew) flags |= FAILURE;
  if (areLossesNew) flags |= LOSSES;
  if (isDeclinedByNew) flags |= DECLINED_BY;
  let [checkpoint, patch] = ["", ""];
  if (isPatchNew && !isCheckpointNew && isEmpty(task.patch)) flags |= PATCH_EMPTY;
  else if (isCheckpointNew || isPatchNew) {
    checkpoint = JSON.stringify(task.checkpoint);
    // Of most tasks that have a checkpoint it is all that they leave.
    patch = task.patch === task.checkpoint ? checkpoint : JSON.stringify(task.patch);
    const isCheckpointLarge = checkpoint.length >= (before.checkpoint === null ? LARGE : LARGE_AGAIN);
    const isPatchLarge = patch.length >= LARGE;
    const isEither = isCheckpointLarge || isPatchLarge;
    if (isEither) putLarge(task.task, isCheckpointLarge ? checkpoint : null, isPatchLarge ? patch : null);
    // The row is replaced as a whole: then both are said.
    if (isCheckpointNew || isEither) flags |= isCheckpointLarge ? CHECKPOINT_ELSEWHERE : CHECKPOINT;
    if (isPatchNew || isEither) flags |= isPatchLarge ? PATCH_ELSEWHERE : PATCH;
  }
  packer.byte(flags);
  if (isFailureNew) packer.json(task.failure);
  if (areLossesNew) packer.json(task.losses);
  if (isDeclinedByNew) packer.json(task.declinedBy);
  if (flags & CHECKPOINT) packer.text(checkpoint);
  if (flags & PATCH) packer.text(patch);
}

function unpackSeldom(row: Unpacker): Partial<TaskChange> {
  const flags = row.byte();
  const said: { -readonly [K in keyof TaskChange]?: TaskChange[K] } = {};
  if (flags & FAILURE) said.failure = row.json();
  if (flags & LOSSES) said.losses = row.json();
  if (flags & DECLINED_BY) said.declinedBy = row.json();
  if (flags & CHECKPOINT) said.checkpoint = row.json();
  if (flags & CHECKPOINT_ELSEWHERE) said.checkpoint = ELSEWHERE;
  if (flags & PATCH) said.patch = row.json();
  if (flags & PATCH_ELSEWHERE) said.patch = ELSEWHERE;
  if (flags & PATCH_EMPTY) said.patch = { set: {}, removed: [] };
  return said;
}

function isOtherList(before: readonly unknown[], after: readonly unknown[]): boolean {
  return before !== after && before.length + after.length > 0;
}

function isEmpty(patch: Patch | null): boolean {
  if (patch === null || patch.removed.length > 0) return false;
  for (const _ in patch.set) return false;
  return true;
}

/** The task runs to which something has happened, from their rows and from what the log says of them, in its order. */
export function foldTaskRuns(runId: string, rows: readonly TaskRow[], log: Iterable<readonly TaskChange[]>): TaskRun[] {
  const rowOf = new Map<number, TaskRow>();
  const tasks = new Map<number, TaskRun>();
  for (const row of rows) {
    rowOf.set(row.task, row);
    if (row.data === "") continue;
    const data = JSON.parse(row.data) as TaskRunData;
    const patches = { checkpoint: parsePatch(row.checkpoint), patch: parsePatch(row.patch) };
    tasks.set(row.task, { ...initialTaskRun(runId, row.task, 0), ...data, ...patches });
  }
  for (const changes of log) {
    for (const { task, checkpoint, patch, ...data } of changes) {
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
