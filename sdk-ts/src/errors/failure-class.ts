import { CloacaError } from "./cloaca-error.js";
import { ErrorRecord } from "./error-record.js";
import { attempt, isObject, read } from "./foreign-value.js";
import { GRPC_STATUSES } from "./grpc-status.js";
import { DeferTimeoutError, SlotsClosedError } from "./handle-errors.js";
import { ConnectionError, RemoteError } from "./remote-errors.js";
import { retryAfterIn } from "./retry-after.js";
import { PermanentError, TransientError } from "./retry-errors.js";
import { TaskTimeoutError } from "./task-errors.js";

/** What can be said about a failure, for whoever decides about another attempt. */
export interface FailureClass {
  /** It is of a kind that passes by itself. */
  readonly isTransient: boolean;
  /** Another attempt would end the same. */
  readonly isFinal: boolean;
  /** When to try again, in milliseconds, where the error says so. */
  readonly nextDelayMs?: number;
}

/** What an error says about itself, or the ones inside it: `lasting` is neither transient nor for ever, a 404 for example. */
type Verdict = "final" | "transient" | "lasting";

/** Longest delay that travels, about 24 days; the scheduler cuts it to the task's `retryMaxDelayMs`. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Errors that are looked at, of all that are inside one another. */
const MAX_ERRORS = 100;

/** Codes of errors after which another execution would end the same, whoever found them: this host or the scheduler. */
const FINAL_CODES: ReadonlySet<string> = new Set(["TASK_RESULT_INVALID", "DEFERRAL_NOT_AWAITED", "CONTEXT_TOO_LARGE"]);

/** System errors, and those of Node's own modules and undici (fetch), that say that a connection or a name server failed. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  // Timeouts. ECONNABORTED: axios' own, and a connection that the system gave up.
  "ETIMEDOUT",
  "ESOCKETTIMEDOUT",
  "ECONNABORTED",
  "ERR_SOCKET_CONNECTION_TIMEOUT",
  "ERR_TLS_HANDSHAKE_TIMEOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  // Connections. ERR_NETWORK: axios where it is not told why.
  "ECONNRESET",
  "ECONNREFUSED",
  "EPIPE",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ENETRESET",
  "EADDRNOTAVAIL",
  "UND_ERR_SOCKET",
  "ERR_NETWORK",
  "ERR_STREAM_PREMATURE_CLOSE",
  "ERR_HTTP2_GOAWAY_SESSION",
  "ERR_HTTP2_SESSION_ERROR",
  "ERR_HTTP2_STREAM_ERROR",
  // Names. ENOTFOUND too: it is also what a resolver without a network says, and what a name gets that is about to appear.
  "EAI_AGAIN",
  "ENOTFOUND",
  "ESERVFAIL",
  "EREFUSED",
  "ETIMEOUT",
]);

/** HTTP: what a client may repeat. Of 5xx, a server that cannot do something at all (501, 505) cannot do it later. */
function httpVerdict(status: number): Verdict | null {
  if (status === 408 || status === 429) return "transient";
  if (status === 501 || status === 505) return "lasting";
  if (status >= 500 && status <= 599) return "transient";
  return status >= 400 && status <= 499 ? "lasting" : null;
}

const TRANSIENT_STATUSES: ReadonlySet<string> = new Set([
  "UNAVAILABLE",
  "RESOURCE_EXHAUSTED",
  "DEADLINE_EXCEEDED",
  "ABORTED",
]);

/** Statuses that say too little: the cause may say more. */
const VAGUE_STATUSES: ReadonlySet<string> = new Set(["OK", "CANCELLED", "UNKNOWN", "INTERNAL"]);

function grpcVerdict(status: string | undefined): Verdict | null {
  if (status === undefined || VAGUE_STATUSES.has(status)) return null;
  return TRANSIENT_STATUSES.has(status) ? "transient" : "lasting";
}

/**
 * Whether an error is of a kind that passes by itself: timeouts, errors of connections and name servers, HTTP 408, 429 and 5xx
 * (but for 501 and 505), gRPC UNAVAILABLE, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED and ABORTED, and a `TransientError`. With
 * `retryCondition: "transient"`, these are retried.
 *
 * It goes by codes, statuses and types, never by the text of a message, and looks at `cause` and at the `errors` of an
 * AggregateError where an error itself says nothing: the outermost that says something decides. Of several in an
 * AggregateError, a `PermanentError` decides first, then one that is transient. Never throws.
 */
