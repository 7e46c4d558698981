/**
 * What happens to a run: the start, the end of a task and what follows for its dependents, cancellation, loss of a
 * session, timeouts. Pure: it works on a draft and returns what hosts are to be told. Events of hosts about their leases
 * are in `lease-events.ts`.
 */
import { type FailureVerdict, failureVerdict } from "./failure-verdict.js";
import { applyPatch, finalContext, foldViews, inputView, type View } from "./merge.js";
import type { CancelReason, Failure, RunStatus, SkipCause, TaskRun } from "./model.js";
import { type FailureKind, retryDelay, uniformOf } from "./retry.js";
import type { DecisionLimits, HostEffect, RunDraft } from "./run-draft.js";
import { allows, endLease, plannedRetry, step, withLoss } from "./task-machine.js";
import { isTerminal } from "./task-run.js";
import type { TaskInput } from "./task-table.js";
import { holds } from "./trigger-rule.js";

/** Logs the start, and makes the roots ready. A run whose input is too large for all of them ends with it. */
export function startRun(draft: RunDraft, limits: DecisionLimits, now: number): void {
  draft.log({ at: now, type: "RUN_STARTED" });
  const ready = draft.graph.roots.slice();
  settle(draft, ready, limits, now);
  finishWhenDone(draft, now);
}

/** Applies an input to a task run, with everything that follows for the run and for the task's dependents. */
export function advance(
  draft: RunDraft,
  index: number,
  input: TaskInput,
  limits: DecisionLimits,
  now: number,
): TaskRun {
  const before = draft.task(index);
  const { next, event } = step(before, input, now);
  draft.setTask(next);
  draft.log(event);
  if (isTerminal(next.state)) {
    countEnd(draft, next);
    settle(draft, dependentsAfterEnd(draft, next), limits, now);
    finishWhenDone(draft, now);
  } else if (next.state === "LEASED" && draft.run().status === "PENDING") {
    draft.changeRun({ status: "RUNNING", startedAt: now });
  }
  return next;
}

/** The context that a task starts with, without its own checkpoint. */
export function taskInput(draft: RunDraft, index: number): View {
  const { dependencies } = graphTask(draft, index);
  if (dependencies.length === 0) return inputView(draft.run().input);
  return foldViews(
    draft.graph,
    dependencies.map((task) => ({ task, view: taskOutput(draft, task) })),
  );
}

/** The context that a task leaves behind: its input with its patch. */
export function taskOutput(draft: RunDraft, index: number): View {
  const known = draft.output(index);
  if (known !== undefined) return known;
  // Dependencies first and without recursion: a chain may be 20,000 tasks long.
  const pending = [index];
  for (let top = pending.at(-1); top !== undefined; top = pending.at(-1)) {
    const missing = graphTask(draft, top).dependencies.filter((d) => draft.output(d) === undefined);
    if (missing.length > 0) {
      pending.push(...missing);
      continue;
    }
    pending.pop();
    if (draft.output(top) === undefined) {
      draft.setOutput(top, applyPatch(taskInput(draft, top), draft.task(top).patch, top));
    }
  }
  return draft.output(index) ?? inputView(draft.run().input);
}

/** The context of a run that has ended: the leaves' views, folded in declared order. */
export function runOutput(draft: RunDraft): View {
  return finalContext(
    draft.graph,
    draft.graph.leaves.map((task) => ({ task, view: taskOutput(draft, task) })),
  );
}

/** Cancels every task run that has not ended. P3: leases are fenced at once, their slots come back with `Stopped`. */
export function cancelRun(
  draft: RunDraft,
  detail: string,
  now: number,
  reason: "RUN_CANCELLED" | "RUN_TIMEOUT" = "RUN_CANCELLED",
): HostEffect[] {
  const run = draft.run();
  if (isRunOver(run.status)) return [];
  const effects: HostEffect[] = [];
  for (const { index } of draft.graph.tasks) {
    const task = draft.task(index);
    if (!allows(task, "cancel")) continue;
    const { next, event } = step(task, { type: "cancel", reason, detail }, now);
    draft.setTask(next);
    draft.log(event);
    pushCancel(effects, task, reason, detail);
  }
  draft.changeRun({ open: 0 });
  endRun(draft, "CANCELLED", detail, now);
  return effects;
}

/** The run is not over within its own time. */
export function timeOutRun(draft: RunDraft, now: number): HostEffect[] {
  const { timeoutMs } = draft.run();
  return cancelRun(draft, `the run was not over within its timeout of ${timeoutMs} ms`, now, "RUN_TIMEOUT");
}

