/** What the scheduler says to hosts: from words of the domain to protobuf. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  CancelReason,
  DeferralOutcome,
  LeaseState,
  ReceiptResult,
  type SchedulerEventSchema,
  type WorkResponseSchema,
} from "@cloaca/protocol";
import type { FailureVerdict } from "../core/failure-verdict.js";
import type { LeaseGrant } from "../core/grants.js";
import type { NumberedReceipt, SchedulerEvent, Welcome } from "../engine/events.js";
import type { EngineLimits } from "../engine/limits.js";
import { VERSION } from "../engine/scheduler-version.js";

/** What the encoder takes: messages need not be created only to be sent. */
export type WireWorkResponse = MessageInitShape<typeof WorkResponseSchema>;
export type WireSchedulerEvent = MessageInitShape<typeof SchedulerEventSchema>;

export function toWorkResponse(events: readonly SchedulerEvent[], limits: EngineLimits): WireWorkResponse {
  return { events: events.map((event) => toSchedulerEvent(event, limits)) };
}

export function toSchedulerEvent(event: SchedulerEvent, limits: EngineLimits): WireSchedulerEvent {
  return { event: toOneof(event, limits) };
}

type EventInit = NonNullable<WireSchedulerEvent["event"]>;

function toOneof(event: SchedulerEvent, limits: EngineLimits): EventInit {
  switch (event.type) {
    case "lease":
      return { case: "lease", value: toLease(event.lease) };
    case "receipts": {
      const exceptions = event.exceptions.map(toReceipt);
      return { case: "receipts", value: { upTo: BigInt(event.upTo), exceptions } };
    }
    case "deferred":
      return { case: "deferred", value: { leaseId: event.leaseId, deferral: event.n } };
    case "granted": {
      const { leaseId, n, outcome, waitedMs } = event;
      const value = {
        leaseId,
        deferral: n,
        outcome: DeferralOutcome[outcome],
        waitedMs: Math.min(Math.round(waitedMs), 0xffff_ffff),
      };
      return { case: "slotGranted", value };
    }
    case "cancel": {
      const { leaseId, reason, detail, failure } = event;
      return { case: "cancel", value: { leaseId, reason: CancelReason[reason], detail, ...follows(failure) } };
    }
    case "revoked":
      return { case: "revoked", value: { leaseId: event.leaseId, detail: event.detail } };
    case "heartbeat_ack":
      return { case: "heartbeatAck", value: { nonce: event.nonce } };
    case "registered":
      return { case: "registered", value: { seq: BigInt(event.seq), workflows: [...event.workflows] } };
    case "drain":
      return { case: "drain", value: event.drain };
    case "welcome":
      return { case: "welcome", value: toWelcome(event.welcome, limits) };
  }
}

function toLease(lease: LeaseGrant) {
  const { run } = lease;
  return {
    leaseId: lease.leaseId,
    runId: run.id,
    workflow: run.workflow,
    task: lease.taskId,
    attempt: lease.attempt,
    recovery: lease.recovery,
    fence: BigInt(lease.fence),
    input: lease.input,
    ...(lease.checkpoint === null
      ? null
      : { checkpoint: { set: lease.checkpoint.set, removed: [...lease.checkpoint.removed] } }),
    timeoutRemainingMs: Math.ceil(lease.timeoutRemainingMs),
    namespace: run.namespace,
    workflowVersion: run.version,
    taskRunId: `${run.id}/${lease.taskId}`,
    priority: run.priority,
    traceparent: run.traceparent,
    labels: run.labels,
  };
}

function toReceipt({ seq, result, error, failure }: NumberedReceipt) {
  return {
    seq: BigInt(seq),
    result: ReceiptResult[result],
    ...(error === undefined
      ? null
      : { error: { code: error.code, message: error.message, problems: [...error.problems] } }),
    ...follows(failure),
  };
}

function toWelcome(welcome: Welcome, limits: EngineLimits) {
  const { session } = welcome;
  return {
    protocolVersion: welcome.protocolVersion,
    sessionId: session.id,
    resumeToken: session.resumeToken,
    generation: BigInt(session.generation),
    resumed: welcome.resumed,
    ttlMs: session.spec.ttlMs,
    heartbeatIntervalMs: welcome.heartbeatIntervalMs,
    limits: {
      maxMessageBytes: limits.maxMessageBytes,
      maxPatchBytes: limits.maxPatchBytes,
      maxContextBytes: limits.maxContextBytes,
      maxFailureBytes: limits.maxFailureBytes,
      maxTasks: limits.maxTasks,
    },
    verdicts: welcome.verdicts.map(({ leaseId, state, deferral, outcome, cancelReason, detail, failure }) => ({
      leaseId,
      state: LeaseState[state],
      deferral,
      outcome: outcome === null ? DeferralOutcome.UNSPECIFIED : DeferralOutcome[outcome],
      cancelReason: cancelReason === null ? CancelReason.UNSPECIFIED : CancelReason[cancelReason],
      detail,
      ...follows(failure),
    })),
    workflows: [...welcome.workflows],
    schedulerVersion: VERSION,
  };
}

/** What follows from a failure, for its host (P4, P9). */
function follows(verdict: FailureVerdict | undefined) {
  return verdict === undefined ? null : { failure: verdict };
}
