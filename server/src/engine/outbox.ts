/**
 * What waits to be sent on one connection. P7: control first. Leases wait in a lane of their own, and everything else
 * overtakes them; for one lease the order is kept, since nothing else is said about a lease before it was sent, except a
 * Cancel, which takes it out. P10: no message grows over the limit, however much waits.
 */
import type { LeaseGrant } from "../core/grants.js";
import { eventBytes, leaseBytes, receiptBytes } from "./event-bytes.js";
import type { NumberedReceipt, SchedulerEvent } from "./events.js";

/** Most events in one message, so that none is long in the making. */
const EVENTS_PER_MESSAGE = 1_000;

export class Outbox {
  #control: SchedulerEvent[] = [];
  readonly #leases = new Map<string, LeaseGrant>();
  #upTo = 0;
  #sentUpTo = 0;
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
    const message = new Message(this.maxMessageBytes / 2);
    let taken = 0;
    for (const event of this.#control) {
      if (!message.add(event, eventBytes(event))) break;
      taken++;
    }
    // Most messages take all there is.
    if (taken === this.#control.length) this.#control = [];
    else this.#control.splice(0, taken);
    if (this.#owesReceipt) this.#takeReceipts(message);
    for (const [leaseId, lease] of this.#leases) {
      if (!message.add({ type: "lease", lease }, leaseBytes(lease))) break;
      this.#leases.delete(leaseId);
    }
    return message.events;
  }

  #takeReceipts(message: Message): void {
    let { count, bytes } = this.#fitting(message);
    let upTo = this.#upTo;
    if (count < this.#exceptions.length) {
      // P4: `up_to` speaks for every event before it, so it ends before the first exception that is left for later.
      this.#exceptions.sort((a, b) => a.seq - b.seq);
      ({ count, bytes } = this.#fitting(message));
      upTo = Math.max(this.#sentUpTo, (this.#exceptions[count]?.seq ?? upTo + 1) - 1);
    }
    if (!message.add({ type: "receipts", upTo, exceptions: this.#exceptions.slice(0, count) }, bytes)) return;
    this.#exceptions = this.#exceptions.slice(count);
    this.#sentUpTo = upTo;
    this.#owesReceipt = this.#exceptions.length > 0;
  }

  /** How many exceptions a message has room for, one at the least. */
  #fitting(message: Message): { count: number; bytes: number } {
    let count = 0;
    let bytes = 0;
    for (const exception of this.#exceptions) {
      const more = receiptBytes(exception);
      if (count > 0 && !message.hasRoom(bytes + more)) break;
      bytes += more;
      count++;
    }
    return { count, bytes };
  }
}

class Message {
  readonly events: SchedulerEvent[] = [];
  #bytes = 0;

  constructor(readonly maxBytes: number) {}

  hasRoom(bytes: number): boolean {
    return this.events.length < EVENTS_PER_MESSAGE && this.#bytes + bytes <= this.maxBytes;
  }

  /** The first event always fits: alone, none is over the limit. */
  add(event: SchedulerEvent, bytes: number): boolean {
    if (this.events.length > 0 && !this.hasRoom(bytes)) return false;
    this.events.push(event);
    this.#bytes += bytes;
    return true;
  }
}
