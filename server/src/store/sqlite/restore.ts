/** What follows from the rows of a run and is not written: who waits for how many, and who is ready for the first time. */
import type { Graph, TaskRun } from "../../core/model.js";
import { initialTaskRun, isTerminal } from "../../core/task-machine.js";

/**
 * Completes the task runs of a run that was read. `now` restarts the slot-held time of leases, for time in which no
 * scheduler ran does not count towards a timeout (P9).
 */
export function restoreTaskRuns(runId: string, graph: Graph, rows: readonly TaskRun[], now: number): TaskRun[] {
  const tasks: (TaskRun | undefined)[] = new Array<TaskRun | undefined>(graph.tasks.length);
  for (const row of rows) tasks[row.task] = withFreshSlot(row, now);
  return graph.tasks.map(({ index, dependencies }) => {
    const open = dependencies.filter((d) => !isTerminal(tasks[d]?.state ?? "WAITING"));
    const known = tasks[index];
    if (known !== undefined) return known;
    const initial = initialTaskRun(runId, index, open.length);
    if (open.length > 0) return initial;
    const readyAt = Math.max(0, ...dependencies.map((d) => tasks[d]?.finishedAt ?? 0));
    return { ...initial, state: "READY", readyAt: readyAt === 0 ? now : readyAt };
  });
}

/** Whether a task run needs a row: what this module restores by itself does not. */
export function needsRow(task: TaskRun): boolean {
  return task.state !== "WAITING" && (task.state !== "READY" || task.fence > 0);
}

function withFreshSlot(task: TaskRun, now: number): TaskRun {
  const { lease } = task;
  return lease === null || lease.slotSince === null ? task : { ...task, lease: { ...lease, slotSince: now } };
}
