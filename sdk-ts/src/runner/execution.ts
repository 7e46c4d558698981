/**
 * One lease in this process: the task's code while it runs, its deferral, and what is still to be said about it.
 *
 *   held → deferring → deferred → reclaiming → held → … → finished
 *
 * Two things end apart: the code, and what is owed about the lease. The session forgets it when both have.
 *
 *   what ends it            says, and when                       is settled
 *   the code returned       Complete or Fail, at once            with the receipt
 *   Cancel (P3: fenced)     Stopped, once the code has stopped   with the receipt
 *   Decline (P12)           Decline, at once                     with the receipt
 *   Revoked                 nothing                              at once
 */

import { failureClass } from "../errors/failure-class.js";
import {
  CancelledError,
  ContextTooLargeError,
  DeferralNotAwaitedError,
  ErrorRecord,
  RemoteError,
  TaskTimeoutError,
} from "../errors/index.js";
import type { Fencing, HostSays, Lease, LeaseState, Patch, Receipt } from "../protocol/words.js";
import type { Context } from "../task/context.js";
import { contextFromWire, endContext, isEmptyPatch, patchOf, takePatch } from "../task/context-wire.js";
import type { ResolvedTask, TaskInfo } from "../task/definition.js";
import { resultContext } from "../task/result.js";
import { Callbacks } from "./callbacks.js";
import { CommittedPatch } from "./committed-patch.js";
import type { Deferral } from "./deferral.js";
import { failureOf } from "./failure-text.js";
import type { HostTime } from "./host-time.js";
import { RunningHandle } from "./running-handle.js";

/** What an execution needs of its session. */
export interface ExecutionPort {
  /** Says something; the receipt comes once it is committed, also after a reconnect. */
  say(event: HostSays, onReceipt?: (receipt: Receipt) => void): void;
  readonly maxPatchBytes: number;
  readonly maxFailureBytes: number;
  readonly time: HostTime;
  /** The code has ended, and nothing more is to be said about the lease. */
  gone(execution: Execution): void;
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
}

type Outcome = Extract<HostSays, { type: "complete" | "fail" }>;

/** Why nothing counts any more that the code returns. */
type Stopping = "fenced" | "revoked" | "declined";

const NOTHING: Patch = { set: {}, removed: [] };

export class Execution {
  /** What the code works on; once it has ended, what it leaves behind. */
  context: Context;
  readonly aborter = new AbortController();
  /** The current deferral, or the last one. */
  deferral: Deferral | null = null;
  readonly #committed: CommittedPatch;
  readonly #callbacks = new Callbacks(this);
  #isCodeOver = false;
  #isSettled = false;
  #stopping: Stopping | null = null;

  constructor(
    readonly lease: Lease,
    readonly task: ResolvedTask,
    readonly port: ExecutionPort,
  ) {
    this.#committed = new CommittedPatch(lease.checkpoint);
    this.context = contextFromWire(lease.input, lease.checkpoint);
  }

  get leaseId(): string {
    return this.lease.leaseId;
  }

