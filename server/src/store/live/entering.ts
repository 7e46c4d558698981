/** Puts the runs that a journal has read into the books. */
import type { TaskRun } from "../../core/model.js";
import type { Books } from "./books.js";
import type { StoredRun } from "./journal.js";
import { LiveRun } from "./live-run.js";

export function enterRuns(books: Books, runs: readonly StoredRun[]): void {
  const waiting: { live: LiveRun; task: TaskRun; since: number }[] = [];
  for (const { number, run, graph, tasks } of runs) {
    const live = new LiveRun(number, graph, run, tasks, books);
    books.runs.set(run.id, live);
    books.runChanged(live);
    for (const task of tasks) {
      if (task === undefined) continue;
      const since = waitsSince(task);
      if (since === null) books.enter(live, task);
      else waiting.push({ live, task, since });
    }
  }
  // P8: oldest first.
  waiting.sort((a, b) => a.since - b.since);
  for (const { live, task } of waiting) books.enter(live, task);
}

/** Since when it waits for a slot; null when it does not. */
function waitsSince(task: TaskRun): number | null {
  if (task.state === "READY") return task.readyAt ?? 0;
  return task.state === "RECLAIMING" ? (task.lease?.deferral?.reclaimedAt ?? 0) : null;
}
