/** From protobuf to words of the SDK. */
import {
  DeferralOutcome,
  type FailureVerdict,
  type SchedulerEvent,
  CancelReason as WireCancelReason,
  LeaseState as WireLeaseState,
  type Patch as WirePatch,
  type Receipt as WireReceipt,
  ReceiptResult as WireReceiptResult,
  type Welcome as WireWelcome,
} from "@cloaca/protocol";
import { USUAL_MAX_MESSAGE_BYTES } from "./message-size.js";
import type {
  CancelReason,
  Fencing,
  LeaseState,
  NextAttempt,
  Patch,
  Receipt,
  ReceiptResult,
  SchedulerSays,
  Welcome,
} from "./words.js";

/** Null for an event from a newer scheduler: what a host does not know it ignores. */
export function decodeEvent({ event }: SchedulerEvent): SchedulerSays | null {
  switch (event.case) {
    case "lease": {
      const { fence, input, checkpoint, ...lease } = event.value;
      return { type: "lease", lease: { ...lease, fence: Number(fence), input, checkpoint: decodePatch(checkpoint) } };
    }
    case "deferred":
      return { type: "deferred", leaseId: event.value.leaseId, n: event.value.deferral };
    case "slotGranted": {
      const { leaseId, deferral, outcome } = event.value;
      return { type: "granted", leaseId, n: deferral, outcome: outcomeOf(outcome) ?? "MET" };
    }
    case "cancel": {
      const { leaseId, reason, detail, failure } = event.value;
      return { type: "cancel", leaseId, ...fencing(reason, detail, failure) };
    }
    case "revoked":
      return { type: "revoked", leaseId: event.value.leaseId, detail: event.value.detail };
    case "receipts": {
      const { upTo, exceptions } = event.value;
      return { type: "receipts", upTo: Number(upTo), exceptions: exceptions.map(decodeReceipt) };
    }
    case "heartbeatAck":
      return { type: "heartbeat_ack", nonce: Number(event.value.nonce) };
    case "registered":
      return { type: "registered", seq: Number(event.value.seq), workflows: event.value.workflows };
    case "welcome":
      return { type: "welcome", welcome: decodeWelcome(event.value) };
    case "drain": {
      const { graceMs, reason, reconnect, address, reconnectAfterMs } = event.value;
      return { type: "drain", graceMs, reason, reconnect, address, reconnectAfterMs };
    }
    case undefined:
      return null;
  }
}

function decodeWelcome(welcome: WireWelcome): Welcome {
  const { maxMessageBytes = 0, maxPatchBytes = 0, maxFailureBytes = 0 } = welcome.limits ?? {};
  const limits = { maxMessageBytes: maxMessageBytes || USUAL_MAX_MESSAGE_BYTES, maxPatchBytes, maxFailureBytes };
  return {
    sessionId: welcome.sessionId,
    resumeToken: welcome.resumeToken,
    generation: Number(welcome.generation),
    resumed: welcome.resumed,
    ttlMs: welcome.ttlMs,
    heartbeatIntervalMs: welcome.heartbeatIntervalMs,
    limits,
    workflows: welcome.workflows,
    verdicts: welcome.verdicts.map((verdict) => ({
      leaseId: verdict.leaseId,
      state: leaseState(verdict.state),
      deferral: verdict.deferral,
      outcome: outcomeOf(verdict.outcome),
      fencing: fencing(verdict.cancelReason, verdict.detail, verdict.failure),
    })),
  };
}

function decodeReceipt({ seq, result, error, failure }: WireReceipt): Receipt {
  return {
    seq: Number(seq),
    result: (WireReceiptResult[result] as ReceiptResult | undefined) ?? "UNSPECIFIED",
    code: error?.code ?? "",
    message: error?.message ?? "",
    isFinalFailure: failure?.final ?? false,
    ...retryOf(failure),
  };
}

function retryOf(failure: FailureVerdict | undefined): { readonly retry: NextAttempt } | null {
  if (failure === undefined || failure.final || failure.nextAttempt === 0) return null;
  return { retry: { delayMs: failure.retryInMs, nextAttempt: failure.nextAttempt } };
}

function fencing(reason: WireCancelReason, detail: string, failure: FailureVerdict | undefined): Fencing {
  const told = { reason: cancelReason(reason), detail };
  if (failure?.final) return { ...told, next: null };
  const next = retryOf(failure)?.retry;
  return next === undefined ? told : { ...told, next };
}

function decodePatch(patch: WirePatch | undefined): Patch {
  return patch === undefined ? { set: {}, removed: [] } : { set: patch.set, removed: patch.removed };
}

function outcomeOf(outcome: DeferralOutcome): "MET" | "MAX_WAIT" | null {
  if (outcome === DeferralOutcome.MET) return "MET";
  return outcome === DeferralOutcome.MAX_WAIT ? "MAX_WAIT" : null;
}

function cancelReason(reason: WireCancelReason): CancelReason {
  return (WireCancelReason[reason] as CancelReason | undefined) ?? "UNSPECIFIED";
}

/** A state that this SDK does not know is one in which the host has nothing to go on with. */
function leaseState(state: WireLeaseState): LeaseState {
  const name = WireLeaseState[state] as LeaseState | "UNSPECIFIED" | undefined;
  return name === undefined || name === "UNSPECIFIED" ? "REVOKED" : name;
}
