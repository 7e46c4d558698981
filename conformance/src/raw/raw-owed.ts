/** What the raw host has said and has no receipt for (P4): numbers, what is said again, what is settled. */
import { create } from "@bufbuild/protobuf";
import { type HostEvent, HostEventSchema, type Receipts } from "@cloaca/protocol";

export class RawOwed {
  readonly #owed = new Map<bigint, HostEvent>();
  #seq = 0n;
  /** The flaw `says-again-what-is-settled` says it. */
  lastSettled: HostEvent | null = null;

  get size(): number {
    return this.#owed.size;
  }

  /** Everything, in its order. */
  all(): HostEvent[] {
    return [...this.#owed.values()];
  }

  /** Numbers an event, and keeps it until its receipt. */
  add(event: HostEvent["event"]): HostEvent {
    const numbered = create(HostEventSchema, { seq: ++this.#seq, event: event as never });
    this.#owed.set(numbered.seq, numbered);
    return numbered;
  }

  /** Returns the ids of the leases that the settled events are about. */
  settle({ upTo, exceptions }: Receipts): string[] {
    const excepted = new Set(exceptions.map(({ seq }) => seq));
    const leaseIds: string[] = [];
    for (const [seq, event] of this.#owed) {
      if (seq > upTo && !excepted.has(seq)) continue;
      this.#owed.delete(seq);
      this.lastSettled = event;
      leaseIds.push(...leaseOf(event));
    }
    return leaseIds;
  }

  /** What is owed about a lease that is not ours would only be answered STALE. */
  drop(leaseId: string): void {
    for (const [seq, event] of this.#owed) if (leaseOf(event).includes(leaseId)) this.#owed.delete(seq);
  }
}

function leaseOf({ event: { value } }: HostEvent): string[] {
  return value !== undefined && "leaseId" in value ? [value.leaseId] : [];
}
