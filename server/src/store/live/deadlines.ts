import type { TaskRun } from "../../core/model.js";
import { Heap, type HeapNode } from "./heap.js";
import type { LiveRun } from "./live-run.js";

export type DeadlineKind = "timeout" | "max_wait" | "retry" | "run_timeout";

/**
 * The next deadline of a task run: its timeout while it holds a slot, its longest wait while it is deferred, its next
 * attempt while it is retrying. A run has one of its own.
 */
export interface DeadlineNode extends HeapNode {
  readonly at: number;
  readonly run: LiveRun;
  /** -1 for the run's own. */
  readonly task: number;
  readonly kind: DeadlineKind;
}

const THE_RUN = -1;

/** Deadlines of all live runs, the next one first. Each task run, and each run, has at most one at a time. */
export class Deadlines {
  readonly #heap = new Heap<DeadlineNode>((a, b) => a.at < b.at);

  next(): DeadlineNode | undefined {
    return this.#heap.peek();
  }

  /** Follows a change of a task run. */
  follow(run: LiveRun, after: TaskRun): void {
    const due = deadlineOf(run, after);
    const known = run.deadlines[after.task];
    if (known === undefined && due === null) return;
    run.deadlines[after.task] = this.#replace(known, due, run, after.task);
  }

  /** Follows a change of a run. */
  followRun(run: LiveRun): void {
    const { deadlineAt } = run.run();
    const due = deadlineAt === null ? null : { at: deadlineAt, kind: "run_timeout" as const };
    run.ownDeadline = this.#replace(run.ownDeadline, due, run, THE_RUN);
  }

  #replace(known: DeadlineNode | undefined, due: Due | null, run: LiveRun, task: number): DeadlineNode | undefined {
    if (known !== undefined) {
      if (due !== null && due.kind === known.kind && due.at === known.at) return known;
      this.#heap.remove(known);
    }
    if (due === null) return undefined;
    const node: DeadlineNode = { ...due, run, task, place: -1 };
    this.#heap.push(node);
    return node;
  }
}

interface Due {
  readonly at: number;
  readonly kind: DeadlineKind;
}

function deadlineOf(run: LiveRun, task: TaskRun): Due | null {
  if (task.state === "RETRYING") return { at: task.retryAt ?? 0, kind: "retry" };
  const { lease } = task;
  if (lease === null) return null;
  if (task.state === "LEASED" && lease.slotSince !== null) {
    // P9: only slot-held time counts.
    const timeoutMs = run.graph.tasks[task.task]?.timeoutMs ?? 0;
    return timeoutMs === 0 ? null : { at: lease.slotSince + timeoutMs - task.slotHeldMs, kind: "timeout" };
  }
  if (task.state === "DEFERRED" && lease.deferral !== null && lease.deferral.maxWaitMs > 0) {
    return { at: lease.deferral.deferredAt + lease.deferral.maxWaitMs, kind: "max_wait" };
  }
  return null;
}
