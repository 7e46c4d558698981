import type { FailureVerdict } from "./failure-verdict.js";
import type { View } from "./merge.js";
import type { CancelReason, Graph, Run, TaskRun } from "./model.js";
import type { EventDraft } from "./task-machine.js";

/** What a decision may change of a run; the draft itself counts events. */
export type RunChanges = Partial<
  Pick<Run, "status" | "startedAt" | "finishedAt" | "reason" | "open" | "failed" | "deadlineAt" | "retriedBy">
>;

/**
 * A run under decision: what a store loaded under lock, with the changes so far. Decisions read and write it and touch
 * nothing else; the store makes the changes durable or drops them.
 */
export interface RunDraft {
  readonly graph: Graph;
  run(): Run;
  changeRun(changes: RunChanges): void;
  task(index: number): TaskRun;
  setTask(task: TaskRun): void;
  /** Appends to the run's log; the draft gives the event its number, and keeps it. */
  log(event: EventDraft): void;
  /** The context that a task leaves behind; remembered by the draft once it was computed. */
  output(index: number): View | undefined;
  /** Undefined forgets it: the task begins anew. */
  setOutput(index: number, view: View | undefined): void;
}

/** What hosts are told once a decision is durable. All of it can be derived again from state after a reconnect (P6). */
export type HostEffect =
  | { readonly type: "deferred"; readonly sessionId: string; readonly leaseId: string; readonly n: number }
  | {
      readonly type: "granted";
      readonly sessionId: string;
      readonly leaseId: string;
      readonly n: number;
      readonly outcome: "MET" | "MAX_WAIT";
      readonly waitedMs: number;
    }
  | {
      readonly type: "cancel";
      readonly sessionId: string;
      readonly leaseId: string;
      readonly reason: CancelReason;
      readonly detail: string;
      /** For TIMEOUT. */
      readonly failure?: FailureVerdict;
    }
  | { readonly type: "revoked"; readonly sessionId: string; readonly leaseId: string; readonly detail: string };

/** Limits that decisions apply (P5, P10). */
export interface DecisionLimits {
  readonly maxPatchBytes: number;
  readonly maxContextBytes: number;
  readonly maxFailureBytes: number;
  /** Losses after which a task run fails with HOST_LOST: while a slot was held, and while deferred. */
  readonly maxLossesHeld: number;
  readonly maxLossesDeferred: number;
}
