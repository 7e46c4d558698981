import { brandError } from "./brand.js";
import { CloacaError, type ErrorOptions } from "./cloaca-error.js";
import { describeProblems, type Problem } from "./problem.js";

/** What the scheduler said besides the code and the message. */
export interface RemoteErrorDetails {
  /** Every problem of the request, with its path, when the scheduler named them. */
  readonly problems?: readonly Problem[];
  /** Name of the gRPC status, for example `INVALID_ARGUMENT`. */
  readonly status?: string;
  /** When trying again makes sense, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** The scheduler refused. `code` is its own, for example `RUN_NOT_FOUND`. */
export class RemoteError extends CloacaError {
  readonly details: RemoteErrorDetails;

  constructor(code: string, message: string, details: RemoteErrorDetails = {}, options: ErrorOptions = {}) {
    const { problems = [] } = details;
    // The scheduler's messages may list the problems themselves; they are added only where they do not.
    const listed = problems.every((problem) => message.includes(problem.message));
    super(code, listed ? message : describeProblems(message, problems), options);
    this.details = details;
  }

  static {
    brandError(RemoteError, "RemoteError");
  }
}

/** The scheduler could not be reached, or went away. Code `CONNECTION_FAILED`. */
export class ConnectionError extends CloacaError {
  /** The address that was dialled. */
  readonly address: string;

  constructor(address: string, message: string, options: ErrorOptions = {}) {
    super("CONNECTION_FAILED", `${address}: ${message}`, options);
    this.address = address;
  }

  static {
    brandError(ConnectionError, "ConnectionError");
  }
}
