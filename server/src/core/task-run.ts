/** A task run as a value: how it begins, whether it has ended, which slots it holds and for how long. */
import type { EndingLease, HostLoss, TaskRun, TaskRunState } from "./model.js";

const NO_ENDING: readonly EndingLease[] = [];
const NO_SESSIONS: readonly string[] = [];
const NO_LOSSES: readonly HostLoss[] = [];

/** A task run that nothing has happened to. */
export function initialTaskRun(runId: string, task: number, dependencies: number): TaskRun {
  return {
    runId,
    task,
    state: "WAITING",
    remaining: dependencies,
    attempt: 0,
    attemptsBefore: 0,
    retryAt: null,
    recovery: 0,
    lossesHeld: 0,
    lossesDeferred: 0,
    losses: NO_LOSSES,
    fence: 0,
    lease: null,
    ending: NO_ENDING,
    outcome: null,
    declinedBy: NO_SESSIONS,
    checkpoint: null,
    patch: null,
    failure: null,
    skip: null,
    hostId: "",
    slotHeldMs: 0,
    readyAt: null,
    startedAt: null,
    finishedAt: null,
  };
}

export function isTerminal(state: TaskRunState): boolean {
  return state === "SUCCEEDED" || state === "FAILED" || state === "CANCELLED" || state === "SKIPPED";
}

/** Slots that a task run holds, its fenced leases included. */
export function slotsHeld(task: TaskRun): number {
  let held = task.lease !== null && task.lease.slotSince !== null ? 1 : 0;
  for (const ending of task.ending) if (ending.holdsSlot) held++;
  return held;
}

/** Slot-held time of the current or last attempt, in milliseconds. */
export function heldSoFar(task: TaskRun, now: number): number {
  const since = task.lease?.slotSince ?? null;
  return since === null ? task.slotHeldMs : task.slotHeldMs + Math.max(0, now - since);
}
