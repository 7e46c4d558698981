/**
 * What a host says about a lease, and what becomes of it (P3, P4, P8, P10). One result for each event; an event that
 * does not fit the books changes nothing.
 */
import { CloacaError } from "./errors.js";
import { type FailureVerdict, failureVerdict } from "./failure-verdict.js";
import { parseLeaseId } from "./lease-id.js";
import { combinePatches } from "./merge.js";
import type { Failure, Lease, Patch, Problem, TaskRun } from "./model.js";
import { checkPatch, patchBytes, patchDigest } from "./patch.js";
import type { FailureKind } from "./retry.js";
import type { DecisionLimits, HostEffect, RunDraft } from "./run-draft.js";
import { advance, endFencedLease, nextAttemptAt, plainFailure } from "./run-machine.js";

export type LeaseEvent =
  | { readonly type: "complete"; readonly leaseId: string; readonly patch: Patch | null }
  | { readonly type: "fail"; readonly leaseId: string; readonly failure: Failure; readonly kind: FailureKind }
  | {
      readonly type: "defer";
      readonly leaseId: string;
      readonly n: number;
      readonly pollIntervalMs: number;
      readonly maxWaitMs: number;
      readonly description: string;
      readonly patch: Patch | null;
    }
  | { readonly type: "reclaim"; readonly leaseId: string; readonly n: number }
  | { readonly type: "checkpoint"; readonly leaseId: string; readonly patch: Patch }
  | { readonly type: "stopped"; readonly leaseId: string }
  | { readonly type: "decline"; readonly leaseId: string; readonly patch: Patch | null; readonly reason: string };

export type ReceiptResult = "APPLIED" | "DUPLICATE" | "CONFLICT" | "STALE" | "REJECTED";

export interface ReceiptError {
  readonly code: string;
  readonly message: string;
  readonly problems: readonly Problem[];
}

export interface Receipt {
  readonly result: ReceiptResult;
  readonly error?: ReceiptError;
  /** For `fail`: whether the task run has failed for good, or else when it is executed again. */
  readonly failure?: FailureVerdict;
}

const APPLIED: Receipt = { result: "APPLIED" };
const DUPLICATE: Receipt = { result: "DUPLICATE" };

/** Decides one event of a session. `draft` is null when the lease's run is not known. */
export function leaseEvent(
  draft: RunDraft | null,
  sessionId: string,
  event: LeaseEvent,
  effects: HostEffect[],
  limits: DecisionLimits,
  now: number,
): Receipt {
  const address = parseLeaseId(event.leaseId);
  const known = address !== null && draft !== null && address.task < draft.graph.tasks.length;
  if (!known) return stale(sessionId, event.leaseId, "no such lease was given out", effects);
  const task = draft.task(address.task);
  if (task.lease?.id !== event.leaseId) return pastLease(draft, task, sessionId, event, effects, now);
  if (task.lease.sessionId !== sessionId) {
    return stale(sessionId, event.leaseId, "the lease belongs to another session", effects);
  }
  const refused =
    "patch" in event && event.patch !== null ? refusePatch(draft, task, event.patch, event, limits, now) : null;
  return refused ?? currentLease(draft, task, task.lease, event, effects, limits, now);
}

function currentLease(
  draft: RunDraft,
  task: TaskRun,
  lease: Lease,
  event: LeaseEvent,
  effects: HostEffect[],
  limits: DecisionLimits,
  now: number,
): Receipt {
  switch (event.type) {
    case "complete":
      if (task.state !== "LEASED") return deferralOpen(task, "complete");
      advance(
        draft,
        task.task,
        { type: "complete", patch: event.patch, digest: patchDigest(event.patch) },
        limits,
        now,
      );
      return APPLIED;
    case "fail": {
      const failure = cut(event.failure, limits.maxFailureBytes);
      const digest = failureDigest(event.failure);
      const retryAt = nextAttemptAt(draft, task, event.kind, now);
      const { outcome } = advance(draft, task.task, { type: "fail", failure, digest, retryAt }, limits, now);
      return { result: "APPLIED", failure: failureVerdict(outcome?.retry ?? null, now) };
    }
    case "checkpoint":
      advance(draft, task.task, { type: "checkpoint", patch: event.patch }, limits, now);
      return APPLIED;
    case "decline": {
      const { patch, reason } = event;
      advance(draft, task.task, { type: "decline", patch, reason, digest: patchDigest(patch) }, limits, now);
      return APPLIED;
    }
    case "stopped":
      return rejected(
        "REQUEST_INVALID",
        "the lease is current; Stopped ends only a fenced one. Say Complete, Fail or Decline.",
      );
    case "defer":
      return defer(draft, task, lease, event, effects, limits, now);
    case "reclaim":
      return reclaim(draft, task, lease, event.n, effects, limits, now);
  }
}

