/**
 * One pure function that applies the table of `task-table.ts`.
 *
 * Everything that changes a task run goes through `step`. It changes no other task run: what follows for the run and for
 * dependents is `run-machine.ts`.
 */
import { leaseId } from "./lease-id.js";
import { combinePatches } from "./merge.js";
import type {
  CancelReason,
  Deferral,
  EndingLease,
  Failure,
  HostLoss,
  Lease,
  LeaseOutcome,
  Patch,
  PlannedRetry,
  RunEvent,
  TaskRun,
} from "./model.js";
import { heldSoFar, initialTaskRun } from "./task-run.js";
import { type TaskInput, type TaskInputType, TRANSITIONS, type Transition } from "./task-table.js";

/** An event of the log before it has its number. */
export type EventDraft = Omit<RunEvent, "seq">;

export interface Step {
  readonly next: TaskRun;
  readonly event: EventDraft;
}

/** Whether the table allows the input in the task run's state. */
export function allows(task: TaskRun, type: TaskInputType): boolean {
  return TRANSITIONS[task.state][type] !== undefined;
}

/** Applies an input; throws where the table does not allow it, so ask `allows` where that can happen. */
export function step(task: TaskRun, input: TaskInput, now: number): Step {
  const row = TRANSITIONS[task.state][input.type];
  if (row === undefined) {
    throw new Error(`task run ${task.runId}[${task.task}]: "${input.type}" is not allowed in ${task.state}`);
  }
  switch (input.type) {
    case "ready":
      return done(row, { ...task, state: "READY", readyAt: now }, now);
    case "skip":
      return done(row, { ...task, state: "SKIPPED", skip: input.cause, finishedAt: now }, now, { reason: input.cause });
    case "refuse":
      return done(row, { ...task, state: "FAILED", failure: input.failure, finishedAt: now }, now, {
        failure: input.failure,
      });
    case "lease":
      return lease(task, row, input, now);
    case "defer":
      return defer(task, row, input, now);
    case "reclaim": {
      const held = current(task);
      const deferral: Deferral = { ...openDeferral(held), reclaimedAt: now, outcome: input.outcome };
      const next = { ...task, state: "RECLAIMING" as const, lease: { ...held, deferral } };
      return done(row, next, now, { deferral: deferral.n, reason: input.outcome });
    }
    case "grant": {
      const held = current(task);
      const next = { ...task, state: "LEASED" as const, lease: { ...held, slotSince: now } };
      return done(row, next, now, { deferral: openDeferral(held).n, slots: input.slots });
    }
    case "checkpoint":
      return done(row, { ...task, checkpoint: combinePatches(task.checkpoint, input.patch) }, now);
    case "complete":
      return complete(task, row, input.patch, input.digest, now);
    case "fail":
      return fail(task, row, input.failure, failOutcome(task, input.digest, input.retryAt), input.retryAt, now);
    case "timeout":
      return fail(task, row, input.failure, null, input.retryAt, now);
    case "retry":
      return done(
        row,
        { ...task, state: "READY", attempt: task.attempt + 1, recovery: 0, slotHeldMs: 0, retryAt: null },
        now,
      );
    case "reset":
      return done(row, resetTask(task, input.remaining), now);
    case "decline":
      return decline(task, row, input, now);
    case "lose":
      return lose(task, row, input.reason, input.failure, now);
    case "cancel":
      return cancel(task, row, input.reason, input.detail, now);
  }
}

/** The host stopped the code of a fenced lease, or its session is gone: the slot is free. Null when there is none such. */
export function endLease(task: TaskRun, id: string, reason: string, now: number): Step | null {
  const ended = task.ending.find((e) => e.id === id);
  if (ended === undefined) return null;
  const next = { ...task, ending: task.ending.filter((e) => e !== ended) };
  return {
    next,
    event: {
      at: now,
      type: "LEASE_ENDED",
      task: task.task,
      leaseId: ended.id,
      sessionId: ended.sessionId,
      hostId: ended.hostId,
      slotDelta: ended.holdsSlot ? -1 : 0,
      reason,
    },
  };
}

/** Losses that a task run remembers: more than the limits allow before it fails. */
const KEPT_LOSSES = 50;

