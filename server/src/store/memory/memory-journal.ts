/** The journal of the memory store: history in plain data structures, gone with the process. */
import type { Run } from "../../core/model.js";
import { isRunOver } from "../../core/run-machine.js";
import type {
  FinishedPage,
  FinishedRun,
  Journal,
  ListedRun,
  PurgeWrites,
  RunFilter,
  Snapshot,
  StoredRun,
  WriteSet,
} from "../live/journal.js";
import type { LiveRun } from "../live/live-run.js";
import type { EventChunk, EventPage, EventQuery } from "../store.js";
import { OrderedLog } from "./ordered-log.js";

export class MemoryJournal implements Journal {
  readonly #byId = new Map<string, LiveRun>();
  readonly #byNumber = new OrderedLog<LiveRun>();
  readonly #byRequest = new Map<string, LiveRun>();
  readonly #log = new OrderedLog<EventChunk>();
  readonly #logOf = new Map<string, EventChunk[]>();
  /** Ids of purged runs by their requests. */
  readonly #purgedRequests = new Map<string, string>();
  /** Chunks of purged runs that are still in the log, by run; the last one goes first. */
  readonly #unswept = new Map<string, EventChunk[]>();

  load(): Snapshot {
    const empty = { workflows: [], workflowSettings: [], sessions: [], runs: [] };
    return { ...empty, position: 0, runNumber: 0, finishedRuns: 0, purgedRuns: 0 };
  }

  commit(writes: WriteSet): void {
    for (const live of writes.runs) {
      const run = live.run();
      // One that had ended, and was taken up again, is another object.
      if (this.#byId.get(run.id) === live) continue;
      this.#byId.set(run.id, live);
      this.#byNumber.set(live.number, live);
      if (run.requestId !== "") this.#byRequest.set(requestKey(run.namespace, run.requestId), live);
    }
    for (const chunk of writes.chunks) {
      this.#log.set(chunk.position, chunk);
      const known = this.#logOf.get(chunk.runId);
      if (known === undefined) this.#logOf.set(chunk.runId, [chunk]);
      else known.push(chunk);
    }
    if (writes.purge !== null) this.#purge(writes.purge);
  }

  sync(): Promise<void> | null {
    return null;
  }

  findRun(runId: string): StoredRun | null {
    const live = this.#byId.get(runId);
    return live === undefined ? null : { number: live.number, run: live.run(), graph: live.graph, tasks: live.tasks() };
  }

  findRequest(namespace: string, requestId: string): Run | null {
    return this.#byRequest.get(requestKey(namespace, requestId))?.run() ?? null;
  }

  findPurgedRequest(namespace: string, requestId: string): string | null {
    return this.#purgedRequests.get(requestKey(namespace, requestId)) ?? null;
  }

  listRuns({ namespace, workflow, statuses, before, limit }: RunFilter): ListedRun[] {
    const listed: ListedRun[] = [];
    for (const live of this.#byNumber.before(before)) {
      const run = live.run();
      if (run.namespace !== namespace || (workflow !== "" && run.workflow !== workflow)) continue;
      if (statuses.length > 0 && !statuses.includes(run.status)) continue;
      listed.push({ number: live.number, run });
      if (listed.length === limit) break;
    }
    return listed;
  }

  events({ namespace, runId, after, limit }: EventQuery): EventPage {
    const log = runId === null ? this.#log.after(after) : chunksAfter(this.#logOf.get(runId) ?? [], after);
    const chunks: EventChunk[] = [];
    let position = after;
    for (const chunk of log) {
      if (this.#unswept.has(chunk.runId)) continue;
      if (chunks.length === limit) return { chunks, position, more: true };
      position = chunk.position;
      if (chunk.namespace === namespace) chunks.push(chunk);
    }
    return { chunks, position, more: false };
  }

  finishedAfter(after: number, limit: number): FinishedPage {
    const runs: FinishedRun[] = [];
    let position = after;
    let left = limit;
    for (const chunk of this.#log.after(after)) {
      if (left-- === 0) return { runs, position, more: true };
      position = chunk.position;
      const live = this.#byId.get(chunk.runId);
      if (live === undefined || live.endings > 0 || this.#logOf.get(chunk.runId)?.at(-1) !== chunk) continue;
      const { id: runId, status, namespace, requestId, finishedAt } = live.run();
      if (!isRunOver(status) || finishedAt === null) continue;
      runs.push({ number: live.number, runId, namespace, requestId, finishedAt, position, cost: 1 });
    }
    return { runs, position, more: false };
  }

  get isUnswept(): boolean {
    return this.#unswept.size > 0;
  }

  close(): void {}

  #purge({ runs, sweep }: PurgeWrites): void {
    for (const { runId, number, namespace, requestId } of runs) {
      this.#byId.delete(runId);
      this.#byNumber.delete(number);
      if (requestId !== "") {
        this.#byRequest.delete(requestKey(namespace, requestId));
        this.#purgedRequests.set(requestKey(namespace, requestId), runId);
      }
      this.#unswept.set(runId, this.#logOf.get(runId) ?? []);
      this.#logOf.delete(runId);
    }
    let left = sweep;
    for (const [runId, chunks] of this.#unswept) {
      for (; left > 0 && chunks.length > 0; left--) this.#log.delete(chunks.pop()?.position ?? 0);
      if (chunks.length > 0) return;
      this.#unswept.delete(runId);
    }
  }
}

function* chunksAfter(log: readonly EventChunk[], position: number): Generator<EventChunk> {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((log[middle]?.position ?? 0) <= position) low = middle + 1;
    else high = middle;
  }
  for (let at = low; at < log.length; at++) {
    const chunk = log[at];
    if (chunk !== undefined) yield chunk;
  }
}

function requestKey(namespace: string, requestId: string): string {
  return `${namespace}\n${requestId}`;
}