function defer(
  draft: RunDraft,
  task: TaskRun,
  lease: Lease,
  event: Extract<LeaseEvent, { type: "defer" }>,
  effects: HostEffect[],
  limits: DecisionLimits,
  now: number,
): Receipt {
  const last = lease.deferral?.n ?? 0;
  if (event.n >= 1 && event.n <= last) {
    if (event.n === last) repeatNews(task, lease, effects);
    return DUPLICATE;
  }
  if (event.n !== last + 1) return outOfOrder("DeferUntil", event.n, last + 1);
  if (task.state !== "LEASED") return deferralOpen(task, "defer again");
  const { n, pollIntervalMs, maxWaitMs, description, patch } = event;
  advance(draft, task.task, { type: "defer", n, pollIntervalMs, maxWaitMs, description, patch }, limits, now);
  effects.push({ type: "deferred", sessionId: lease.sessionId, leaseId: lease.id, n });
  return APPLIED;
}

function reclaim(
  draft: RunDraft,
  task: TaskRun,
  lease: Lease,
  n: number,
  effects: HostEffect[],
  limits: DecisionLimits,
  now: number,
): Receipt {
  const last = lease.deferral?.n ?? 0;
  if (n < 1 || n > last) return outOfOrder("Reclaim", n, last);
  if (n < last || task.state !== "DEFERRED") {
    // MAX_WAIT may have come first, or the grant was lost on the wire.
    if (n === last) repeatNews(task, lease, effects);
    return DUPLICATE;
  }
  advance(draft, task.task, { type: "reclaim", outcome: "MET" }, limits, now);
  return APPLIED;
}

/** Says again how far the last deferral is; a host ignores what it has heard. */
function repeatNews(task: TaskRun, lease: Lease, effects: HostEffect[]): void {
  const { deferral } = lease;
  if (deferral === null) return;
  const { sessionId, id: leaseId } = lease;
  if (task.state === "LEASED" && deferral.outcome !== null) {
    effects.push({ type: "granted", sessionId, leaseId, n: deferral.n, outcome: deferral.outcome, waitedMs: 0 });
  } else if (task.state === "DEFERRED") {
    effects.push({ type: "deferred", sessionId, leaseId, n: deferral.n });
  }
}

/** An event about a lease that is not the task run's current one. */
function pastLease(
  draft: RunDraft,
  task: TaskRun,
  sessionId: string,
  event: LeaseEvent,
  effects: HostEffect[],
  now: number,
): Receipt {
  const ending = task.ending.find((e) => e.id === event.leaseId);
  if (ending !== undefined && ending.sessionId === sessionId) {
    if (event.type === "stopped") {
      endFencedLease(draft, task.task, ending.id, "stopped", now);
      return APPLIED;
    }
    // P3: a late Complete or Fail changes nothing, but it proves that the code has stopped.
    if (event.type === "complete" || event.type === "fail" || event.type === "decline") {
      endFencedLease(draft, task.task, ending.id, `late ${event.type}`, now);
    }
    return stale(sessionId, event.leaseId, `the lease was fenced: ${ending.reason}`, effects);
  }
  const { outcome } = task;
  if (outcome?.leaseId !== event.leaseId || outcome.sessionId !== sessionId) {
    return stale(sessionId, event.leaseId, "the lease is not current", effects);
  }
  const digest = outcomeDigest(event);
  if (digest === null) return stale(sessionId, event.leaseId, `the lease ended with ${outcome.kind}`, effects);
  if (outcome.kind === event.type && outcome.digest === digest) {
    return event.type === "fail" ? { result: "DUPLICATE", failure: failureVerdict(outcome.retry, now) } : DUPLICATE;
  }
  if (outcome.digest === digest && task.failure?.code === "CONTEXT_TOO_LARGE") {
    // The patch that was too large, again: the first answer, again.
    const { code, message } = task.failure;
    return { result: "DUPLICATE", error: error(code, message), failure: { final: true } };
  }
  return {
    result: "CONFLICT",
    error: error("OUTCOME_CONFLICT", `the lease has ended with another ${outcome.kind}; the first one counts`),
  };
}