/** P9: the attempt has held its slot for longer than its `timeout_ms`. */
export function timeOut(draft: RunDraft, index: number, limits: DecisionLimits, now: number): HostEffect[] {
  const task = draft.task(index);
  if (!allows(task, "timeout")) return [];
  const failure = plainFailure("TASK_TIMEOUT", cancelDetail(draft, index, "TIMEOUT"));
  const retryAt = nextAttemptAt(draft, task, TIMED_OUT, now);
  const effects: HostEffect[] = [];
  pushCancel(effects, task, "TIMEOUT", failure.message, failureVerdict(plannedRetry(task, retryAt), now));
  advance(draft, index, { type: "timeout", failure, retryAt }, limits, now);
  return effects;
}

/** What people are told about a fenced lease; a host that was away is told the same when it comes back (P6). */
export function cancelDetail(draft: RunDraft, index: number, reason: CancelReason): string {
  // Only a run that is over cancels leases otherwise, and it keeps why.
  if (reason !== "TIMEOUT") return draft.run().reason;
  const { id, timeoutMs } = graphTask(draft, index);
  return `task "${id}" held a slot for longer than its timeout of ${timeoutMs} ms`;
}

/** P9: a timeout is a failure that may pass by itself. */
const TIMED_OUT: FailureKind = { transient: true, final: false, nextDelayMs: null };

/** When the attempt that follows on a failure begins; null when none does. */
export function nextAttemptAt(draft: RunDraft, task: TaskRun, kind: FailureKind, now: number): number | null {
  const { retry } = graphTask(draft, task.task);
  if (retry.attempts === 0) return null;
  const delay = retryDelay(retry, task.attempt - task.attemptsBefore, kind, uniformOf(task.lease?.id ?? ""));
  return delay === null ? null : now + delay;
}

/** P5: the session is gone for good. Its attempts are leased again (a recovery), until losses have been too many. */
export function loseSession(
  draft: RunDraft,
  sessionId: string,
  reason: string,
  limits: DecisionLimits,
  now: number,
): void {
  for (const { index } of draft.graph.tasks) {
    const task = draft.task(index);
    if (task.lease?.sessionId === sessionId) loseLease(draft, index, reason, limits, now);
    endLeasesOf(draft, index, sessionId, reason, now);
  }
}

/** The code of a lease is gone, and nothing was heard of its result. */
export function loseLease(draft: RunDraft, index: number, reason: string, limits: DecisionLimits, now: number): void {
  const task = draft.task(index);
  if (!allows(task, "lose")) return;
  const held = task.lease !== null && task.lease.slotSince !== null;
  const after = withLoss(task, reason, now);
  const losses = held ? after.lossesHeld : after.lossesDeferred;
  const limit = held ? limits.maxLossesHeld : limits.maxLossesDeferred;
  const failure = losses < limit ? null : plainFailure("HOST_LOST", lossesText(after, losses, held));
  advance(draft, index, { type: "lose", reason, failure }, limits, now);
}

const NAMED_HOSTS = 5;

function lossesText({ losses }: TaskRun, count: number, held: boolean): string {
  const hosts = losses.filter(({ slotHeld }) => slotHeld === held).map(({ hostId }) => `"${hostId}"`);
  const named = hosts.slice(-NAMED_HOSTS).join(", ");
  const last = hosts.length > NAMED_HOSTS ? `, the last ${named}` : `: ${named}`;
  return `${count} hosts were lost ${held ? "while they executed it" : "while it was deferred"}${last}`;
}

/** Frees what fenced leases of a session still hold. */
export function endLeasesOf(draft: RunDraft, index: number, sessionId: string, reason: string, now: number): void {
  for (const ending of draft.task(index).ending) {
    if (ending.sessionId === sessionId) endFencedLease(draft, index, ending.id, reason, now);
  }
}

/** Frees what a fenced lease still holds; false when the task run has no such lease. */
export function endFencedLease(draft: RunDraft, index: number, leaseId: string, reason: string, now: number): boolean {
  const ended = endLease(draft.task(index), leaseId, reason, now);
  if (ended === null) return false;
  draft.setTask(ended.next);
  draft.log(ended.event);
  return true;
}

export function isRunOver(status: RunStatus): boolean {
  return status === "SUCCEEDED" || status === "FAILED" || status === "CANCELLED";
}

/** A failure that the scheduler itself states. */
export function plainFailure(code: string, message: string): Failure {
  return { code, type: "", message, stack: "" };
}

