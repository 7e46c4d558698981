import { brandError } from "./brand.js";
import { CloacaError, type ErrorOptions } from "./cloaca-error.js";
import { OptionsError } from "./options-error.js";
import { unknownOptions } from "./unknown-option.js";

/** What a `TransientError` can carry. */
export interface TransientErrorOptions extends ErrorOptions {
  /**
   * When to try again, in milliseconds from now: 0 or more. Takes the place of the delay that the task's retry options make, up
   * to `retryMaxDelayMs`; it changes neither `retryAttempts` nor `retryCondition`.
   */
  readonly retryAfterMs?: number | undefined;
}

/**
 * A failure that passes by itself: another attempt may well succeed. For what {@link isTransient} cannot know. Code
 * `TRANSIENT_ERROR`.
 *
 * ```ts
 * throw new TransientError("the warehouse is being rebuilt", { retryAfterMs: 30_000 });
 * ```
 *
 * @throws OptionsError when `retryAfterMs` is no number of milliseconds, or an option is unknown
 */
export class TransientError extends CloacaError {
  /** When to try again, in milliseconds from when the error was made; undefined leaves it to the task's retry options. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: TransientErrorOptions = {}) {
    super("TRANSIENT_ERROR", message, options);
    const { retryAfterMs } = options;
    const problems = unknownOptions(options, ["retryAfterMs", "cause"], "a TransientError");
    if (retryAfterMs !== undefined && !(Number.isFinite(retryAfterMs) && retryAfterMs >= 0)) {
      const message = `is ${String(retryAfterMs)}; allowed are milliseconds, 0 or more`;
      problems.push({ path: "retryAfterMs", message });
    }
    if (problems.length > 0) throw new OptionsError("new TransientError", problems);
    this.retryAfterMs = retryAfterMs;
  }

  static {
    brandError(TransientError, "TransientError");
  }
}

/**
 * A failure that another attempt would not change. The task fails for good, whatever its retry options say, and whatever the
 * `cause` was. Code `PERMANENT_ERROR`.
 *
 * ```ts
 * if (order === null) throw new PermanentError(`there is no order ${id}`);
 * ```
 *
 * @throws OptionsError when an option is unknown
 */
export class PermanentError extends CloacaError {
  constructor(message: string, options: ErrorOptions = {}) {
    super("PERMANENT_ERROR", message, options);
    const problems = unknownOptions(options, ["cause"], "a PermanentError");
    if (problems.length > 0) throw new OptionsError("new PermanentError", problems);
  }

  static {
    brandError(PermanentError, "PermanentError");
  }
}
