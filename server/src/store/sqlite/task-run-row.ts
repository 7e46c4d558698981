/** How a task run stands, without what is the default and without what is seldom said: see `task-changes.ts`. */
import { leaseFence, leaseId } from "../../core/lease-id.js";
import type { Deferral, EndingLease, Lease, LeaseOutcome, SkipCause, TaskRun, TaskRunState } from "../../core/model.js";
import type { Packer } from "./packer.js";
import type { Unpacker } from "./unpacker.js";

export type TaskRunData = Partial<Omit<TaskRun, "runId" | "task" | "checkpoint" | "patch">>;

// Numbers in rows: one that is given out stays.
const STATES: Readonly<Record<TaskRunState, number>> = {
  WAITING: 1,
  READY: 2,
  LEASED: 3,
  DEFERRED: 4,
  RECLAIMING: 5,
  RETRYING: 6,
  SUCCEEDED: 7,
  FAILED: 8,
  CANCELLED: 9,
  SKIPPED: 10,
};
const KINDS: Readonly<Record<LeaseOutcome["kind"], number>> = { complete: 1, fail: 2, decline: 3 };
const SKIPS: Readonly<Record<SkipCause, number>> = { UPSTREAM_FAILED: 1, RULE: 2 };

// What a task run has, in two bytes.
const LEASE = 1;
const OUTCOME = 2;
const ATTEMPTS_BEFORE = 4;
const RETRY_AT = 8;
const RECOVERY = 16;
const LOST = 32;
const ENDING = 64;
const SKIP = 128;
const SLOT_HELD = 256;
const READY_AT = 512;
const STARTED_AT = 1_024;
const FINISHED_AT = 2_048;
const SLOT_SINCE = 4_096;
const DEFERRAL = 8_192;
const RETRY = 16_384;

/** Whether it must be written how a task run stands: what `restore.ts` makes of the others need not be. */
export function needsSaying(task: TaskRun): boolean {
  return (task.state !== "WAITING" && task.state !== "READY") || task.fence > 0;
}

/** Times are told from `base`. */
export function packTaskRun(packer: Packer, runId: string, task: TaskRun, base: number): void {
  const { lease, outcome, retryAt, readyAt, startedAt, finishedAt, skip } = task;
  const flags = flagsOf(task);
  packer.byte(STATES[task.state]);
  packer.byte(flags & 255);
  packer.byte(flags >> 8);
  packer.number(task.attempt);
  packer.number(task.fence);
  packer.name(task.hostId);
  if (lease !== null) packLease(packer, runId, task.task, lease, base);
  if (outcome !== null) packOutcome(packer, runId, task.task, outcome);
  if (flags & ATTEMPTS_BEFORE) packer.number(task.attemptsBefore);
  if (retryAt !== null) packer.number(retryAt);
  if (flags & RECOVERY) packer.number(task.recovery);
  if (flags & LOST) {
    packer.number(task.lossesHeld);
    packer.number(task.lossesDeferred);
  }
  if (flags & ENDING) packer.json(task.ending);
  if (skip !== null) packer.byte(SKIPS[skip]);
  if (flags & SLOT_HELD) packer.number(task.slotHeldMs);
  if (readyAt !== null) packer.number(readyAt - base);
  if (startedAt !== null) packer.number(startedAt - base);
  if (finishedAt !== null) packer.number(finishedAt - base);
}

export function unpackTaskRun(row: Unpacker, runId: string, task: number, base: number): TaskRunData {
  const state = named(STATES, row.byte());
  const flags = row.byte() | (row.byte() << 8);
  // In the order in which they were written.
  const data: { -readonly [K in keyof TaskRunData]: TaskRunData[K] } = {
    state,
    attempt: row.number(),
    fence: row.number(),
    hostId: row.name(),
  };
  if (flags & LEASE) data.lease = unpackLease(row, runId, task, flags, base);
  if (flags & OUTCOME) data.outcome = unpackOutcome(row, runId, task, flags);
  if (flags & ATTEMPTS_BEFORE) data.attemptsBefore = row.number();
  if (flags & RETRY_AT) data.retryAt = row.number();
  if (flags & RECOVERY) data.recovery = row.number();
  if (flags & LOST) {
    data.lossesHeld = row.number();
    data.lossesDeferred = row.number();
  }
  if (flags & ENDING) data.ending = row.json<EndingLease[]>();
  if (flags & SKIP) data.skip = named(SKIPS, row.byte());
  if (flags & SLOT_HELD) data.slotHeldMs = row.number();
  if (flags & READY_AT) data.readyAt = base + row.number();
  if (flags & STARTED_AT) data.startedAt = base + row.number();
  if (flags & FINISHED_AT) data.finishedAt = base + row.number();
  return data;
}

