/** What a session has said and has no receipt for (P4). It outlives connections: each new one hears all of it again. */
import type { HostSays, NumberedEvent, Receipt } from "../protocol/words.js";

export type OnReceipt = (receipt: Receipt) => void;

interface Owed {
  readonly event: HostSays;
  readonly onReceipt: OnReceipt | undefined;
}

export class OwedEvents {
  /** By number, in order. */
  readonly #owed = new Map<number, Owed>();
  #seq = 0;

  get size(): number {
    return this.#owed.size;
  }

  add(event: HostSays, onReceipt: OnReceipt | undefined): NumberedEvent {
    const seq = ++this.#seq;
    this.#owed.set(seq, { event, onReceipt });
    return { seq, event };
  }

  has(seq: number): boolean {
    return this.#owed.has(seq);
  }

  /** Whether something is owed other than events of one type. */
  hasOtherThan(type: HostSays["type"]): boolean {
    for (const { event } of this.#owed.values()) if (event.type !== type) return true;
    return false;
  }

  hasSome(type: HostSays["type"]): boolean {
    for (const { event } of this.#owed.values()) if (event.type === type) return true;
    return false;
  }

  /** Everything, in its order. */
  all(): NumberedEvent[] {
    return [...this.#owed].map(([seq, { event }]) => ({ seq, event }));
  }

  /** Settles everything up to a number: as APPLIED, but for the exceptions. Returns what was not applied. */
  settle(upTo: number, exceptions: readonly Receipt[]): { readonly event: HostSays; readonly receipt: Receipt }[] {
    const excepted = exceptions.flatMap((receipt) => {
      const event = this.#settleOne(receipt);
      return event === undefined ? [] : [{ event, receipt }];
    });
    for (const seq of this.#owed.keys()) {
      if (seq > upTo) break;
      this.#settleOne({ seq, result: "APPLIED", code: "", message: "", isFinalFailure: false });
    }
    return excepted;
  }

  /** What is owed about a lease that is not ours would only be answered STALE. */
  drop(leaseId: string): void {
    for (const [seq, { event }] of this.#owed) {
      if (!("leaseId" in event) || event.leaseId !== leaseId) continue;
      const message = "the lease is not current";
      this.#settleOne({ seq, result: "STALE", code: "LEASE_STALE", message, isFinalFailure: false });
    }
  }

  #settleOne(receipt: Receipt): HostSays | undefined {
    const owed = this.#owed.get(receipt.seq);
    if (owed === undefined) return undefined;
    this.#owed.delete(receipt.seq);
    owed.onReceipt?.(receipt);
    return owed.event;
  }
}
