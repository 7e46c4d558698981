/**
 * The log as rows: what a commit did to a run, first its events, then how the task runs stand that it changed (see
 * `task-changes.ts`).
 */
import { leaseFence, leaseId } from "../../core/lease-id.js";
import type { Failure, RunEvent, RunEventType } from "../../core/model.js";
import type { LiveRun } from "../live/live-run.js";
import type { Packer } from "./packer.js";
import type { Packed } from "./run-row.js";
import { type PutLarge, packTaskChanges, type TaskChange, unpackTaskChanges } from "./task-changes.js";
import { reading, Unpacker } from "./unpacker.js";

/** First byte of `data`. */
const FORMAT = 1;

/** Numbers of the types in rows: one that is given out stays. */
const NUMBERS: Readonly<Record<RunEventType, number>> = {
  RUN_STARTED: 1,
  RUN_SUCCEEDED: 2,
  RUN_FAILED: 3,
  RUN_CANCELLED: 4,
  RUN_PAUSED: 5,
  RUN_RESUMED: 6,
  RUN_RETRIED: 7,
  TASK_READY: 8,
  TASK_LEASED: 9,
  TASK_DEFERRED: 10,
  TASK_RECLAIMING: 11,
  TASK_RESUMED: 12,
  TASK_CHECKPOINTED: 13,
  TASK_SUCCEEDED: 14,
  TASK_FAILED: 15,
  TASK_CANCELLED: 16,
  TASK_SKIPPED: 17,
  TASK_DECLINED: 18,
  TASK_LOST: 19,
  TASK_RETRYING: 20,
  TASK_RESET: 21,
  LEASE_ENDED: 22,
};
const TYPES = new Map(Object.entries(NUMBERS).map(([type, number]) => [number, type as RunEventType]));

// What an event has, in two bytes.
const TASK = 1;
const HOST = 2;
const SESSION = 4;
const ATTEMPT = 8;
const RECOVERY = 16;
const SLOT_DELTA = 32;
const SLOTS = 64;
const DEFERRAL = 128;
/** A lease id as its task run and fence make it, and any other text. */
const FENCE = 256;
const LEASE = 512;
const REASON = 1_024;
const FAILURE = 2_048;
const RETRY_AT = 4_096;

/** A row of `events`. */
export interface LogRow {
  readonly data: Packed;
  /** JSON that a scheduler wrote before schema version 5: how task runs stand. */
  readonly tasks: string | null;
}

/** The row of what the turn did to a run; null when it did nothing. The bytes are overwritten by the next row. */
export function packLog(packer: Packer, live: LiveRun, putLarge: PutLarge): Buffer | null {
  const { id } = live.run();
  packer.begin(FORMAT);
  packEvents(packer, id, live.events);
  const changes = packTaskChanges(packer, live, live.events[0]?.at ?? 0, putLarge);
  if (live.events.length > 0) return packer.end();
  if (changes > 0) throw new Error(`run ${id} has changed without an event`);
  return null;
}

/** The run's id is empty when the run was purged and its log is not yet gone. Throws DamagedRow, as the next does. */
export function unpackEvents(runId: string, { data }: Pick<LogRow, "data">): RunEvent[] {
  return reading(logOf(runId), () => {
    if (typeof data === "string") return JSON.parse(data) as RunEvent[];
    return readEvents(new Unpacker(data, FORMAT), runId);
  });
}

/** The task runs that changed, as far as something is said of them. */
export function unpackChanges(runId: string, { data, tasks }: LogRow): TaskChange[] {
  return reading(logOf(runId), () => {
    if (typeof data === "string") return tasks === null ? [] : (JSON.parse(tasks) as TaskChange[]);
    const row = new Unpacker(data, FORMAT);
    // They come first, and names and times refer to them.
    const [first] = readEvents(row, runId);
    return unpackTaskChanges(row, runId, first?.at ?? 0);
  });
}

function logOf(runId: string): string {
  return runId === "" ? "the log of a run that was purged" : `the log of run ${runId}`;
}

