import type { TaskRun } from "../../core/model.js";
import { Heap, type HeapNode } from "./heap.js";
import type { LiveRun } from "./live-run.js";

/** The next deadline of a lease: its timeout while it holds a slot, its longest wait while it is deferred. */
export interface DeadlineNode extends HeapNode {
  readonly at: number;
  readonly run: LiveRun;
  readonly task: number;
  readonly leaseId: string;
  readonly kind: "timeout" | "max_wait";
}

/** Deadlines of all live leases, the next one first. Each lease has at most one at a time. */
export class Deadlines {
  readonly #heap = new Heap<DeadlineNode>((a, b) => a.at < b.at);

  next(): DeadlineNode | undefined {
    return this.#heap.peek();
  }

  /** Follows a change of a task run. */
  follow(run: LiveRun, after: TaskRun): void {
    const due = deadlineOf(run, after);
    const known = run.deadlines[after.task];
    if (known !== undefined) {
      if (due !== null && due.kind === known.kind && due.at === known.at && known.leaseId === after.lease?.id) return;
      this.#heap.remove(known);
      run.deadlines[after.task] = undefined;
    }
    if (due === null || after.lease === null) return;
    const node: DeadlineNode = { ...due, run, task: after.task, leaseId: after.lease.id, place: -1 };
    run.deadlines[after.task] = node;
    this.#heap.push(node);
  }
}

function deadlineOf(run: LiveRun, task: TaskRun): { at: number; kind: DeadlineNode["kind"] } | null {
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