/** P10 and P11: an over-limit patch ends the task run for good; a malformed one changes nothing. */
function refusePatch(
  draft: RunDraft,
  task: TaskRun,
  patch: Patch,
  event: LeaseEvent,
  limits: DecisionLimits,
  now: number,
): Receipt | null {
  // What was committed before counts too: it goes out again, whole, in the lease of the next execution.
  const whole = task.checkpoint === null ? patch : combinePatches(task.checkpoint, patch);
  const bytes = patchBytes(whole);
  if (bytes > limits.maxPatchBytes) {
    const id = draft.graph.tasks[task.task]?.id ?? "";
    const what = task.checkpoint === null ? "" : " and its checkpoint";
    const message = `the patch of task "${id}"${what} has ${bytes} bytes, the limit is ${limits.maxPatchBytes}; the task has failed`;
    const failure = plainFailure("CONTEXT_TOO_LARGE", message);
    advance(draft, task.task, { type: "fail", failure, digest: patchDigest(patch), retryAt: null }, limits, now);
    return { result: "REJECTED", error: error("CONTEXT_TOO_LARGE", message), failure: { final: true } };
  }
  const problems = checkPatch(patch, event.type === "complete" ? "complete.patch" : `${event.type}.checkpoint`);
  if (problems.length === 0) return null;
  const { code, message } = CloacaError.fromProblems("CONTEXT_VALUE_INVALID", event.type, problems);
  return { result: "REJECTED", error: { code, message, problems } };
}

function outcomeDigest(event: LeaseEvent): string | null {
  if (event.type === "complete" || event.type === "decline") return patchDigest(event.patch);
  return event.type === "fail" ? failureDigest(event.failure) : null;
}

function failureDigest({ code, type, message }: Failure): string {
  return patchDigest({ set: { code, type, message }, removed: [] });
}

/** Cuts message and stack to the limit, the stack first. */
function cut(failure: Failure, maxBytes: number): Failure {
  if ((failure.message.length + failure.stack.length) * 3 <= maxBytes) return failure;
  const message = cutText(failure.message, maxBytes);
  return { ...failure, message, stack: cutText(failure.stack, maxBytes - Buffer.byteLength(message)) };
}

function cutText(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const bytes = Buffer.from(text).subarray(0, Math.max(0, maxBytes - 3));
  return `${bytes.toString("utf8").replace(/\uFFFD+$/u, "")}…`;
}

function stale(sessionId: string, leaseId: string, detail: string, effects: HostEffect[]): Receipt {
  effects.push({ type: "revoked", sessionId, leaseId, detail });
  return { result: "STALE", error: error("LEASE_STALE", detail) };
}

function deferralOpen(task: TaskRun, what: string): Receipt {
  const n = task.lease?.deferral?.n ?? 0;
  return rejected(
    "DEFERRAL_OPEN",
    `cannot ${what}: deferral ${n} is open (${task.state}). Reclaim and await the grant first.`,
  );
}

function outOfOrder(event: string, found: number, expected: number): Receipt {
  const right = expected === 0 ? "the lease has no deferral" : `expected ${expected}`;
  return rejected("DEFERRAL_OUT_OF_ORDER", `${event} names deferral ${found}; ${right}`);
}

function rejected(code: string, message: string): Receipt {
  return { result: "REJECTED", error: error(code, message) };
}

function error(code: string, message: string): ReceiptError {
  return { code, message, problems: [] };
}