/** Each event goes on from the one before it: numbers are dense, and most have the same time. */
function packEvents(packer: Packer, runId: string, events: readonly RunEvent[]): void {
  packer.number(events.length);
  const [first] = events;
  if (first === undefined) return;
  packer.number(first.seq);
  let { seq, at } = { seq: first.seq, at: 0 };
  for (const event of events) {
    if (event.seq !== seq++) throw new Error(`event ${event.seq} of run ${runId} stands where ${seq - 1} must`);
    packer.number(event.at - at);
    at = event.at;
    packEvent(packer, runId, event);
  }
}

function packEvent(packer: Packer, runId: string, event: RunEvent): void {
  const { task, hostId, sessionId, attempt, recovery, slotDelta, slots, deferral } = event;
  const { reason, failure, retryAt } = event;
  const fence = event.leaseId === undefined || task === undefined ? 0 : leaseFence(event.leaseId, runId, task);
  let flags = 0;
  if (task !== undefined) flags |= TASK;
  if (hostId !== undefined) flags |= HOST;
  if (sessionId !== undefined) flags |= SESSION;
  if (attempt !== undefined) flags |= ATTEMPT;
  if (recovery !== undefined) flags |= RECOVERY;
  if (slotDelta !== undefined) flags |= SLOT_DELTA;
  if (slots !== undefined) flags |= SLOTS;
  if (deferral !== undefined) flags |= DEFERRAL;
  if (fence > 0) flags |= FENCE;
  else if (event.leaseId !== undefined) flags |= LEASE;
  if (reason !== undefined) flags |= REASON;
  if (failure !== undefined) flags |= FAILURE;
  if (retryAt !== undefined) flags |= RETRY_AT;
  packer.byte(NUMBERS[event.type]);
  packer.byte(flags & 255);
  packer.byte(flags >> 8);
  if (task !== undefined) packer.number(task);
  if (hostId !== undefined) packer.name(hostId);
  if (sessionId !== undefined) packer.name(sessionId);
  if (attempt !== undefined) packer.number(attempt);
  if (recovery !== undefined) packer.number(recovery);
  if (slotDelta !== undefined) packer.number(slotDelta);
  if (slots !== undefined) packer.number(slots);
  if (deferral !== undefined) packer.number(deferral);
  if (fence > 0) packer.number(fence);
  else if (event.leaseId !== undefined) packer.text(event.leaseId);
  if (reason !== undefined) packer.text(reason);
  if (failure !== undefined) packer.json(failure);
  if (retryAt !== undefined) packer.number(retryAt);
}

function readEvents(row: Unpacker, runId: string): RunEvent[] {
  const count = row.number();
  const events: RunEvent[] = [];
  if (count === 0) return events;
  let seq = row.number();
  let at = 0;
  for (let i = 0; i < count; i++) {
    at += row.number();
    events.push(readEvent(row, runId, seq++, at));
  }
  return events;
}

function readEvent(row: Unpacker, runId: string, seq: number, at: number): RunEvent {
  const number = row.byte();
  const type = TYPES.get(number);
  if (type === undefined) throw new Error(`event ${seq} of run ${runId} is of type ${number}, which nobody knows`);
  const flags = row.byte() | (row.byte() << 8);
  const event: { -readonly [K in keyof RunEvent]: RunEvent[K] } = { seq, at, type };
  if (flags & TASK) event.task = row.number();
  if (flags & HOST) event.hostId = row.name();
  if (flags & SESSION) event.sessionId = row.name();
  if (flags & ATTEMPT) event.attempt = row.number();
  if (flags & RECOVERY) event.recovery = row.number();
  if (flags & SLOT_DELTA) event.slotDelta = row.number();
  if (flags & SLOTS) event.slots = row.number();
  if (flags & DEFERRAL) event.deferral = row.number();
  if (flags & FENCE) event.leaseId = leaseId(runId, event.task ?? 0, row.number());
  if (flags & LEASE) event.leaseId = row.text();
  if (flags & REASON) event.reason = row.text();
  if (flags & FAILURE) event.failure = row.json<Failure>();
  if (flags & RETRY_AT) event.retryAt = row.number();
  return event;
}
