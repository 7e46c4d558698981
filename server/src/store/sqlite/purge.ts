/** Purging in the file: finds finished runs along the log, takes them out of sight, and removes their rows bit by bit. */
import type Database from "better-sqlite3";
import type { FinishedPage, FinishedRun, PurgeWrites } from "../live/journal.js";
import { finishedAtOf } from "./run-row.js";
import { type PurgeStatements, preparePurgeStatements } from "./statements.js";

/** A row of more bytes has pages of its own, and counts for as many rows. */
const PAGE_BYTES = 4_096;

export class SqlitePurge {
  readonly #sql: PurgeStatements;
  #isUnswept: boolean;

  constructor(db: Database.Database) {
    this.#sql = preparePurgeStatements(db);
    this.#isUnswept = this.#sql.nextUnswept.get() !== undefined;
  }

  /** Whether rows of purged runs are left; call `committed` when that may have changed. */
  get isUnswept(): boolean {
    return this.#isUnswept;
  }

  /** Runs that were purged, and when the last one was. */
  get past(): { readonly runs: number; readonly at: number } {
    return this.#sql.purged.get() ?? { runs: 0, at: 0 };
  }

  countFinished(): number {
    return this.#sql.countFinished.get() ?? 0;
  }

  findRequest(namespace: string, requestId: string): string | null {
    return this.#sql.findPurgedRequest.get(namespace, requestId) ?? null;
  }

  finishedAfter(after: number, limit: number): FinishedPage {
    const rows = this.#sql.finishedAfter.all(after, limit);
    const runs: FinishedRun[] = [];
    for (const row of rows) {
      const { position, number, run_id: runId, namespace, request_id, bytes } = row;
      if (number === null) continue;
      const run = { number, runId, namespace, requestId: request_id ?? "", position, cost: cost(bytes) };
      runs.push({ ...run, finishedAt: finishedAtOf(row) ?? 0 });
    }
    return { runs, position: rows.at(-1)?.position ?? after, more: rows.length === limit };
  }

  /** Within the transaction of a commit. */
  write({ runs, sweep, position, runNumber, at }: PurgeWrites): void {
    const sql = this.#sql;
    for (const { number, runId, namespace, requestId } of runs) {
      sql.deleteRun.run(number);
      sql.putUnswept.run(number);
      if (requestId !== "") sql.putPurgedRequest.run(namespace, requestId, runId);
    }
    if (runs.length > 0) sql.notePurge.run(runs.length, position, runNumber, at);
    this.#sweep(sweep);
  }

  committed(): void {
    this.#isUnswept = this.#sql.nextUnswept.get() !== undefined;
  }

  #sweep(limit: number): void {
    const sql = this.#sql;
    let left = limit;
    while (left > 0) {
      const run = sql.nextUnswept.get();
      if (run === undefined) return;
      left -= sweepRows(run, left, sql.sizesOfEvents, sql.deleteEvents);
      if (left > 0) left -= sweepRows(run, left, sql.sizesOfTasks, sql.deleteTasks);
      if (left > 0) sql.deleteUnswept.run(run);
    }
  }
}

/** Deletes the first rows of a run, as many as `limit` allows, and one at least; returns what they count for. */
function sweepRows(
  run: number,
  limit: number,
  sizes: PurgeStatements["sizesOfEvents"],
  deleteUpTo: PurgeStatements["deleteEvents"],
): number {
  let count = 0;
  let last: number | null = null;
  for (const { key, bytes } of sizes.all(run, limit)) {
    if (count >= limit) break;
    count += cost(bytes);
    last = key;
  }
  if (last !== null) deleteUpTo.run(run, last);
  return count;
}

function cost(bytes: number): number {
  return 1 + Math.floor(bytes / PAGE_BYTES);
}