  /** How this host sees the lease (P6). */
  get leaseState(): LeaseState {
    if (this.#isCodeOver || this.#stopping === "declined") return "FINISHED";
    return this.deferral?.leaseState ?? "HELD";
  }

  /** Whether the lease still has no terminal receipt (P6: `Hello` lists it). */
  get isOwed(): boolean {
    return !this.#isSettled;
  }

  /** Whether the lease is fenced and `Stopped` is, or will be, owed. */
  get owesStopped(): boolean {
    return this.#stopping === "fenced";
  }

  /** Runs the code; never rejects. */
  async run(): Promise<void> {
    const { task, context } = this;
    const handle = task.wantsHandle ? new RunningHandle(this) : null;
    try {
      const returned = await task.fn(context, handle);
      if (this.deferral?.isOpen) throw new DeferralNotAwaitedError(task.id);
      this.context = resultContext(context, returned);
      this.#end({ type: "complete", leaseId: this.leaseId, patch: this.takePatch() });
    } catch (error) {
      this.#fail(ErrorRecord.from(error));
    } finally {
      handle?.consume();
      endContext(context);
      this.deferral?.abandon();
    }
  }

  /** P10: takes what was set and removed so far, or throws ContextTooLargeError and takes nothing. */
  takePatch(): Patch {
    const bytes = this.#committed.bytesWith(patchOf(this.context));
    const { maxPatchBytes } = this.port;
    if (bytes > maxPatchBytes) throw new ContextTooLargeError(this.task.id, bytes, maxPatchBytes);
    const patch = takePatch(this.context);
    this.#committed.add(patch);
    return patch;
  }

  /** Commits what was set so far (`handle.checkpoint`); resolves once it is durable. */
  async checkpoint(): Promise<void> {
    const patch = this.takePatch();
    if (isEmptyPatch(patch)) return;
    await new Promise<void>((resolve, reject) => {
      this.port.say({ type: "checkpoint", leaseId: this.leaseId, patch }, (receipt) => {
        const { result, code, message } = receipt;
        if (result === "APPLIED" || result === "DUPLICATE") return resolve();
        if (result === "STALE") return reject(new CancelledError(code === "" ? result : code, message));
        this.refused(receipt);
        reject(new RemoteError(code, message));
      });
    });
  }

  /** P10: what cannot be taken may have failed the task there and then; nothing that its code says counts any more. */
  refused({ isFinalFailure, message }: Receipt): void {
    if (!isFinalFailure) return;
    this.revoke(message);
    this.#callbacks.failed(ErrorRecord.from(new Error(message)), null);
  }

  /** P3: the lease is fenced. The code is told, and `Stopped` is said once it has stopped. */
  cancel({ reason, detail, next }: Fencing): void {
    // P9: the attempt has failed, whatever became of its code here. That may never stop, so nobody waits for it.
    if (next !== undefined) this.#callbacks.failed(ErrorRecord.from(new TaskTimeoutError(detail)), next);
    // What has ended is on its way, or was refused: its slot is free with it.
    if (this.#isCodeOver || this.#stopping !== null) return;
    this.#stopping = "fenced";
    this.#tell(new CancelledError(reason, detail));
  }

  /** The lease is not this host's any more: the code is told, and nothing is owed. */
  revoke(detail: string): void {
    if (this.#stopping === null && !this.#isCodeOver) {
      this.#stopping = "revoked";
      this.#tell(new CancelledError("REVOKED", detail));
    }
    this.#settle();
  }

  /** P12: hands the lease back, to be executed elsewhere. */
  decline(reason: string): void {
    if (this.#isCodeOver || this.#stopping !== null) return;
    this.#stopping = "declined";
    this.port.say({ type: "decline", leaseId: this.leaseId, patch: this.#patchToLeave(), reason }, () =>
      this.#settle(),
    );
    this.aborter.abort(new CancelledError("SHUTDOWN", reason));
    this.deferral?.close(reason);
  }

  info(): TaskInfo {
    const { namespace, runId, workflow, workflowVersion, taskRunId, attempt, recovery, fence, leaseId } = this.lease;
    return { namespace, runId, workflow, workflowVersion, taskRunId, attempt, recovery, fence, leaseId };
  }

  #tell(error: CancelledError): void {
    this.aborter.abort(error);
    this.deferral?.fail(error);
  }

  /** What a lease that goes back leaves to its next execution; what is too large is lost with this one. */
  #patchToLeave(): Patch {
    try {
      return this.takePatch();
    } catch (error) {
      this.port.warn("patch_dropped", { lease: this.leaseId, reason: String(ErrorRecord.from(error)) });
      return NOTHING;
    }
  }

  #fail(record: ErrorRecord): void {
    const failure = failureOf(record, this.port.maxFailureBytes);
    const { isTransient: transient, isFinal: final, nextDelayMs } = failureClass(record, this.port.time.now());
    const delay = nextDelayMs === undefined ? null : { nextDelayMs };
    this.#end({ type: "fail", leaseId: this.leaseId, failure, transient, final, ...delay }, record);
  }

  /** The code has ended. */
  #end(outcome: Outcome, record: ErrorRecord | null = null): void {
    this.#isCodeOver = true;
    endContext(this.context);
    if (this.#stopping === "fenced") {
      this.port.say({ type: "stopped", leaseId: this.leaseId }, () => this.#settle());
    } else if (this.#stopping === null) {
      this.port.say(outcome, (receipt) => this.#receipted(outcome, record, receipt));
    }
    this.#forgetWhenOver();
  }

  #receipted(outcome: Outcome, record: ErrorRecord | null, receipt: Receipt): void {
    const { result, code, message, isFinalFailure, retry } = receipt;
    const isFailure = isFinalFailure || retry !== undefined;
    if (outcome.type === "complete" && result === "REJECTED" && !isFailure) {
      // What the scheduler cannot take from a task is that task's failure: a lease must not stay for ever.
      const failure = { code, type: "", message, stack: "" };
      this.#end({ type: "fail", leaseId: this.leaseId, failure, transient: false, final: true });
      return;
    }
    this.#settle();
    if (isFailure) {
      // Also of a Complete: its patch was too large, and the scheduler has made a failure of it (P10).
      const error = record ?? ErrorRecord.from(new Error(outcome.type === "fail" ? outcome.failure.message : message));
      this.#callbacks.failed(error, retry ?? null);
    } else if (outcome.type === "complete" && (result === "APPLIED" || result === "DUPLICATE")) {
      this.#callbacks.succeeded();
    }
  }

  #settle(): void {
    this.#isSettled = true;
    this.#forgetWhenOver();
  }

  #forgetWhenOver(): void {
    if (this.#isSettled && this.#isCodeOver) this.port.gone(this);
  }
}
