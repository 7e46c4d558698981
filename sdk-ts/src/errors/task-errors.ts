import { brandError } from "./brand.js";
import { CloacaError } from "./cloaca-error.js";

/** A task returned something that is no result. Final: another attempt would return the same. Code `TASK_RESULT_INVALID`. */
export class TaskResultInvalidError extends CloacaError {
  /** @param found what was returned, for example `an array` */
  constructor(found: string) {
    super(
      "TASK_RESULT_INVALID",
      `the task returned ${found}; return the context, nothing, or a plain object with the keys to set`,
    );
  }

  static {
    brandError(TaskResultInvalidError, "TaskResultInvalidError");
  }
}

/**
 * An attempt held a slot for longer than the `timeoutMs` of its task, so it has failed; what `onFailure` and `onRetry` get. The
 * code of the task itself is told by `handle.signal`, with a {@link CancelledError}. Transient. Code `TASK_TIMEOUT`.
 */
export class TaskTimeoutError extends CloacaError {
  constructor(message: string) {
    super("TASK_TIMEOUT", message);
  }

  static {
    brandError(TaskTimeoutError, "TaskTimeoutError");
  }
}

/** The task was told to stop. Also the `reason` of `handle.signal`. Code `CANCELLED`. */
export class CancelledError extends CloacaError {
  /** Why, for example `RUN_CANCELLED`, `RUN_TIMEOUT`, `TIMEOUT`, `REVOKED` or `SHUTDOWN`. */
  readonly reason: string;

  /** @param detail for people, added to the message */
  constructor(reason: string, detail?: string) {
    super(
      "CANCELLED",
      detail === undefined || detail === "" ? `cancelled: ${reason}` : `cancelled: ${reason} (${detail})`,
    );
    this.reason = reason;
  }

  static {
    brandError(CancelledError, "CancelledError");
  }
}