function flagsOf(task: TaskRun): number {
  const { lease, outcome } = task;
  let flags = 0;
  if (lease !== null) flags |= LEASE;
  if (lease !== null && lease.slotSince !== null) flags |= SLOT_SINCE;
  if (lease !== null && lease.deferral !== null) flags |= DEFERRAL;
  if (outcome !== null) flags |= OUTCOME;
  if (outcome !== null && outcome.retry !== null) flags |= RETRY;
  if (task.attemptsBefore > 0) flags |= ATTEMPTS_BEFORE;
  if (task.retryAt !== null) flags |= RETRY_AT;
  if (task.recovery > 0) flags |= RECOVERY;
  if (task.lossesHeld + task.lossesDeferred > 0) flags |= LOST;
  if (task.ending.length > 0) flags |= ENDING;
  if (task.skip !== null) flags |= SKIP;
  if (task.slotHeldMs > 0) flags |= SLOT_HELD;
  if (task.readyAt !== null) flags |= READY_AT;
  if (task.startedAt !== null) flags |= STARTED_AT;
  if (task.finishedAt !== null) flags |= FINISHED_AT;
  return flags;
}

function packLease(packer: Packer, runId: string, task: number, lease: Lease, base: number): void {
  packLeaseId(packer, runId, task, lease.id);
  packer.name(lease.sessionId);
  packer.name(lease.hostId);
  if (lease.deferral !== null) packer.json(lease.deferral);
  if (lease.slotSince !== null) packer.number(lease.slotSince - base);
}

function unpackLease(row: Unpacker, runId: string, task: number, flags: number, base: number): Lease {
  return {
    id: unpackLeaseId(row, runId, task),
    sessionId: row.name(),
    hostId: row.name(),
    deferral: flags & DEFERRAL ? row.json<Deferral>() : null,
    slotSince: flags & SLOT_SINCE ? base + row.number() : null,
  };
}

function packOutcome(packer: Packer, runId: string, task: number, outcome: LeaseOutcome): void {
  packLeaseId(packer, runId, task, outcome.leaseId);
  packer.name(outcome.sessionId);
  packer.byte(KINDS[outcome.kind]);
  packer.text(outcome.digest);
  if (outcome.retry === null) return;
  packer.number(outcome.retry.at);
  packer.number(outcome.retry.attempt);
}

function unpackOutcome(row: Unpacker, runId: string, task: number, flags: number): LeaseOutcome {
  return {
    leaseId: unpackLeaseId(row, runId, task),
    sessionId: row.name(),
    kind: named(KINDS, row.byte()),
    digest: row.text(),
    retry: flags & RETRY ? { at: row.number(), attempt: row.number() } : null,
  };
}

/** Nearly all are as the task run and a fence make them. */
function packLeaseId(packer: Packer, runId: string, task: number, id: string): void {
  const fence = leaseFence(id, runId, task);
  packer.number(fence);
  if (fence === 0) packer.text(id);
}

function unpackLeaseId(row: Unpacker, runId: string, task: number): string {
  const fence = row.number();
  return fence === 0 ? row.text() : leaseId(runId, task, fence);
}

function named<T extends string>(numbers: Readonly<Record<T, number>>, number: number): T {
  for (const name in numbers) if (numbers[name] === number) return name;
  throw new Error(`a row has the number ${number}, which is none of ${Object.values(numbers).join(", ")}`);
}
