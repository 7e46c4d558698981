/** Runs as rows. */
import type { Run } from "../../core/model.js";
import type { Packer } from "./packer.js";
import { reading, Unpacker } from "./unpacker.js";

/** Bytes, or the JSON that a scheduler wrote before schema version 5. */
export type Packed = Buffer | string;

/** First byte of `data`. */
const FORMAT = 1;
// What most runs have not.
const STARTED = 1;
const FINISHED = 2;
const TIMEOUT = 4;
const DEADLINE = 8;
const RETRIED = 16;
const REASON = 32;
const TRACED = 64;
const LABELLED = 128;

type RunData = Pick<Run, "priority" | "createdAt" | "open" | "failed" | "eventSeq"> & Partial<Run>;

export interface RunRow {
  readonly number: number;
  readonly run_id: string;
  readonly namespace: string;
  readonly workflow: string;
  readonly version: string;
  readonly status: Run["status"];
  readonly request_id: string | null;
  readonly data: Packed;
  readonly input: string;
}

/** What stands in no column of its own. The bytes are overwritten by the next row. */
export function packRun(packer: Packer, run: Run): Buffer {
  const { createdAt, startedAt, finishedAt, deadlineAt } = run;
  packer.begin(FORMAT);
  packer.byte(flagsOf(run));
  packer.number(createdAt);
  packer.number(run.priority);
  packer.number(run.open);
  packer.number(run.failed);
  packer.number(run.eventSeq);
  if (startedAt !== null) packer.number(startedAt - createdAt);
  if (finishedAt !== null) packer.number(finishedAt - createdAt);
  if (run.timeoutMs > 0) packer.number(run.timeoutMs);
  if (deadlineAt !== null) packer.number(deadlineAt);
  if (run.retriedBy !== "") packer.text(run.retriedBy);
  if (run.reason !== "") packer.text(run.reason);
  if (run.traceparent !== "") packer.text(run.traceparent);
  if (isLabelled(run)) packer.json(run.labels);
  return packer.end();
}

/** Throws DamagedRow. */
export function unpackRun(row: RunRow): Run {
  const data = unpackData(row.run_id, row.data);
  return {
    id: row.run_id,
    namespace: row.namespace,
    workflow: row.workflow,
    version: row.version,
    status: row.status,
    requestId: row.request_id ?? "",
    input: reading(`the input of run ${row.run_id}`, () => JSON.parse(row.input) as Run["input"]),
    priority: data.priority,
    createdAt: data.createdAt,
    labels: data.labels ?? {},
    traceparent: data.traceparent ?? "",
    startedAt: data.startedAt ?? null,
    finishedAt: data.finishedAt ?? null,
    reason: data.reason ?? "",
    timeoutMs: data.timeoutMs ?? 0,
    deadlineAt: data.deadlineAt ?? null,
    retriedBy: data.retriedBy ?? "",
    open: data.open,
    failed: data.failed,
    eventSeq: data.eventSeq,
  };
}

/** Null when it has not finished. Throws DamagedRow. */
export function finishedAtOf({ run_id, data }: Pick<RunRow, "run_id" | "data">): number | null {
  return unpackData(run_id, data).finishedAt ?? null;
}

function unpackData(runId: string, data: Packed): RunData {
  return reading(`run ${runId}`, () => (typeof data === "string" ? (JSON.parse(data) as RunData) : readData(data)));
}

function readData(bytes: Buffer): RunData {
  const row = new Unpacker(bytes, FORMAT);
  const flags = row.byte();
  const createdAt = row.number();
  const [priority, open, failed, eventSeq] = [row.number(), row.number(), row.number(), row.number()];
  return {
    createdAt,
    priority,
    open,
    failed,
    eventSeq,
    // In the order in which they were written.
    startedAt: flags & STARTED ? createdAt + row.number() : null,
    finishedAt: flags & FINISHED ? createdAt + row.number() : null,
    timeoutMs: flags & TIMEOUT ? row.number() : 0,
    deadlineAt: flags & DEADLINE ? row.number() : null,
    retriedBy: flags & RETRIED ? row.text() : "",
    reason: flags & REASON ? row.text() : "",
    traceparent: flags & TRACED ? row.text() : "",
    labels: flags & LABELLED ? row.json<Run["labels"]>() : {},
  };
}

function flagsOf(run: Run): number {
  let flags = 0;
  if (run.startedAt !== null) flags |= STARTED;
  if (run.finishedAt !== null) flags |= FINISHED;
  if (run.timeoutMs > 0) flags |= TIMEOUT;
  if (run.deadlineAt !== null) flags |= DEADLINE;
  if (run.retriedBy !== "") flags |= RETRIED;
  if (run.reason !== "") flags |= REASON;
  if (run.traceparent !== "") flags |= TRACED;
  if (isLabelled(run)) flags |= LABELLED;
  return flags;
}

function isLabelled({ labels }: Run): boolean {
  for (const _ in labels) return true;
  return false;
}
