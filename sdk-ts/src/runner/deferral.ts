/**
 * One deferral of a lease (P8): asked for, granted, polled, reclaimed, resumed.
 *
 *   asked → polling → reclaiming → over
 *
 * The slot counts as held until `Deferred` is heard, and only from then on the condition is polled. Polls never overlap.
 */
import { DeferTimeoutError, SlotsClosedError } from "../errors/index.js";
import type { HostSays, LeaseState } from "../protocol/words.js";
import type { HostTime } from "./host-time.js";

export interface DeferralSpec {
  readonly leaseId: string;
  /** 1, 2, … within the lease. */
  readonly n: number;
  readonly condition: () => unknown;
  readonly pollIntervalMs: number;
  /** 0 means no limit. */
  readonly maxWaitMs: number;
  readonly describe: string | undefined;
}

/** How the task goes on, decided before the slot is back. */
type Outcome =
  | { readonly type: "value"; readonly value: unknown }
  | { readonly type: "error"; readonly error: unknown };

export class Deferral {
  /** Settles when the task has its slot again, or never will. */
  readonly result: Promise<unknown>;
  #state: "asked" | "polling" | "reclaiming" | "over" = "asked";
  #outcome: Outcome | null = null;
  #cancelPoll: (() => void) | null = null;
  #resolve: (value: unknown) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(
    readonly spec: DeferralSpec,
    readonly say: (event: HostSays) => void,
    readonly time: HostTime,
  ) {
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A task that ends without awaiting it fails with DEFERRAL_NOT_AWAITED; this rejection then has no other reader.
    this.result.catch(() => {});
  }

  get isOpen(): boolean {
    return this.#state !== "over";
  }

  get isSlotHeld(): boolean {
    return this.#state === "asked" || this.#state === "over";
  }

  get leaseState(): LeaseState {
    if (this.#state === "asked") return "DEFERRING";
    if (this.#state === "polling") return "DEFERRED";
    return this.#state === "reclaiming" ? "RECLAIMING" : "HELD";
  }

  /** `Deferred` was heard, or the books say so: the slot is free, and polling begins at once. */
  deferred(n: number): void {
    if (n !== this.spec.n || this.#state !== "asked") return;
    this.#state = "polling";
    void this.#poll();
  }

  /** The books say that the lease waits for a slot: the wait is over, whoever ended it. */
  reclaiming(n: number): void {
    if (n !== this.spec.n || this.#state === "over") return;
    this.#stopPolling();
    this.#state = "reclaiming";
  }

  /** The task has a slot again. */
  granted(n: number, outcome: "MET" | "MAX_WAIT"): void {
    if (n !== this.spec.n || this.#state === "over") return;
    const { maxWaitMs, describe } = this.spec;
    if (outcome === "MAX_WAIT") this.#end({ type: "error", error: new DeferTimeoutError(maxWaitMs, describe) });
    else this.#end(this.#outcome ?? { type: "error", error: new DeferTimeoutError(maxWaitMs, describe) });
  }

  /** The task is told to stop: it gets the reason instead of a slot. */
  fail(error: unknown): void {
    if (this.#state !== "over") this.#end({ type: "error", error });
  }

  /** The host shuts down: the lease was handed back. */
  close(reason: string): void {
    this.fail(new SlotsClosedError(reason));
  }

  /** The task has ended: nobody waits any more. */
  abandon(): void {
    this.#stopPolling();
    this.#state = "over";
  }

  async #poll(): Promise<void> {
    this.#cancelPoll = null;
    let outcome: Outcome | null = null;
    try {
      const value = await this.spec.condition();
      if (value) outcome = { type: "value", value };
    } catch (error) {
      // The task takes a slot back, and then the error is thrown inside it.
      outcome = { type: "error", error };
    }
    if (this.#state !== "polling") return;
    if (outcome === null) {
      this.#cancelPoll = this.time.after(this.spec.pollIntervalMs, () => void this.#poll());
      return;
    }
    this.#outcome = outcome;
    this.#state = "reclaiming";
    this.say({ type: "reclaim", leaseId: this.spec.leaseId, n: this.spec.n });
  }

  #end(outcome: Outcome): void {
    this.#stopPolling();
    this.#state = "over";
    if (outcome.type === "value") this.#resolve(outcome.value);
    else this.#reject(outcome.error);
  }

  #stopPolling(): void {
    this.#cancelPoll?.();
    this.#cancelPoll = null;
  }
}
