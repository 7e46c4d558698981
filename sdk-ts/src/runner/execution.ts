/**
 * One lease in this process: the task's code while it runs, its deferral, and what is still to be said about it.
 *
 *   held → deferring → deferred → reclaiming → held → … → finished
 *
 * `stopping` overlays all of them: the lease is fenced (P3), and once the code has stopped nothing it says counts.
 */
import { CancelledError, DeferralNotAwaitedError, ErrorRecord } from "../errors/index.js";
import type { HostSays, Lease, LeaseState, Patch, Receipt } from "../protocol/words.js";
import type { Context } from "../task/context.js";
import { contextFromWire, isEmptyPatch, takePatch } from "../task/context-wire.js";
import type { ResolvedTask, TaskInfo } from "../task/definition.js";
import { resultContext } from "../task/result.js";
import type { Deferral } from "./deferral.js";
import { RunningHandle } from "./running-handle.js";

/** What an execution needs of its session. */
export interface ExecutionPort {
  /** Says something; the receipt comes once it is committed, also after a reconnect. */
  say(event: HostSays, onReceipt?: (receipt: Receipt) => void): void;
  readonly maxPatchBytes: number;
  /** Nothing more is to be said about the lease. */
  gone(execution: Execution): void;
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
}

export type StopReason = "RUN_CANCELLED" | "TIMEOUT" | "REVOKED" | "SHUTDOWN" | "UNSPECIFIED";

export class Execution {
  /** What the code works on; once it has ended, what it leaves behind. */
  context: Context;
  readonly aborter = new AbortController();
  /** The current deferral, or the last one. */
  deferral: Deferral | null = null;
  #state: "running" | "finished" = "running";
  /** Why nothing that the code says counts any more, and what is owed once it has stopped. */
  #stopping: { readonly owesStopped: boolean } | null = null;

  constructor(
    readonly lease: Lease,
    readonly task: ResolvedTask,
    readonly port: ExecutionPort,
  ) {
    this.context = contextFromWire(lease.input, lease.checkpoint);
  }

  get leaseId(): string {
    return this.lease.leaseId;
  }

  /** How this host sees the lease (P6). */
  get leaseState(): LeaseState {
    if (this.#state === "finished") return "FINISHED";
    return this.deferral?.leaseState ?? "HELD";
  }

  get isOver(): boolean {
    return this.#state === "finished";
  }

  /** Whether the lease is fenced and `Stopped` is, or will be, owed. */
  get owesStopped(): boolean {
    return this.#stopping?.owesStopped ?? false;
  }

  /** Runs the code; never rejects. */
  async run(): Promise<void> {
    const { task, context } = this;
    const handle = task.wantsHandle ? new RunningHandle(this) : null;
    try {
      const returned = await task.fn(context, handle);
      if (this.deferral?.isOpen) throw new DeferralNotAwaitedError(task.id);
      this.context = resultContext(context, returned);
      this.#complete(takePatch(this.context));
    } catch (error) {
      this.#fail(ErrorRecord.from(error), isFinal(error));
    } finally {
      handle?.consume();
      this.deferral?.abandon();
    }
  }

  /** Commits what was set so far (`handle.checkpoint`); resolves once it is durable. */
  checkpoint(): Promise<void> {
    const patch = takePatch(this.context);
    if (isEmptyPatch(patch)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.port.say({ type: "checkpoint", leaseId: this.leaseId, patch }, (receipt) => {
        if (receipt.result === "APPLIED" || receipt.result === "DUPLICATE") resolve();
        else reject(new CancelledError(receipt.code === "" ? receipt.result : receipt.code, receipt.message));
      });
    });
  }

  /** P3: the lease is fenced. The code is told, and `Stopped` is said once it has stopped. */
  cancel(reason: StopReason, detail: string): void {
    this.#stop(new CancelledError(reason, detail), true);
  }

  /** The lease is not this host's any more: the code is told, and nothing is owed. */
  revoke(reason: StopReason, detail: string): void {
    this.#stop(new CancelledError(reason, detail), false);
  }

