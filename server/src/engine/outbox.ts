/**
 * What waits to be sent on one connection. P7: control first. Leases wait in a lane of their own, and everything else
 * overtakes them; for one lease the order is kept, since nothing else is said about a lease before it was sent, except a
 * Cancel, which takes it out.
 */
import type { LeaseGrant } from "../core/grants.js";
import type { NumberedReceipt, SchedulerEvent } from "./events.js";

/** Most events in one message, so that none is long in the making. */
const EVENTS_PER_MESSAGE = 1_000;
/** A lease without its context, in bytes, about. */
const LEASE_OVERHEAD = 512;

export class Outbox {
  #control: SchedulerEvent[] = [];
  readonly #leases = new Map<string, LeaseGrant>();
  #upTo = 0;
  #exceptions: NumberedReceipt[] = [];
  #owesReceipt = false;

  constructor(readonly maxMessageBytes: number) {}

  get isEmpty(): boolean {
    return this.#control.length === 0 && this.#leases.size === 0 && !this.#owesReceipt;
  }

  /** Events that wait. */
  get size(): number {
    return this.#control.length + this.#leases.size + this.#exceptions.length;
  }

  push(event: SchedulerEvent): void {
    if (event.type === "lease") this.#leases.set(event.lease.leaseId, event.lease);
    else this.#control.push(event);
  }

  /** Takes a lease back that was not sent; false when it is on its way. */
  withdraw(leaseId: string): boolean {
    return this.#leases.delete(leaseId);
  }

  receipt(receipt: NumberedReceipt): void {
    this.#owesReceipt = true;
    if (receipt.seq > this.#upTo) this.#upTo = receipt.seq;
    if (receipt.result !== "APPLIED" || receipt.failure !== undefined) this.#exceptions.push(receipt);
  }

  /** The next message; null when there is nothing to say. */
  take(): SchedulerEvent[] | null {
    if (this.isEmpty) return null;
    const message = this.#takeControl();
    let bytes = 0;
    for (const [leaseId, lease] of this.#leases) {
      bytes += leaseBytes(lease);
      if (message.length >= EVENTS_PER_MESSAGE || (message.length > 0 && bytes > this.maxMessageBytes / 2)) break;
      this.#leases.delete(leaseId);
      message.push({ type: "lease", lease });
    }
    return message;
  }

  #takeControl(): SchedulerEvent[] {
    const message = this.#control.splice(0, EVENTS_PER_MESSAGE);
    if (!this.#owesReceipt) return message;
    message.push({ type: "receipts", upTo: this.#upTo, exceptions: this.#exceptions });
    this.#exceptions = [];
    this.#owesReceipt = false;
    return message;
  }
}

function leaseBytes({ input, checkpoint }: LeaseGrant): number {
  let bytes = LEASE_OVERHEAD + textBytes(input);
  if (checkpoint !== null) bytes += textBytes(checkpoint.set);
  return bytes;
}

/** An upper bound that costs no encoding. */
function textBytes(text: Readonly<Record<string, string>>): number {
  let units = 0;
  for (const key in text) units += key.length + (text[key]?.length ?? 0) + 8;
  return units * 3;
}