function lease(task: TaskRun, row: Transition, input: Extract<TaskInput, { type: "lease" }>, now: number): Step {
  const { sessionId, hostId, slots } = input;
  const fence = task.fence + 1;
  const granted: Lease = {
    id: leaseId(task.runId, task.task, fence),
    sessionId,
    hostId,
    deferral: null,
    slotSince: now,
  };
  const next: TaskRun = {
    ...task,
    state: "LEASED",
    fence,
    attempt: task.attempt === 0 ? 1 : task.attempt,
    lease: granted,
    hostId,
    startedAt: task.startedAt ?? now,
  };
  return done(row, next, now, { slots });
}

function defer(task: TaskRun, row: Transition, input: Extract<TaskInput, { type: "defer" }>, now: number): Step {
  const held = current(task);
  const deferral: Deferral = {
    n: input.n,
    pollIntervalMs: input.pollIntervalMs,
    maxWaitMs: input.maxWaitMs,
    description: input.description,
    deferredAt: now,
    reclaimedAt: null,
    outcome: null,
  };
  const next: TaskRun = {
    ...task,
    state: "DEFERRED",
    lease: { ...held, deferral, slotSince: null },
    slotHeldMs: heldSoFar(task, now),
    checkpoint: input.patch === null ? task.checkpoint : combinePatches(task.checkpoint, input.patch),
  };
  return done(row, next, now, { deferral: input.n, reason: input.description });
}

function complete(task: TaskRun, row: Transition, patch: Patch | null, digest: string, now: number): Step {
  const next: TaskRun = {
    ...task,
    state: "SUCCEEDED",
    lease: null,
    patch: patch === null ? task.checkpoint : combinePatches(task.checkpoint, patch),
    outcome: outcomeOf(task, "complete", digest),
    failure: null,
    slotHeldMs: heldSoFar(task, now),
    finishedAt: now,
  };
  return done(row, next, now, {}, task.lease);
}

function fail(
  task: TaskRun,
  row: Transition,
  failure: Failure,
  outcome: LeaseOutcome | null,
  retryAt: number | null,
  now: number,
): Step {
  const failed: TaskRun = {
    ...task,
    lease: null,
    ending: row.fences
      ? [...task.ending, { ...fenced(task, "TIMEOUT"), retry: plannedRetry(task, retryAt) }]
      : task.ending,
    failure,
    outcome: outcome ?? task.outcome,
    slotHeldMs: heldSoFar(task, now),
  };
  if (retryAt !== null) {
    const retrying: TaskRun = { ...failed, state: "RETRYING", retryAt };
    return done({ ...row, event: "TASK_RETRYING" }, retrying, now, { failure, retryAt }, task.lease);
  }
  // What it has committed stays, and a fallback sees it (engine.md, Merge).
  const next: TaskRun = { ...failed, state: "FAILED", patch: task.checkpoint, finishedAt: now };
  return done(row, next, now, { failure }, task.lease);
}

/**
 * Begins anew: a fresh retry budget, and a fence that goes on growing. A task that failed keeps what it has committed, as
 * each later execution of it does; for the tasks after it the world is another one.
 */
function resetTask(task: TaskRun, remaining: number): TaskRun {
  return {
    ...initialTaskRun(task.runId, task.task, remaining),
    attempt: task.attempt === 0 ? 0 : task.attempt + 1,
    attemptsBefore: task.attempt,
    fence: task.fence,
    ending: task.ending,
    outcome: task.outcome,
    hostId: task.hostId,
    checkpoint: task.state === "FAILED" ? task.checkpoint : null,
  };
}

function decline(task: TaskRun, row: Transition, input: Extract<TaskInput, { type: "decline" }>, now: number): Step {
  const { sessionId } = current(task);
  const next: TaskRun = {
    ...task,
    state: "READY",
    lease: null,
    checkpoint: input.patch === null ? task.checkpoint : combinePatches(task.checkpoint, input.patch),
    outcome: outcomeOf(task, "decline", input.digest),
    // P12: never to that session again.
    declinedBy: task.declinedBy.includes(sessionId) ? task.declinedBy : [...task.declinedBy, sessionId],
    // The next execution of the attempt starts its work, and so its timeout, anew.
    slotHeldMs: 0,
  };
  return done(row, next, now, { reason: input.reason }, task.lease);
}

