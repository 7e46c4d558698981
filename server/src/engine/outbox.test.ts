import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LeaseGrant } from "../core/grants.js";
import type { ReceiptResult } from "../core/lease-events.js";
import type { Run } from "../core/model.js";
import type { NumberedReceipt, SchedulerEvent } from "./events.js";
import { Outbox } from "./outbox.js";

const MAX_BYTES = 100_000;
const RUN = { labels: {} } as Run;

function lease(leaseId: string, value = ""): SchedulerEvent {
  const plain = { sessionId: "s", run: RUN, taskId: "a", attempt: 1, recovery: 0, fence: 1, timeoutRemainingMs: 0 };
  const grant: LeaseGrant = { ...plain, leaseId, input: { value }, checkpoint: null };
  return { type: "lease", lease: grant };
}

function cancel(leaseId: string, detail = ""): SchedulerEvent {
  return { type: "cancel", sessionId: "s", leaseId, reason: "RUN_CANCELLED", detail };
}

function stale(seq: number, message = ""): NumberedReceipt {
  return { seq, result: "STALE", error: { code: "LEASE_STALE", message, problems: [] } };
}

function all(outbox: Outbox): SchedulerEvent[][] {
  const messages = [];
  for (let message = outbox.take(); message !== null; message = outbox.take()) messages.push(message);
  return messages;
}

describe("Outbox", () => {
  it("P7: control and receipts go before leases that waited longer", () => {
    const outbox = new Outbox(MAX_BYTES);
    outbox.push(lease("l1"));
    outbox.push(lease("l2"));
    outbox.receipt({ seq: 1, result: "APPLIED" });
    outbox.push(cancel("l0"));
    expect(outbox.take()?.map((e) => e.type)).toEqual(["cancel", "receipts", "lease", "lease"]);
    expect(outbox.take()).toBeNull();
  });

  it("P7: a lease that was not sent can be taken back", () => {
    const outbox = new Outbox(MAX_BYTES);
    outbox.push(lease("l1"));
    expect([outbox.withdraw("l1"), outbox.withdraw("l1"), outbox.isEmpty]).toEqual([true, false, true]);
  });

  it("P10: leases share a message as far as it goes, and a large one has its own", () => {
    const outbox = new Outbox(MAX_BYTES);
    outbox.push(lease("small"));
    outbox.push(lease("large", "x".repeat(90_000)));
    outbox.push(lease("last"));
    const messages = all(outbox).map((m) => m.map((e) => (e.type === "lease" ? e.lease.leaseId : e.type)));
    expect(messages).toEqual([["small"], ["large"], ["last"]]);
  });

  it("P10: many events, and long texts, are spread over messages", () => {
    const outbox = new Outbox(MAX_BYTES);
    for (let i = 0; i < 2_500; i++) outbox.push(cancel(`c${i}`));
    for (let i = 0; i < 10; i++) outbox.push(cancel(`d${i}`, "x".repeat(10_000)));
    const messages = all(outbox);
    expect(Math.max(...messages.map((m) => m.length))).toBeLessThanOrEqual(1_000);
    for (const message of messages) expect(JSON.stringify(message).length).toBeLessThan(MAX_BYTES);
    expect(messages.flat()).toHaveLength(2_510);
  });

  it("P10: a flood of receipts is spread over messages", () => {
    const outbox = new Outbox(MAX_BYTES);
    for (let seq = 1; seq <= 5_000; seq++) outbox.receipt(stale(seq, "no such lease was given out"));
    const messages = all(outbox);
    expect(messages.length).toBeGreaterThan(5);
    for (const message of messages) expect(JSON.stringify(message).length).toBeLessThan(MAX_BYTES);
  });

  it("P4: whatever is split, a seq up to up_to that was not named was APPLIED, and all are told", () => {
    const results = fc.constantFrom<ReceiptResult>("APPLIED", "STALE", "REJECTED");
    const turn = fc.record({
      events: fc.array(fc.tuple(results, fc.nat(12_000)), { maxLength: 30, size: "max" }),
      takes: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 6 }), fc.boolean(), (turns, shuffled) => {
        const outbox = new Outbox(MAX_BYTES);
        const truth = new Map<number, ReceiptResult>();
        const told = new Map<number, ReceiptResult>();
        let seq = 0;
        let upTo = 0;
        const hear = (message: readonly SchedulerEvent[] | null): void => {
          for (const event of message ?? []) {
            if (event.type !== "receipts") continue;
            for (const { seq: named, result } of event.exceptions) told.set(named, result);
            expect(event.upTo).toBeGreaterThanOrEqual(upTo);
            upTo = event.upTo;
            for (let n = 1; n <= upTo; n++) expect(told.get(n) ?? "APPLIED").toBe(truth.get(n));
          }
        };
        for (const { events, takes } of turns) {
          // The events of a turn get their results in any order.
          const numbered = events.map(([result, size]) => ({ seq: ++seq, result, size }));
          for (const { seq: number, result, size } of shuffled ? numbered.reverse() : numbered) {
            truth.set(number, result);
            outbox.receipt(
              result === "APPLIED" ? { seq: number, result } : { ...stale(number, "x".repeat(size)), result },
            );
          }
          for (let i = 0; i < takes; i++) hear(outbox.take());
        }
        for (const message of all(outbox)) hear(message);
        expect(upTo).toBe(seq);
      }),
    );
  });
});
