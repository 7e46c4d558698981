/** Stands in for a scheduler with one host, one slot that is always free, and one lease. */
import type { FailureClass } from "../errors/failure-class.js";
import { CloacaError } from "../errors/index.js";
import type { Fencing, HostSays, Lease, NextAttempt, Patch, Receipt } from "../protocol/words.js";
import { Execution, type ExecutionPort } from "../runner/execution.js";
import type { OnReceipt } from "../runner/owed-events.js";
import { isEmptyPatch } from "../task/context-wire.js";
import type { ResolvedTask } from "../task/definition.js";
import { type RetryDecision, retryDecision } from "./retry-decision.js";
import type { World } from "./world.js";

/** The limits of a scheduler that was told none. */
const MAX_PATCH_BYTES = 1024 * 1024;
const MAX_FAILURE_BYTES = 16 * 1024;

/** How the lease ended, in the books. */
export type StageEnd =
  | { readonly type: "succeeded" }
  | { readonly type: "failed"; readonly failure: StageFailure; readonly decision: RetryDecision }
  | { readonly type: "cancelled" };

export interface StageFailure {
  readonly code: string;
  readonly type: string;
  readonly message: string;
  readonly isTransient: boolean;
  readonly isFinal: boolean;
}

/** A patch that was committed before the task ended. */
export interface StageCheckpoint {
  readonly atMs: number;
  readonly by: "checkpoint" | "deferUntil";
  readonly patch: Patch;
}

export class TaskStage implements ExecutionPort {
  readonly maxPatchBytes = MAX_PATCH_BYTES;
  readonly maxFailureBytes = MAX_FAILURE_BYTES;
  readonly execution: Execution;
  readonly checkpoints: StageCheckpoint[] = [];
  /** What was committed, key to JSON text; null for what was removed. */
  readonly committed = new Map<string, string | null>();
  end: StageEnd | null = null;
  /** Nothing more runs, and nothing more is to be said. */
  isGone = false;
  slotHeldMs = 0;
  readonly #beganAt: number;
  #slotSince: number | null = null;
  /** How the lease ends once its code has stopped; null while it is not fenced. */
  #fencedEnd: StageEnd | null = null;
  #cancelTimeout = (): void => {};
  #cancelMaxWait = (): void => {};

  constructor(
    readonly time: World,
    readonly task: ResolvedTask,
    readonly lease: Lease,
  ) {
    this.#beganAt = time.now();
    this.execution = new Execution(lease, task, this);
  }

  start(): void {
    this.#holdSlot();
    void this.execution.run();
  }

  /** The run is cancelled. */
  cancel(): void {
    this.#stop({ reason: "RUN_CANCELLED", detail: "the test said so" });
  }

  say(event: HostSays, onReceipt: OnReceipt = () => {}): void {
    this.time.soon(() => this.#answer(event, onReceipt));
  }

  gone(): void {
    this.isGone = true;
  }

  warn(): void {
    // What a host logs: errors of callbacks, which the record has.
  }

  #answer(event: HostSays, onReceipt: OnReceipt): void {
    switch (event.type) {
      case "defer":
        this.#commit(event.patch, "deferUntil");
        this.#freeSlot();
        onReceipt(receipt());
        this.execution.deferral?.deferred(event.n);
        if (event.maxWaitMs > 0) {
          this.#cancelMaxWait = this.time.after(event.maxWaitMs, () => this.#grant(event.n, "MAX_WAIT"));
        }
        break;
      case "reclaim":
        this.#grant(event.n, "MET");
        onReceipt(receipt());
        break;
      case "checkpoint":
        this.#commit(event.patch, "checkpoint");
        onReceipt(receipt());
        break;
      case "complete":
        this.#freeSlot();
        this.#add(event.patch);
        this.end ??= { type: "succeeded" };
        onReceipt(receipt());
        break;
      case "fail":
        this.#freeSlot();
        onReceipt(this.#failed(event));
        break;
      case "stopped":
        this.#freeSlot();
        this.end ??= this.#fencedEnd;
        onReceipt(receipt());
        break;
      default:
        throw new CloacaError("INTERNAL", `a task in a test does not say ${event.type}`);
    }
  }

  #failed(event: Extract<HostSays, { type: "fail" }>): Receipt {
    const { transient: isTransient, final: isFinal, nextDelayMs, failure } = event;
    const decision = this.#decide({ isTransient, isFinal, ...(nextDelayMs === undefined ? null : { nextDelayMs }) });
    this.end ??= { type: "failed", failure: { ...failure, isTransient, isFinal }, decision };
    const retry = nextAttempt(decision);
    return receipt(retry === null ? { isFinalFailure: true } : { retry });
  }

  #decide(kind: FailureClass): RetryDecision {
    return retryDecision(this.task.retry, this.lease.attempt, kind);
  }

  #stop(fencing: Fencing, end: StageEnd = { type: "cancelled" }): void {
    if (this.#fencedEnd !== null) return;
    this.#fencedEnd = end;
    this.#cancelMaxWait();
    this.execution.cancel(fencing);
  }

  /** P9: the attempt has failed; what follows is told at once. */
  #timeOut(timeoutMs: number): void {
    const detail = `task "${this.task.id}" held a slot for longer than its timeout of ${timeoutMs} ms`;
    const kind = { isTransient: true, isFinal: false };
    const decision = this.#decide(kind);
    const failure = { code: "TASK_TIMEOUT", type: "", message: detail, ...kind };
    const fencing = { reason: "TIMEOUT", detail, next: nextAttempt(decision) } as const;
    this.#stop(fencing, { type: "failed", failure, decision });
  }

  #grant(n: number, outcome: "MET" | "MAX_WAIT"): void {
    const { deferral } = this.execution;
    if (deferral?.spec.n !== n || !deferral.isOpen) return;
    this.#cancelMaxWait();
    this.#holdSlot();
    deferral.granted(n, outcome);
  }

  #holdSlot(): void {
    this.#slotSince = this.time.now();
    const { timeoutMs } = this.task;
    if (timeoutMs === undefined) return;
    // P9: only time in which a slot is held counts.
    this.#cancelTimeout = this.time.after(timeoutMs - this.slotHeldMs, () => this.#timeOut(timeoutMs));
  }

  #freeSlot(): void {
    this.#cancelTimeout();
    if (this.#slotSince !== null) this.slotHeldMs += this.time.now() - this.#slotSince;
    this.#slotSince = null;
  }

  #commit(patch: Patch, by: StageCheckpoint["by"]): void {
    if (!isEmptyPatch(patch)) this.checkpoints.push({ atMs: this.time.now() - this.#beganAt, by, patch });
    this.#add(patch);
  }

  #add({ set, removed }: Patch): void {
    for (const [key, text] of Object.entries(set)) this.committed.set(key, text);
    for (const key of removed) this.committed.set(key, null);
  }
}

/** Where jitter varies the delay, the mean. */
function nextAttempt(decision: RetryDecision): NextAttempt | null {
  if (!decision.isRetried) return null;
  const { nextAttempt, leastDelayMs, mostDelayMs } = decision;
  return { delayMs: Math.round((leastDelayMs + mostDelayMs) / 2), nextAttempt };
}

function receipt(changes: Partial<Receipt> = {}): Receipt {
  return { seq: 0, result: "APPLIED", code: "", message: "", isFinalFailure: false, ...changes };
}
