import type { Deferral } from "../../core/model.js";
import { Heap, type HeapNode } from "./heap.js";
import type { LeaseHome } from "./live-session.js";

interface ReclaimNode extends HeapNode {
  readonly home: LeaseHome;
  readonly order: number;
}

/**
 * P8: the reclaims of a session, oldest first. A reclaim has its place by its deferral: when a failed commit takes a grant
 * back, the reclaim stands where it stood.
 */
export class ReclaimQueue {
  static #count = 0;
  static readonly #orders = new WeakMap<Deferral, number>();

  readonly #heap = new Heap<ReclaimNode>((a, b) => a.order < b.order);
  readonly #nodes = new Map<string, ReclaimNode>();

  get size(): number {
    return this.#nodes.size;
  }

  oldest(): LeaseHome | undefined {
    return this.#heap.peek()?.home;
  }

  add(leaseId: string, deferral: Deferral, home: LeaseHome): void {
    const order = ReclaimQueue.#orders.get(deferral) ?? ReclaimQueue.#count++;
    ReclaimQueue.#orders.set(deferral, order);
    const node: ReclaimNode = { home, order, place: -1 };
    this.#nodes.set(leaseId, node);
    this.#heap.push(node);
  }

  /** Whether it was there. */
  delete(leaseId: string): boolean {
    const node = this.#nodes.get(leaseId);
    if (node === undefined) return false;
    this.#nodes.delete(leaseId);
    this.#heap.remove(node);
    return true;
  }
}
