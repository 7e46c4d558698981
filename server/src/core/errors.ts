import type { Problem } from "./model.js";

/** The names of the gRPC status codes that errors map to. */
export type StatusName =
  | "CANCELLED"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE";

interface CodeInfo {
  readonly status: StatusName;
  /** One sentence for the table of codes in the docs. */
  readonly doc: string;
}

/** Every code that the server uses, in errors, receipts and failures. Codes are stable: programs compare them. */
export const ERROR_CODES = {
  DEFINITION_INVALID: {
    status: "INVALID_ARGUMENT",
    doc: "A workflow definition breaks a rule; the problems say which.",
  },
  REQUEST_INVALID: { status: "INVALID_ARGUMENT", doc: "A field of the request breaks a rule; the problems say which." },
  CONTEXT_KEY_INVALID: {
    status: "INVALID_ARGUMENT",
    doc: "A context key is empty, too long, reserved or not valid text.",
  },
  CONTEXT_VALUE_INVALID: {
    status: "INVALID_ARGUMENT",
    doc: "A context value is not JSON text, or a key that came with one is none.",
  },
  CONTEXT_TOO_LARGE: { status: "INVALID_ARGUMENT", doc: "A context or patch is over the limit that Welcome names." },
  WORKFLOW_NOT_FOUND: { status: "NOT_FOUND", doc: "No workflow of that name is registered in the namespace." },
  WORKFLOW_VERSION_NOT_FOUND: { status: "NOT_FOUND", doc: "The workflow has no such version." },
  RUN_NOT_FOUND: { status: "NOT_FOUND", doc: "The namespace has no run with that id; it may have been purged." },
  RUN_NOT_FAILED: { status: "FAILED_PRECONDITION", doc: "Only a run that has failed can be retried." },
  TASK_NOT_FOUND: { status: "NOT_FOUND", doc: "The workflow has no task with that id." },
  HOST_NOT_FOUND: { status: "NOT_FOUND", doc: "The namespace has no host with that id." },
  SESSION_NOT_FOUND: { status: "NOT_FOUND", doc: "There is no session with that id." },
  SESSION_EXPIRED: { status: "ABORTED", doc: "The session showed no life for its TTL; register again with Hello." },
  SESSION_SUPERSEDED: { status: "ABORTED", doc: "A newer connection of the same instance has taken the session over." },
  RESUME_TOKEN_INVALID: { status: "PERMISSION_DENIED", doc: "The resume token is not the session's." },
  HOST_ID_IN_USE: { status: "ALREADY_EXISTS", doc: "Another instance with that host id is alive." },
  REQUEST_ID_CONFLICT: {
    status: "ALREADY_EXISTS",
    doc: "The request id was used before with another payload, or its run was purged.",
  },
  ORIGIN_NOT_ALLOWED: {
    status: "PERMISSION_DENIED",
    doc: "The request comes from a web page of an origin that the scheduler does not allow.",
  },
  HELLO_EXPECTED: { status: "FAILED_PRECONDITION", doc: "The first event of a connection must be Hello." },
  HELLO_TIMEOUT: { status: "DEADLINE_EXCEEDED", doc: "The connection was opened and sent no Hello in time." },
  HELLO_REPEATED: { status: "FAILED_PRECONDITION", doc: "A connection carries one Hello." },
  PROTOCOL_VERSION_UNSUPPORTED: {
    status: "FAILED_PRECONDITION",
    doc: "Host and scheduler have no protocol version in common.",
  },
  SEQ_INVALID: { status: "INVALID_ARGUMENT", doc: "A host event's seq is missing or does not grow." },
  UNSUPPORTED: { status: "UNIMPLEMENTED", doc: "The scheduler does not know this event or feature." },
  LEASE_STALE: { status: "FAILED_PRECONDITION", doc: "The lease is not current; nothing was changed (P3)." },
  OUTCOME_CONFLICT: {
    status: "FAILED_PRECONDITION",
    doc: "The lease has already ended with another outcome; the first one stays (P4).",
  },
  DEFERRAL_OPEN: { status: "FAILED_PRECONDITION", doc: "The lease is deferred; it has to reclaim a slot first." },
  DEFERRAL_OUT_OF_ORDER: {
    status: "FAILED_PRECONDITION",
    doc: "Deferrals of a lease are numbered 1, 2, … and this is not the one that is due.",
  },
  CURSOR_EXPIRED: {
    status: "OUT_OF_RANGE",
    doc: "The events after the cursor are no longer kept; read the run, then watch anew.",
  },
  CURSOR_INVALID: { status: "INVALID_ARGUMENT", doc: "The cursor was not made by this scheduler for this watch." },
  PAGE_TOKEN_INVALID: {
    status: "INVALID_ARGUMENT",
    doc: "The page token was not made by this scheduler for this list.",
  },
  STORE_UNAVAILABLE: { status: "UNAVAILABLE", doc: "The store could not commit; nothing was changed." },
  STORE_NOT_A_DATABASE: { status: "FAILED_PRECONDITION", doc: "The store file is not a cloaca database." },
  STORE_NEWER: { status: "FAILED_PRECONDITION", doc: "The store was written by a newer version of cloaca." },
  STORE_IN_USE: { status: "FAILED_PRECONDITION", doc: "Another process owns the store file." },
  ADDRESS_IN_USE: { status: "FAILED_PRECONDITION", doc: "Another process listens on the address." },
  DRAINING: { status: "UNAVAILABLE", doc: "The scheduler is shutting down; connect again later." },
  INTERNAL: { status: "INTERNAL", doc: "A defect of the scheduler." },
  HOST_LOST: { status: "ABORTED", doc: "The attempt's hosts were lost too often." },
  TASK_TIMEOUT: { status: "DEADLINE_EXCEEDED", doc: "The attempt held a slot for longer than the task's timeout." },
  TASK_FAILED: { status: "ABORTED", doc: "The task's code failed." },
  RUN_CANCELLED: { status: "CANCELLED", doc: "The run was cancelled." },
  RUN_TIMEOUT: { status: "DEADLINE_EXCEEDED", doc: "The run was not over within its own timeout." },
} as const satisfies Readonly<Record<string, CodeInfo>>;

