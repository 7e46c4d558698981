import { brandError } from "./brand.js";
import { CloacaError } from "./cloaca-error.js";

/** What the handle was consumed by. */
export type HandleConsumedReason =
  /** The task has ended; its handle is of no use any more. */
  | "task_ended"
  /** A deferral of the same task is still open; a task waits for one thing at a time. */
  | "deferral_open";

/** A handle was used after its task had ended, or for a second deferral at the same time. Code `HANDLE_CONSUMED`. */
export class HandleConsumedError extends CloacaError {
  /** What the handle was consumed by. */
  readonly reason: HandleConsumedReason;

  /** @param method the method that was called, for example `deferUntil` */
  constructor(method: string, reason: HandleConsumedReason) {
    const why =
      reason === "task_ended"
        ? "the task has ended; use its handle only while it runs"
        : "a deferral of this task is still open; await it before the next one, or wait for both in one condition";
    super("HANDLE_CONSUMED", `handle.${method}: ${why}`);
    this.reason = reason;
  }

  static {
    brandError(HandleConsumedError, "HandleConsumedError");
  }
}

/** `deferUntil` of `noHandle`: the task was called directly, outside of a host. Code `HANDLE_MISSING`. */
export class HandleMissingError extends CloacaError {
  /** @param method the method that was called, for example `deferUntil` */
  constructor(method: string) {
    super(
      "HANDLE_MISSING",
      `handle.${method}: this task was called directly, so there is no slot to give back; run it in a workflow`,
    );
  }

  static {
    brandError(HandleMissingError, "HandleMissingError");
  }
}

/** The host is shutting down, so a deferred task gets no slot any more. Code `SLOTS_CLOSED`. */
export class SlotsClosedError extends CloacaError {
  constructor(message = "the host is shutting down; the task is handed back and runs again elsewhere") {
    super("SLOTS_CLOSED", message);
  }

  static {
    brandError(SlotsClosedError, "SlotsClosedError");
  }
}

/** `maxWaitMs` of a deferral was over before its condition held. The task has its slot again. Code `DEFER_TIMEOUT`. */
export class DeferTimeoutError extends CloacaError {
  /** The `maxWaitMs` of the deferral, in milliseconds. */
  readonly maxWaitMs: number;
  /** What the deferral waited for, when the task said so with `describe`. */
  readonly waitedFor: string | undefined;

  constructor(maxWaitMs: number, waitedFor?: string) {
    super(
      "DEFER_TIMEOUT",
      `waited ${maxWaitMs} ms ${waitedFor === undefined ? "in vain" : `for ${waitedFor}, in vain`}`,
    );
    this.maxWaitMs = maxWaitMs;
    this.waitedFor = waitedFor;
  }

  static {
    brandError(DeferTimeoutError, "DeferTimeoutError");
  }
}

/** A task ended while its deferral was open: somebody forgot an `await`. Code `DEFERRAL_NOT_AWAITED`. */
export class DeferralNotAwaitedError extends CloacaError {
  /** Id of the task. */
  readonly taskId: string;

  constructor(taskId: string) {
    super(
      "DEFERRAL_NOT_AWAITED",
      `task ${JSON.stringify(taskId)} ended while its deferral was still open; write: await handle.deferUntil(…)`,
    );
    this.taskId = taskId;
  }

  static {
    brandError(DeferralNotAwaitedError, "DeferralNotAwaitedError");
  }
}