  /** P12: hands the lease back, to be executed elsewhere. */
  decline(reason: string): void {
    if (this.#state === "finished" || this.#stopping !== null) return;
    const patch = takePatch(this.context);
    this.#stopping = { owesStopped: false };
    this.port.say({ type: "decline", leaseId: this.leaseId, patch, reason }, () => this.port.gone(this));
    this.aborter.abort(new CancelledError("SHUTDOWN", reason));
    this.deferral?.close(reason);
  }

  #stop(error: CancelledError, owesStopped: boolean): void {
    if (this.#state === "finished") {
      // Its outcome is on the way, or was refused: the slot is free with it.
      if (!owesStopped) this.port.gone(this);
      return;
    }
    if (this.#stopping !== null) return;
    this.#stopping = { owesStopped };
    this.aborter.abort(error);
    this.deferral?.fail(error);
  }

  #complete(patch: Patch): void {
    const bytes = patchBytes(patch);
    const { maxPatchBytes } = this.port;
    if (bytes > maxPatchBytes) {
      const message = `the patch of task "${this.task.id}" has ${bytes} bytes, the limit is ${maxPatchBytes}`;
      this.#end({ type: "fail", leaseId: this.leaseId, failure: failureOf("CONTEXT_TOO_LARGE", message), final: true });
      return;
    }
    this.#end({ type: "complete", leaseId: this.leaseId, patch });
  }

  #fail(record: ErrorRecord, final: boolean): void {
    const { code, type, message, stack = "" } = record;
    this.#end({ type: "fail", leaseId: this.leaseId, failure: { code, type, message, stack }, final }, record);
  }

  #end(event: Extract<HostSays, { type: "complete" | "fail" }>, record: ErrorRecord | null = null): void {
    this.#state = "finished";
    if (this.#stopping !== null) {
      if (!this.#stopping.owesStopped) this.port.gone(this);
      else this.port.say({ type: "stopped", leaseId: this.leaseId }, () => this.port.gone(this));
      return;
    }
    this.port.say(event, (receipt) => this.#receipted(event, record, receipt));
  }

  #receipted(
    event: Extract<HostSays, { type: "complete" | "fail" }>,
    record: ErrorRecord | null,
    receipt: Receipt,
  ): void {
    const { result, code, message, isFinalFailure } = receipt;
    if (event.type === "complete" && result === "REJECTED" && !isFinalFailure) {
      // What the scheduler cannot take from a task is that task's failure: a lease must not stay for ever.
      this.#end({ type: "fail", leaseId: this.leaseId, failure: failureOf(code, message), final: true });
      return;
    }
    this.port.gone(this);
    const accepted = result === "APPLIED" || result === "DUPLICATE";
    if (event.type === "complete" && accepted) {
      void this.#callBack("onSuccess", () => this.task.onSuccess?.(this.task.id, this.context, this.info()));
    } else if (isFinalFailure) {
      const failure = record ?? ErrorRecord.from(new Error(event.type === "fail" ? event.failure.message : message));
      void this.#callBack("onFailure", () => this.task.onFailure?.(this.task.id, failure, this.context, this.info()));
    }
  }

  /** What callbacks throw is logged, and has no effect. */
  async #callBack(name: string, call: () => unknown): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.port.warn("callback_failed", { callback: name, task: this.task.id, error: String(ErrorRecord.from(error)) });
    }
  }

  info(): TaskInfo {
    const { namespace, runId, workflow, workflowVersion, taskRunId, attempt, recovery, fence, leaseId } = this.lease;
    return { namespace, runId, workflow, workflowVersion, taskRunId, attempt, recovery, fence, leaseId };
  }
}

function failureOf(code: string, message: string) {
  return { code, type: "", message, stack: "" };
}

function isFinal(error: unknown): boolean {
  const code = ErrorRecord.from(error).code;
  return code === "TASK_RESULT_INVALID" || code === "DEFERRAL_NOT_AWAITED";
}

function patchBytes({ set, removed }: Patch): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(set)) bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  for (const key of removed) bytes += Buffer.byteLength(key);
  return bytes;
}
