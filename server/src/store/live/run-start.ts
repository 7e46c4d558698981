/** What a start makes, and what the same request makes of it again. */
import { CloacaError } from "../../core/errors.js";
import type { Graph, Run } from "../../core/model.js";
import { quote } from "../../core/quote.js";
import type { StartedRun, StartRun } from "../store.js";

/** A run to which nothing has happened. */
export function newRun(id: string, item: StartRun, graph: Graph, now: number): Run {
  return {
    id,
    namespace: item.namespace,
    workflow: item.workflow,
    version: graph.version,
    status: "PENDING",
    priority: item.priority,
    labels: item.labels,
    traceparent: item.traceparent,
    requestId: item.requestId,
    input: item.context,
    createdAt: now,
    startedAt: null,
    finishedAt: null,
    timeoutMs: item.timeoutMs,
    deadlineAt: item.timeoutMs === 0 ? null : now + item.timeoutMs,
    retriedBy: "",
    reason: "",
    open: graph.tasks.length,
    failed: 0,
    eventSeq: 0,
  };
}

export function requestKey({ namespace, requestId }: StartRun): string {
  return `${namespace}\n${requestId}`;
}

/** The same request again returns the same run; the same id with other content is a conflict. */
export function sameStart(known: Run, item: StartRun): StartedRun | CloacaError {
  const same =
    known.workflow === item.workflow &&
    (item.version === "" || item.version === known.version) &&
    known.priority === item.priority &&
    known.timeoutMs === item.timeoutMs &&
    sameText(known.input, item.context) &&
    sameText(known.labels, item.labels);
  if (same) return { runId: known.id, version: known.version, existing: true };
  return new CloacaError(
    "REQUEST_ID_CONFLICT",
    `request_id ${quote(item.requestId)} started run ${known.id} with another content; use a new request_id for another run`,
  );
}

/** The run that the request started is purged: the request is not forgotten with it. */
export function purgedStart(runId: string, { requestId }: StartRun): CloacaError {
  return new CloacaError(
    "REQUEST_ID_CONFLICT",
    `request_id ${quote(requestId)} started run ${runId}, which has finished and is purged; use a new request_id for another run`,
  );
}

function sameText(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
