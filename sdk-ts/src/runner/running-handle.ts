/** The handle of a task that runs in a host. */
import { HandleConsumedError, RemoteError } from "../errors/index.js";
import type { DeferOptions, TaskHandle, Truthy } from "../task/task-handle.js";
import { checkDeferOptions } from "./defer-options.js";
import { Deferral } from "./deferral.js";
import type { Execution } from "./execution.js";

export class RunningHandle implements TaskHandle {
  readonly #execution: Execution;
  #isConsumed = false;

  constructor(execution: Execution) {
    this.#execution = execution;
  }

  get signal(): AbortSignal {
    return this.#execution.aborter.signal;
  }

  get fence(): number {
    return this.#execution.lease.fence;
  }

  get attempt(): number {
    return this.#execution.lease.attempt;
  }

  get leaseId(): string {
    return this.#execution.lease.leaseId;
  }

  deferUntil<T>(condition: () => T | PromiseLike<T>, poll?: number | DeferOptions): Promise<Truthy<T>> {
    return orNobody(this.#deferUntil(condition, poll));
  }

  async #deferUntil<T>(condition: () => T | PromiseLike<T>, poll?: number | DeferOptions): Promise<Truthy<T>> {
    this.#use("deferUntil");
    const execution = this.#execution;
    if (execution.deferral?.isOpen) throw new HandleConsumedError("deferUntil", "deferral_open");
    const { pollIntervalMs, maxWaitMs, describe } = checkDeferOptions(condition, poll);
    execution.aborter.signal.throwIfAborted();
    const { leaseId, port } = execution;
    const n = (execution.deferral?.spec.n ?? 0) + 1;
    const patch = execution.takePatch();
    const spec = { leaseId, n, condition, pollIntervalMs, maxWaitMs, describe };
    const deferral = new Deferral(spec, (event) => port.say(event), port.time);
    execution.deferral = deferral;
    port.say(
      { type: "defer", leaseId, n, pollIntervalMs, maxWaitMs, description: describe ?? "", patch },
      (receipt) => {
        const { result, code, message } = receipt;
        // STALE comes with Revoked. A refusal ends the deferral with its reason; the task still has its slot.
        if (result !== "REJECTED") return;
        deferral.fail(new RemoteError(code, message));
        execution.refused(receipt);
      },
    );
    return (await deferral.result) as Truthy<T>;
  }

  isSlotHeld(): boolean {
    this.#use("isSlotHeld");
    return this.#execution.deferral?.isSlotHeld ?? true;
  }

  checkpoint(): Promise<void> {
    this.#use("checkpoint");
    return orNobody(this.#execution.checkpoint());
  }

  /** The task has ended. */
  consume(): void {
    this.#isConsumed = true;
  }

  #use(method: string): void {
    if (this.#isConsumed) throw new HandleConsumedError(method, "task_ended");
  }
}

/** A promise whose rejection ends no process when a task forgot to await it: the host has other tasks. */
function orNobody<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