/** A stable name for what went wrong. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** What an error can carry besides its code and message. */
export interface ErrorDetails {
  readonly problems?: readonly Problem[];
  /** When trying again makes sense, in milliseconds from now. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

// Instances of two copies of this package recognise each other.
const BRAND = Symbol.for("@cloaca/server/CloacaError");

/** Problems that an error's message spells out; the others are in `problems`. */
const SHOWN_PROBLEMS = 10;

/** An error with a stable code. Everything that the server throws at a caller is one. */
export class CloacaError extends Error {
  override readonly name: string = "CloacaError";
  readonly code: ErrorCode;
  /** All problems of the input, each with its place; empty when the message says it all. */
  readonly problems: readonly Problem[];
  /** When trying again makes sense, in milliseconds from now. */
  readonly retryAfterMs?: number;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.problems = details.problems ?? [];
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** An error about an input, whose message lists the problems: `workflow "etl": 2 problems` and a line for each. */
  static fromProblems(code: ErrorCode, what: string, problems: readonly Problem[]): CloacaError {
    const lines = problems
      .slice(0, SHOWN_PROBLEMS)
      .map((problem) => (problem.field === "" ? problem.description : `${problem.field}: ${problem.description}`));
    const hidden = problems.length - lines.length;
    if (hidden > 0) lines.push(`and ${hidden} more`);
    const only = lines.length === 1 ? lines[0] : undefined;
    const message =
      only === undefined ? `${what}: ${problems.length} problems\n- ${lines.join("\n- ")}` : `${what}: ${only}`;
    return new CloacaError(code, message, { problems });
  }

  /** The one door for what was caught: a CloacaError stays itself, anything else becomes INTERNAL with the thing as its cause. */
  static from(thrown: unknown): CloacaError {
    if (thrown instanceof CloacaError) return thrown;
    return new CloacaError("INTERNAL", describeThrown(thrown), { cause: thrown });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass inherits this and keeps the ordinary meaning; only CloacaError itself goes by the brand.
    // biome-ignore lint/complexity/noThisInStatic: `this` is the class on the right of instanceof
    if (this !== CloacaError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && BRAND in value;
  }
}

function describeThrown(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  if (typeof thrown === "string") return thrown;
  try {
    return `thrown: ${JSON.stringify(thrown) ?? String(thrown)}`;
  } catch {
    return `thrown: ${Object.prototype.toString.call(thrown)}`;
  }
}
