/** Leases and resumed deferrals as they go out: the two ways in which a session gets a slot (P2). */
import { viewToText } from "./merge.js";
import type { ContextText, Patch, Run, TaskRun } from "./model.js";
import type { DecisionLimits, HostEffect, RunDraft } from "./run-draft.js";
import { advance, taskInput } from "./run-machine.js";
import { heldSoFar } from "./task-run.js";

/** A lease as it goes to its host. */
export interface LeaseGrant {
  readonly sessionId: string;
  readonly leaseId: string;
  readonly run: Run;
  readonly taskId: string;
  readonly attempt: number;
  readonly recovery: number;
  readonly fence: number;
  readonly input: ContextText;
  readonly checkpoint: Patch | null;
  /** Slot-held time that is left, in milliseconds; 0 means no timeout. */
  readonly timeoutRemainingMs: number;
}

/** Leases a ready task run to a session. */
export function leaseTask(
  draft: RunDraft,
  index: number,
  session: { readonly id: string; readonly hostId: string; readonly slots?: number },
  limits: DecisionLimits,
  now: number,
): LeaseGrant {
  const input = { type: "lease" as const, sessionId: session.id, hostId: session.hostId, slots: session.slots };
  return leaseGrant(draft, advance(draft, index, input, limits, now), now);
}

/** A lease that was given before, as it goes out again after a reconnect (P6). */
export function leaseGrant(draft: RunDraft, task: TaskRun, now: number): LeaseGrant {
  const { lease } = task;
  if (lease === null) throw new Error(`task run ${task.runId}[${task.task}] has no lease`);
  const graphTask = draft.graph.tasks[task.task];
  const timeoutMs = graphTask?.timeoutMs ?? 0;
  const held = heldSoFar(task, now);
  return {
    sessionId: lease.sessionId,
    leaseId: lease.id,
    run: draft.run(),
    taskId: graphTask?.id ?? "",
    attempt: task.attempt,
    recovery: task.recovery,
    fence: task.fence,
    input: viewToText(taskInput(draft, task.task)),
    checkpoint: task.checkpoint,
    timeoutRemainingMs: timeoutMs === 0 ? 0 : Math.max(1, timeoutMs - held),
  };
}

/** Gives a reclaiming lease its slot, of so many that its session offers. */
export function resumeTask(
  draft: RunDraft,
  index: number,
  limits: DecisionLimits,
  now: number,
  slots?: number,
): HostEffect {
  const { lease } = advance(draft, index, { type: "grant", slots }, limits, now);
  const deferral = lease?.deferral ?? null;
  if (lease === null || deferral === null) throw new Error(`task ${index} has no deferral to resume`);
  return {
    type: "granted",
    sessionId: lease.sessionId,
    leaseId: lease.id,
    n: deferral.n,
    outcome: deferral.outcome ?? "MET",
    waitedMs: Math.max(0, now - (deferral.reclaimedAt ?? now)),
  };
}
