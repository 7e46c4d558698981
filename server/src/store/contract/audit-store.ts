/** Audits what a store has in its log, and holds it against what it says of its runs and sessions. */
import { auditLog } from "../../audit/audit-log.js";
import { auditGraphOf } from "../../core/audit/audit-graph.js";
import type { AuditChunk } from "../../core/audit/log-audit.js";
import type { RunBooks, TaskBooks } from "../../core/audit/run-account.js";
import type { EventChunk, RunView, Store } from "../store.js";

const ALL = 1_000_000;

/** What is wrong, a line each; empty when the books are right. */
export async function auditStore(
  store: Pick<Store, "events" | "listRuns" | "readRun" | "listSessions">,
  namespaces: readonly string[] = ["default", "other"],
): Promise<string[]> {
  const chunks: EventChunk[] = [];
  const runs = new Map<string, RunBooks>();
  const sessions = new Set<string>();
  for (const namespace of namespaces) {
    chunks.push(...(await store.events({ namespace, runId: null, after: 0, limit: ALL })).chunks);
    for (const { session } of store.listSessions(namespace)) sessions.add(session.id);
    const { items } = await store.listRuns({ namespace, workflow: "", statuses: [], pageSize: ALL, pageToken: "" });
    for (const { id } of items) {
      const view = await store.readRun(namespace, id);
      if (view !== null) runs.set(id, booksOf(view));
    }
  }
  chunks.sort((a, b) => a.position - b.position);
  const books = { run: (id: string) => runs.get(id) ?? null, sessions: () => sessions };
  return auditChunks(chunks, { ...books, runsWithoutLog: () => [], rowsWithoutRun: () => 0, purgedRuns: () => 0 });
}

export async function auditChunks(
  chunks: readonly EventChunk[],
  books: Parameters<typeof auditLog>[0]["books"] = null,
): Promise<string[]> {
  const seen = new Set<string>();
  const log = chunks.map(({ namespace, runId, graph, events, position }) => {
    const isFirst = !seen.has(runId);
    seen.add(runId);
    return { namespace, runId, graph: auditGraphOf(graph), events, isFirst, position };
  });
  const history = ({ runId, position = 0 }: AuditChunk & { position?: number }) => [
    log.filter((chunk) => chunk.runId === runId && chunk.position < position),
  ];
  const { breaches } = await auditLog({ pages: () => [log], history, books }, { keep: 100 });
  return breaches.map(
    ({ kind, runId, eventSeq, found, right }) => `${kind}: run ${runId}, event ${eventSeq}: ${found}; right: ${right}`,
  );
}

function booksOf({ run, tasks }: RunView): RunBooks {
  const books = new Map<number, TaskBooks>();
  for (const { task, state, attempt, recovery, fence, lease } of tasks) {
    books.set(task, { state, attempt, recovery, fence, leaseId: lease?.id ?? "" });
  }
  return { status: run.status, eventSeq: run.eventSeq, tasks: books };
}
