/** What people do to a run: cancel, pause, resume, retry. Pure, like `run-machine.ts`. */
import { CloacaError } from "./errors.js";
import type { RunStatus } from "./model.js";
import type { DecisionLimits, HostEffect, RunDraft } from "./run-draft.js";
import { cancelRun, finishWhenDone, isRunOver, settle } from "./run-machine.js";
import { step } from "./task-machine.js";
import { isTerminal } from "./task-run.js";

export type RunControl =
  | { readonly type: "cancel"; readonly reason: string }
  /** No new lease is given out; reclaims, retries and deadlines go on. */
  | { readonly type: "pause"; readonly reason: string }
  | { readonly type: "resume" }
  /** `requestId` makes it idempotent; empty means that it is not. */
  | { readonly type: "retry"; readonly requestId: string };

export interface RunControlled {
  readonly status: RunStatus;
  /** Ids of the tasks that begin anew, for a retry. */
  readonly resetTasks: readonly string[];
}

/** Applies a control; hosts are told through `effects`. A run that is over stays as it is, but for a retry. */
export function controlRun(
  draft: RunDraft,
  control: RunControl,
  effects: HostEffect[],
  limits: DecisionLimits,
  now: number,
): RunControlled | CloacaError {
  switch (control.type) {
    case "cancel":
      effects.push(...cancelRun(draft, control.reason === "" ? "cancelled by request" : control.reason, now));
      return controlled(draft);
    case "pause":
      pauseRun(draft, control.reason, now);
      return controlled(draft);
    case "resume":
      resumeRun(draft, now);
      return controlled(draft);
    case "retry":
      return retryRun(draft, control.requestId, limits, now);
  }
}

function pauseRun(draft: RunDraft, reason: string, now: number): void {
  const { status } = draft.run();
  if (isRunOver(status) || status === "PAUSED") return;
  draft.changeRun({ status: "PAUSED", reason });
  draft.log({ at: now, type: "RUN_PAUSED", ...(reason === "" ? null : { reason }) });
}

function resumeRun(draft: RunDraft, now: number): void {
  const { status, startedAt } = draft.run();
  if (status !== "PAUSED") return;
  draft.changeRun({ status: startedAt === null ? "PENDING" : "RUNNING", reason: "" });
  draft.log({ at: now, type: "RUN_RESUMED" });
}

/**
 * Takes up a failed run: its failed tasks and all their descendants begin anew, with a fresh retry budget and a growing
 * fence; what else succeeded stays.
 */
function retryRun(
  draft: RunDraft,
  requestId: string,
  limits: DecisionLimits,
  now: number,
): RunControlled | CloacaError {
  const run = draft.run();
  if (requestId !== "" && run.retriedBy === requestId) return controlled(draft);
  if (run.status !== "FAILED") {
    const hint = isRunOver(run.status) ? "start a new run" : "it is not over";
    return new CloacaError(
      "RUN_NOT_FAILED",
      `run "${run.id}" is ${run.status}, and only a failed run is retried; ${hint}`,
    );
  }
  const reset = failedAndAfter(draft);
  draft.changeRun({
    status: run.startedAt === null ? "PENDING" : "RUNNING",
    reason: "",
    finishedAt: null,
    retriedBy: requestId,
    open: reset.size,
    failed: 0,
    deadlineAt: run.timeoutMs === 0 ? null : now + run.timeoutMs,
  });
  draft.log({ at: now, type: "RUN_RETRIED" });
  const free: number[] = [];
  for (const index of draft.graph.topological) {
    if (!reset.has(index)) continue;
    const remaining = draft.graph.tasks[index]?.dependencies.filter((d) => reset.has(d)).length ?? 0;
    const { next, event } = step(draft.task(index), { type: "reset", remaining }, now);
    draft.setTask(next);
    draft.setOutput(index, undefined);
    draft.log(event);
    if (remaining === 0) free.push(index);
  }
  settle(draft, free, limits, now);
  finishWhenDone(draft, now);
  const resetTasks = draft.graph.tasks.filter(({ index }) => reset.has(index)).map(({ id }) => id);
  return { status: draft.run().status, resetTasks };
}

function failedAndAfter(draft: RunDraft): Set<number> {
  const found = new Set<number>();
  for (const { index } of draft.graph.tasks) if (draft.task(index).state === "FAILED") found.add(index);
  // A set is iterated in the order of insertion, and what is added meanwhile is reached as well.
  for (const index of found) {
    for (const dependent of draft.graph.tasks[index]?.dependents ?? []) {
      if (isTerminal(draft.task(dependent).state)) found.add(dependent);
    }
  }
  return found;
}

function controlled(draft: RunDraft): RunControlled {
  return { status: draft.run().status, resetTasks: [] };
}
