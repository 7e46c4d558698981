/** The journal of the memory store: history in plain arrays, gone with the process. */
import type { Run } from "../../core/model.js";
import type { Journal, Snapshot, StoredRun, WriteSet } from "../live/journal.js";
import type { LiveRun } from "../live/live-run.js";
import { parsePageToken } from "../page-token.js";
import type { EventChunk, EventPage, EventQuery, Page, RunQuery } from "../store.js";

export class MemoryJournal implements Journal {
  readonly #byId = new Map<string, LiveRun>();
  readonly #inOrder: LiveRun[] = [];
  readonly #byRequest = new Map<string, LiveRun>();
  readonly #chunks: EventChunk[] = [];
  /** Positions in `#chunks` of each run. */
  readonly #chunksOf = new Map<string, EventChunk[]>();

  load(): Snapshot {
    return { workflows: [], workflowSettings: [], sessions: [], runs: [], position: 0, runNumber: 0 };
  }

  commit(writes: WriteSet): void {
    for (const live of writes.runs) {
      const run = live.run();
      const known = this.#byId.get(run.id);
      if (known === live) continue;
      this.#byId.set(run.id, live);
      if (known === undefined) this.#inOrder.push(live);
      // It had ended, and was taken up again.
      else this.#inOrder[this.#inOrder.indexOf(known)] = live;
      if (run.requestId !== "") this.#byRequest.set(`${run.namespace}\n${run.requestId}`, live);
    }
    for (const chunk of writes.chunks) {
      this.#chunks.push(chunk);
      const known = this.#chunksOf.get(chunk.runId);
      if (known === undefined) this.#chunksOf.set(chunk.runId, [chunk]);
      else known.push(chunk);
    }
  }

  sync(): Promise<void> | null {
    return null;
  }

  findRun(runId: string): StoredRun | null {
    const live = this.#byId.get(runId);
    return live === undefined ? null : { number: live.number, run: live.run(), graph: live.graph, tasks: live.tasks() };
  }

  findRequest(namespace: string, requestId: string): Run | null {
    return this.#byRequest.get(`${namespace}\n${requestId}`)?.run() ?? null;
  }

  listRuns({ namespace, workflow, statuses, pageSize, pageToken }: RunQuery): Page<Run> {
    const before = pageToken === "" ? Number.MAX_SAFE_INTEGER : parsePageToken(pageToken);
    const items: Run[] = [];
    let last = 0;
    for (let at = this.#inOrder.length - 1; at >= 0; at--) {
      const live = this.#inOrder[at];
      if (live === undefined || live.number >= before) continue;
      const run = live.run();
      if (run.namespace !== namespace || (workflow !== "" && run.workflow !== workflow)) continue;
      if (statuses.length > 0 && !statuses.includes(run.status)) continue;
      if (items.length === pageSize) return { items, nextPageToken: String(last) };
      items.push(run);
      last = live.number;
    }
    return { items, nextPageToken: "" };
  }

  events({ namespace, runId, after, limit }: EventQuery): EventPage {
    const log = runId === null ? this.#chunks : (this.#chunksOf.get(runId) ?? []);
    const chunks: EventChunk[] = [];
    let position = after;
    for (let at = firstAfter(log, after); at < log.length; at++) {
      const chunk = log[at];
      if (chunk === undefined) break;
      if (chunks.length === limit) return { chunks, position, more: true };
      position = chunk.position;
      if (chunk.namespace === namespace) chunks.push(chunk);
    }
    return { chunks, position, more: false };
  }

  close(): void {}
}

function firstAfter(log: readonly EventChunk[], position: number): number {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((log[middle]?.position ?? 0) <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