export function isTransient(error: unknown): boolean {
  return verdictOf(error, new Set()) === "transient";
}

/** What an error says about another attempt. Never throws. */
export function failureClass(error: unknown, nowMs: number): FailureClass {
  const verdict = verdictOf(error, new Set());
  const delayMs = verdict === "final" ? undefined : delayOf(error, nowMs, new Set());
  return {
    isTransient: verdict === "transient",
    isFinal: verdict === "final",
    ...(delayMs === undefined ? null : { nextDelayMs: Math.min(Math.ceil(delayMs), MAX_DELAY_MS) }),
  };
}

const BY_WEIGHT: readonly Verdict[] = ["final", "transient", "lasting"];

function verdictOf(error: unknown, seen: Set<unknown>): Verdict | null {
  if (!isNew(error, seen)) return null;
  const own = attempt(() => ownVerdict(error)) ?? null;
  if (own !== null) return own;
  const inner = errorsIn(error).map((one) => verdictOf(one, seen));
  return BY_WEIGHT.find((verdict) => inner.includes(verdict)) ?? null;
}

function delayOf(error: unknown, nowMs: number, seen: Set<unknown>): number | undefined {
  if (!isNew(error, seen) || attempt(() => error instanceof PermanentError) === true) return undefined;
  const own = attempt(() => ownDelay(error, nowMs));
  if (own !== undefined) return own;
  for (const inner of errorsIn(error)) {
    const delay = delayOf(inner, nowMs, seen);
    if (delay !== undefined) return delay;
  }
  return undefined;
}

/** Whether something is to be looked at: errors may be inside one another in a circle, or without end. */
function isNew(error: unknown, seen: Set<unknown>): error is object {
  if (!isObject(error) || seen.has(error) || seen.size >= MAX_ERRORS) return false;
  seen.add(error);
  return true;
}

function ownDelay(error: object, nowMs: number): number | undefined {
  if (error instanceof TransientError) return error.retryAfterMs;
  if (error instanceof RemoteError) return error.details.retryAfterMs;
  return retryAfterIn(read(error, "response"), nowMs) ?? retryAfterIn(error, nowMs);
}

/** The errors inside an error. */
function errorsIn(error: object): unknown[] {
  if (attempt(() => error instanceof ErrorRecord) === true) return [read(error, "thrown")];
  // By name: of another realm it is one too. Other errors keep other things in `errors`.
  const errors = read(error, "name") === "AggregateError" ? read(error, "errors") : undefined;
  return [read(error, "cause"), ...(Array.isArray(errors) ? errors.slice(0, MAX_ERRORS) : [])];
}

function ownVerdict(error: object): Verdict | null {
  return verdictOfOurs(error) ?? verdictByCode(error) ?? httpVerdict(statusOf(error) ?? 0);
}

function verdictOfOurs(error: object): Verdict | null {
  if (error instanceof PermanentError || (error instanceof CloacaError && FINAL_CODES.has(error.code))) return "final";
  if (error instanceof TransientError || error instanceof ConnectionError) return "transient";
  if (error instanceof DeferTimeoutError || error instanceof SlotsClosedError) return "transient";
  if (error instanceof TaskTimeoutError) return "transient";
  return error instanceof RemoteError ? grpcVerdict(error.details.status) : null;
}

function verdictByCode(error: object): Verdict | null {
  // What AbortSignal.timeout aborts with, and the name that libraries give their own.
  if (read(error, "name") === "TimeoutError") return "transient";
  const code = read(error, "code");
  if (typeof code === "string") return TRANSIENT_CODES.has(code) ? "transient" : null;
  if (typeof code !== "number" || !isGrpcError(error)) return null;
  return grpcVerdict(GRPC_STATUSES[code]);
}

/** grpc-js has `details`, connect a `rawMessage`; both have metadata. A mere number could be anything. */
function isGrpcError(error: object): boolean {
  const hasText = typeof read(error, "details") === "string" || typeof read(error, "rawMessage") === "string";
  return hasText && isObject(read(error, "metadata"));
}

/** The status of an HTTP answer, of an error or a thrown `Response`, where HTTP clients put it. */
function statusOf(error: object): number | undefined {
  const response = read(error, "response");
  const places = [
    read(response, "status"),
    read(response, "statusCode"),
    read(error, "status"),
    read(error, "statusCode"),
  ];
  return places.find((status) => typeof status === "number" && Number.isInteger(status)) as number | undefined;
}
