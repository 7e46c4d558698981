/**
 * What follows from the rows of a run and is not written: that it is RUNNING, who waits for how many, and who is ready for the
 * first time.
 */
import type { Graph, Run, TaskRun } from "../../core/model.js";
import { initialTaskRun, isTerminal } from "../../core/task-run.js";
import { type LogRow, unpackEvents } from "./log-row.js";

/** From the last sign of the scheduler before, its last event, to the start of this one. */
export interface Pause {
  readonly from: number;
  readonly to: number;
}

/** That a run is RUNNING is said by its first lease, and not written as well. */
export function restoreRun(run: Run, log: Iterable<LogRow>): Run {
  if (run.status !== "PENDING") return run;
  for (const row of log) {
    const first = unpackEvents(run.id, row).find(({ type }) => type === "TASK_LEASED");
    if (first !== undefined) return { ...run, status: "RUNNING", startedAt: first.at };
  }
  return run;
}

/** Completes the task runs of a run that was read. */
export function restoreTaskRuns(run: Run, graph: Graph, rows: readonly TaskRun[]): TaskRun[] {
  const tasks: (TaskRun | undefined)[] = new Array<TaskRun | undefined>(graph.tasks.length);
  for (const row of rows) tasks[row.task] = row;
  return graph.tasks.map(({ index, dependencies }) => {
    const open = dependencies.filter((d) => !isTerminal(tasks[d]?.state ?? "WAITING"));
    const known = tasks[index];
    if (known !== undefined && known.state !== "WAITING") return known;
    // What was said to wait began anew, when its run was retried.
    const initial =
      known === undefined ? initialTaskRun(run.id, index, open.length) : { ...known, remaining: open.length };
    if (open.length > 0) return initial;
    let readyAt = run.createdAt;
    for (const d of dependencies) readyAt = Math.max(readyAt, tasks[d]?.finishedAt ?? 0);
    return { ...initial, state: "READY", readyAt };
  });
}

/** P9: time in which no scheduler ran does not count towards a timeout; what came before it does. */
export function withoutPauses(task: TaskRun, pauses: readonly Pause[]): TaskRun {
  const { lease } = task;
  if (lease === null || lease.slotSince === null) return task;
  let { slotHeldMs } = task;
  let { slotSince } = lease;
  for (const { from, to } of pauses) {
    // It was over when the slot was taken.
    if (to <= slotSince) continue;
    slotHeldMs += Math.max(0, from - slotSince);
    slotSince = to;
  }
  return slotSince === lease.slotSince ? task : { ...task, slotHeldMs, lease: { ...lease, slotSince } };
}
