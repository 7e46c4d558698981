/** P4: what a host has said and has no receipt for, in order; it is said again after a reconnect. */
import type { LeaseEvent } from "../../server/src/core/lease-events.js";
import type { HostEvent, NumberedReceipt } from "../../server/src/engine/events.js";

export type Sequenced = Extract<HostEvent, { type: "lease_event" | "set_slots" | "drain" }>;

/** What a host says with a number, before it has one. */
export type Numberless =
  | { readonly type: "lease_event"; readonly event: LeaseEvent }
  | { readonly type: "set_slots"; readonly slots: number }
  | { readonly type: "drain"; readonly reason: string };

export class OwedEvents {
  #seq = 0;
  readonly #events = new Map<number, Sequenced>();

  get size(): number {
    return this.#events.size;
  }

  get all(): readonly Sequenced[] {
    return [...this.#events.values()];
  }

  add(event: Numberless): Sequenced {
    const numbered: Sequenced = { seq: ++this.#seq, ...event };
    this.#events.set(numbered.seq, numbered);
    return numbered;
  }

  /** Receipts are cumulative, with exceptions: what was owed and is not any more. */
  settle(upTo: number, exceptions: readonly NumberedReceipt[]): { event: Sequenced; exception?: NumberedReceipt }[] {
    const settled = [];
    for (const [seq, event] of this.#events) {
      if (seq > upTo) continue;
      this.#events.delete(seq);
      const exception = exceptions.find((e) => e.seq === seq);
      settled.push(exception === undefined ? { event } : { event, exception });
    }
    return settled;
  }

  /** Nobody wants to know any more. */
  forget(leaseId: string): void {
    for (const [seq, event] of this.#events) {
      if (event.type === "lease_event" && event.event.leaseId === leaseId) this.#events.delete(seq);
    }
  }

  clear(): void {
    this.#events.clear();
  }
}