function lose(task: TaskRun, row: Transition, reason: string, failure: Failure | null, now: number): Step {
  const lost: TaskRun = {
    ...withLoss(task, reason, now),
    lease: null,
  };
  if (failure === null) {
    const again: TaskRun = { ...lost, state: "READY", recovery: task.recovery + 1, slotHeldMs: 0 };
    return done(row, again, now, { reason }, task.lease);
  }
  const slotHeldMs = heldSoFar(task, now);
  const told: Failure = { ...failure, losses: lost.losses };
  const next: TaskRun = {
    ...lost,
    state: "FAILED",
    patch: task.checkpoint,
    failure: told,
    slotHeldMs,
    finishedAt: now,
  };
  return done({ ...row, event: "TASK_FAILED" }, next, now, { failure: told }, task.lease);
}

/** Counts a loss of its host, and remembers which one it was. */
export function withLoss(task: TaskRun, reason: string, now: number): TaskRun {
  const { id: leaseId, sessionId, hostId, slotSince } = current(task);
  const slotHeld = slotSince !== null;
  const loss: HostLoss = { hostId, sessionId, leaseId, attempt: task.attempt, at: now, slotHeld, reason };
  return {
    ...task,
    lossesHeld: task.lossesHeld + (slotHeld ? 1 : 0),
    lossesDeferred: task.lossesDeferred + (slotHeld ? 0 : 1),
    losses: [...task.losses, loss].slice(-KEPT_LOSSES),
  };
}

function cancel(task: TaskRun, row: Transition, reason: CancelReason, detail: string, now: number): Step {
  const next: TaskRun = {
    ...task,
    state: "CANCELLED",
    lease: null,
    ending: row.fences ? [...task.ending, fenced(task, reason)] : task.ending,
    // No attempt comes after the one that it waited for.
    retryAt: null,
    slotHeldMs: heldSoFar(task, now),
    finishedAt: now,
  };
  return done(row, next, now, { reason: detail }, task.lease);
}

/**
 * Completes a step with the event that the table names. Every event has every field, so that they all have one shape: the
 * fields are read for each of them when it is written and sent.
 */
function done(
  row: Transition,
  next: TaskRun,
  now: number,
  {
    slots,
    deferral,
    reason,
    failure,
    retryAt,
  }: Partial<Pick<EventDraft, "slots" | "deferral" | "reason" | "failure" | "retryAt">> = {},
  about: Lease | null = next.lease,
): Step {
  const event: RunEvent = {
    seq: 0,
    at: now,
    type: row.event,
    task: next.task,
    leaseId: about?.id,
    sessionId: about?.sessionId,
    hostId: about?.hostId,
    attempt: next.attempt === 0 ? undefined : next.attempt,
    recovery: next.recovery === 0 ? undefined : next.recovery,
    slotDelta: row.slot === 0 ? undefined : row.slot,
    slots,
    deferral,
    reason,
    failure,
    retryAt,
  };
  return { next, event };
}

function fenced(task: TaskRun, reason: CancelReason): EndingLease {
  const { id, sessionId, hostId, slotSince } = current(task);
  return { id, sessionId, hostId, reason, holdsSlot: slotSince !== null };
}

function outcomeOf(task: TaskRun, kind: LeaseOutcome["kind"], digest: string): LeaseOutcome {
  const { id, sessionId } = current(task);
  return { leaseId: id, sessionId, kind, digest, retry: null };
}

function failOutcome(task: TaskRun, digest: string, retryAt: number | null): LeaseOutcome {
  return { ...outcomeOf(task, "fail", digest), retry: plannedRetry(task, retryAt) };
}

/** The attempt that follows on the one that has failed. */
export function plannedRetry(task: TaskRun, retryAt: number | null): PlannedRetry | null {
  return retryAt === null ? null : { at: retryAt, attempt: task.attempt + 1 };
}

function current(task: TaskRun): Lease {
  if (task.lease === null) throw new Error(`task run ${task.runId}[${task.task}] has no lease in ${task.state}`);
  return task.lease;
}

function openDeferral(held: Lease): Deferral {
  if (held.deferral === null) throw new Error(`lease ${held.id} has no deferral`);
  return held.deferral;
}
