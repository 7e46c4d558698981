import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { CancelReason, DeferralOutcome, LeaseState, ReceiptResult, SchedulerEventSchema } from "@cloaca/protocol";
import { describe, expect, it } from "vitest";
import { decodeEvent } from "./decode.js";

const decoded = (event: NonNullable<MessageInitShape<typeof SchedulerEventSchema>["event"]>) =>
  decodeEvent(create(SchedulerEventSchema, { event }));

describe("decodeEvent", () => {
  it("reads a lease, its input as text and its checkpoint apart", () => {
    const value = {
      leaseId: "l",
      task: "a",
      fence: 7n,
      input: { k: "1.0" },
      checkpoint: { set: { c: "2" }, removed: ["d"] },
    };
    expect(decoded({ case: "lease", value })).toMatchObject({
      type: "lease",
      lease: {
        leaseId: "l",
        task: "a",
        fence: 7,
        input: { k: "1.0" },
        checkpoint: { set: { c: "2" }, removed: ["d"] },
      },
    });
    expect(decoded({ case: "lease", value: { leaseId: "l" } })).toMatchObject({
      lease: { checkpoint: { set: {}, removed: [] } },
    });
  });

  it("reads a Welcome with its verdicts and versions", () => {
    const verdicts = [
      { leaseId: "a", state: LeaseState.HELD, deferral: 2, outcome: DeferralOutcome.MAX_WAIT },
      {
        leaseId: "b",
        state: LeaseState.ENDING,
        cancelReason: CancelReason.TIMEOUT,
        detail: "slow",
        failure: { final: true },
      },
      // From a newer scheduler: a state with which the host has nothing to go on.
      { leaseId: "c", state: 99 as LeaseState },
      { leaseId: "d" },
    ];
    const limits = { maxMessageBytes: 1, maxPatchBytes: 2, maxFailureBytes: 3 };
    const workflows = [{ name: "w", version: "v" }];
    const value = { sessionId: "s", generation: 3n, resumed: true, limits, verdicts, workflows };
    expect(decoded({ case: "welcome", value })).toMatchObject({
      type: "welcome",
      welcome: {
        sessionId: "s",
        generation: 3,
        resumed: true,
        limits,
        workflows,
        verdicts: [
          { leaseId: "a", state: "HELD", deferral: 2, outcome: "MAX_WAIT" },
          { leaseId: "b", state: "ENDING", outcome: null, fencing: { reason: "TIMEOUT", detail: "slow", next: null } },
          { leaseId: "c", state: "REVOKED" },
          { leaseId: "d", state: "REVOKED" },
        ],
      },
    });
  });

  it("takes the usual limit of messages for one that says none", () => {
    const limits = { maxMessageBytes: 4_194_304, maxPatchBytes: 0, maxFailureBytes: 0 };
    expect(decoded({ case: "welcome", value: {} })).toMatchObject({ welcome: { limits } });
  });

  it("reads receipts with what is exceptional", () => {
    const exceptions = [
      { seq: 4n, result: ReceiptResult.REJECTED, error: { code: "C", message: "m" }, failure: { final: true } },
      { seq: 5n, result: 99 as ReceiptResult },
      { seq: 6n, result: ReceiptResult.APPLIED, failure: { retryInMs: 7, nextAttempt: 2 } },
      { seq: 7n, result: ReceiptResult.APPLIED, failure: {} },
    ];
    expect(decoded({ case: "receipts", value: { upTo: 9n, exceptions } })).toEqual({
      type: "receipts",
      upTo: 9,
      exceptions: [
        { seq: 4, result: "REJECTED", code: "C", message: "m", isFinalFailure: true },
        { seq: 5, result: "UNSPECIFIED", code: "", message: "", isFinalFailure: false },
        {
          seq: 6,
          result: "APPLIED",
          code: "",
          message: "",
          isFinalFailure: false,
          retry: { delayMs: 7, nextAttempt: 2 },
        },
        { seq: 7, result: "APPLIED", code: "", message: "", isFinalFailure: false },
      ],
    });
  });

  it.each([
    [
      { case: "deferred", value: { leaseId: "l", deferral: 2 } },
      { type: "deferred", leaseId: "l", n: 2 },
    ],
    [
      { case: "slotGranted", value: { leaseId: "l", deferral: 2, outcome: DeferralOutcome.MAX_WAIT } },
      { type: "granted", leaseId: "l", n: 2, outcome: "MAX_WAIT" },
    ],
    [
      { case: "cancel", value: { leaseId: "l", reason: CancelReason.RUN_CANCELLED, detail: "d" } },
      { type: "cancel", leaseId: "l", reason: "RUN_CANCELLED", detail: "d" },
    ],
    [
      { case: "cancel", value: { leaseId: "l", reason: CancelReason.TIMEOUT, failure: { final: true } } },
      { type: "cancel", leaseId: "l", reason: "TIMEOUT", detail: "", next: null },
    ],
    [
      {
        case: "cancel",
        value: { leaseId: "l", reason: CancelReason.TIMEOUT, failure: { retryInMs: 7, nextAttempt: 2 } },
      },
      { type: "cancel", leaseId: "l", reason: "TIMEOUT", detail: "", next: { delayMs: 7, nextAttempt: 2 } },
    ],
    [
      { case: "cancel", value: { leaseId: "l", reason: 99 as CancelReason } },
      { type: "cancel", leaseId: "l", reason: "UNSPECIFIED", detail: "" },
    ],
    [
      { case: "revoked", value: { leaseId: "l", detail: "d" } },
      { type: "revoked", leaseId: "l", detail: "d" },
    ],
    [
      { case: "heartbeatAck", value: { nonce: 3n } },
      { type: "heartbeat_ack", nonce: 3 },
    ],
  ] as const)("reads %o", (event, said) => {
    expect(decoded(event)).toEqual(said);
  });

  it("reads what a scheduler says that goes away", () => {
    const value = { graceMs: 1, reason: "r", reconnect: true, address: "a", reconnectAfterMs: 2 };
    expect(decoded({ case: "drain", value })).toEqual({ type: "drain", ...value });
  });

  it("reads nothing from what a newer scheduler says", () => {
    expect(decodeEvent(create(SchedulerEventSchema))).toBeNull();
  });
});