/** Tasks whose last open dependency was the one that ended. */
function dependentsAfterEnd(draft: RunDraft, ended: TaskRun): number[] {
  const settled: number[] = [];
  for (const dependent of graphTask(draft, ended.task).dependents) {
    const task = draft.task(dependent);
    const remaining = task.remaining - 1;
    draft.setTask({ ...task, remaining });
    if (remaining === 0 && task.state === "WAITING") settled.push(dependent);
  }
  return settled;
}

/** Decides for each task whose dependencies have all ended: ready, skipped, or refused for its size; and so on down. */
export function settle(draft: RunDraft, indexes: number[], limits: DecisionLimits, now: number): void {
  for (let at = 0; at < indexes.length; at++) {
    const index = indexes[at] ?? 0;
    const { next, event } = step(draft.task(index), verdict(draft, index, limits), now);
    draft.setTask(next);
    draft.log(event);
    if (isTerminal(next.state)) {
      countEnd(draft, next);
      indexes.push(...dependentsAfterEnd(draft, next));
    }
  }
}

function verdict(draft: RunDraft, index: number, limits: DecisionLimits): TaskInput {
  const { id, dependencies, rule } = graphTask(draft, index);
  const allSucceeded = dependencies.every((d) => draft.task(d).state === "SUCCEEDED");
  if (rule === null && !allSucceeded) return { type: "skip", cause: inheritedCause(draft, dependencies) };
  const view = taskInput(draft, index);
  if (rule !== null && !holds(rule, { stateOf: (task) => draft.task(task).state, allSucceeded, view })) {
    return { type: "skip", cause: "RULE" };
  }
  const { bytes } = view;
  if (bytes <= limits.maxContextBytes) return { type: "ready" };
  const message = `the input of task "${id}" has ${bytes} bytes, the limit is ${limits.maxContextBytes}`;
  return { type: "refuse", failure: plainFailure("CONTEXT_TOO_LARGE", message) };
}

/** Why a task without a rule is skipped: a dependency failed, or was skipped for that; else a rule did not hold. */
function inheritedCause(draft: RunDraft, dependencies: readonly number[]): SkipCause {
  const byFailure = dependencies.some((d) => {
    const { state, skip } = draft.task(d);
    return state === "FAILED" || skip === "UPSTREAM_FAILED";
  });
  return byFailure ? "UPSTREAM_FAILED" : "RULE";
}

function countEnd(draft: RunDraft, ended: TaskRun): void {
  const run = draft.run();
  draft.changeRun({ open: run.open - 1, failed: run.failed + (ended.state === "FAILED" ? 1 : 0) });
}

export function finishWhenDone(draft: RunDraft, now: number): void {
  const run = draft.run();
  if (run.open > 0 || isRunOver(run.status)) return;
  const failure = run.failed === 0 ? null : unhandledFailure(draft);
  if (failure === null) endRun(draft, "SUCCEEDED", "", now);
  else endRun(draft, "FAILED", failure, now);
}

/** The first failure that no succeeded task's rule names; null when all are handled. */
function unhandledFailure(draft: RunDraft): string | null {
  for (const { index, id, handlers } of draft.graph.tasks) {
    const task = draft.task(index);
    if (task.state !== "FAILED") continue;
    if (handlers.some((handler) => draft.task(handler).state === "SUCCEEDED")) continue;
    return `task "${id}" failed: ${task.failure?.message ?? ""}`;
  }
  return null;
}

function endRun(draft: RunDraft, status: "SUCCEEDED" | "FAILED" | "CANCELLED", reason: string, now: number): void {
  draft.changeRun({ status, reason, finishedAt: now, deadlineAt: null });
  draft.log({ at: now, type: ENDS[status], reason: reason === "" ? undefined : reason });
}

/** Not made of the status: a text that is made anew is slow to look up, and this is looked up in every row. */
const ENDS = { SUCCEEDED: "RUN_SUCCEEDED", FAILED: "RUN_FAILED", CANCELLED: "RUN_CANCELLED" } as const;

function pushCancel(
  effects: HostEffect[],
  task: TaskRun,
  reason: CancelReason,
  detail: string,
  failure?: FailureVerdict,
): void {
  const { lease } = task;
  if (lease === null) return;
  const cancel = { type: "cancel", sessionId: lease.sessionId, leaseId: lease.id, reason, detail } as const;
  effects.push(failure === undefined ? cancel : { ...cancel, failure });
}

function graphTask(draft: RunDraft, index: number) {
  const task = draft.graph.tasks[index];
  if (task === undefined) throw new Error(`workflow ${draft.graph.definition.name} has no task ${index}`);
  return task;
}
