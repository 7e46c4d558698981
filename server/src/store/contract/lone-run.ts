/** A run in memory without a store around it, and what its task runs can say, for tests of rows. */
import { compileGraph } from "../../core/graph.js";
import type { TaskRun } from "../../core/model.js";
import { initialTaskRun } from "../../core/task-run.js";
import { AWKWARD } from "../../testing/awkward.js";
import { LiveRun } from "../live/live-run.js";
import { newRun } from "../live/run-start.js";
import { definition } from "./world.js";

const graph = compileGraph(definition("w", Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`t${i}`, []]))));
const observer = { dirty: () => {}, taskChanged: () => {}, runChanged: () => {} };

/** A run of twelve tasks to which nothing has happened. */
export function loneRun(runId: string): LiveRun {
  const item = { namespace: "default", workflow: "w", version: "", context: {}, priority: 0, labels: {} };
  const run = newRun(runId, { ...item, traceparent: "", requestId: "", timeoutMs: 0 }, graph, 1);
  return new LiveRun(1, graph, run, [], observer);
}

export const plainTask: TaskRun = { ...initialTaskRun("r1", 3, 0), state: "READY" };

export const failure = { code: "TASK_FAILED", type: "Error", message: AWKWARD, stack: AWKWARD };

/** Every field says something. */
export const fullTask: TaskRun = {
  ...plainTask,
  state: "DEFERRED",
  attempt: 2,
  attemptsBefore: 1,
  retryAt: 9,
  recovery: 1,
  lossesHeld: 1,
  losses: [
    { hostId: "h", sessionId: "s", leaseId: "r.0.1", attempt: 1, at: 5, slotHeld: true, reason: 'it said "bye"' },
  ],
  lossesDeferred: 2,
  fence: 7,
  lease: {
    id: "r1.3.7",
    sessionId: "s1",
    hostId: AWKWARD,
    slotSince: null,
    deferral: {
      n: 1,
      pollIntervalMs: 1_000,
      maxWaitMs: 0,
      description: AWKWARD,
      deferredAt: 5,
      reclaimedAt: null,
      outcome: null,
    },
  },
  ending: [
    { id: "r1.3.6", sessionId: "s2", hostId: "h", reason: "TIMEOUT", holdsSlot: true, retry: { at: 9, attempt: 2 } },
    { id: "r1.3.4", sessionId: "s2", hostId: "h", reason: "TIMEOUT", holdsSlot: true, retry: null },
    { id: "r1.3.2", sessionId: "s2", hostId: "h", reason: "RUN_CANCELLED", holdsSlot: false },
  ],
  outcome: { leaseId: "r1.3.5", sessionId: "s1", kind: "decline", digest: AWKWARD, retry: { at: 5, attempt: 3 } },
  declinedBy: ["s1", AWKWARD],
  failure,
  skip: "UPSTREAM_FAILED",
  hostId: AWKWARD,
  slotHeldMs: 4,
  readyAt: 1,
  startedAt: 2,
  finishedAt: 3,
};
