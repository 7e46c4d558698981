/** Statuses as errors of the SDK, with what `google.rpc` details say: the same for gRPC and for Connect. */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { GRPC_STATUSES } from "../errors/grpc-status.js";
import { ConnectionError, type Problem, RemoteError } from "../errors/index.js";

/** Those that say that the scheduler was not reached, or has gone. */
const LOST: ReadonlySet<string> = new Set(["UNAVAILABLE", "CANCELLED", "UNKNOWN"]);

/** One message of `google.rpc`. */
export interface Detail {
  /** Full name; there may be something before it. */
  readonly type: string;
  readonly value: Uint8Array;
}

export interface CallStatus {
  /** Number of the status. */
  readonly code: number;
  readonly message: string;
  /** As far as they can be read. */
  readonly details: Iterable<Detail>;
  readonly cause: unknown;
}

export function errorOf({ code, message, details, cause }: CallStatus, address: string): RemoteError | ConnectionError {
  const name = GRPC_STATUSES[code] ?? "UNKNOWN";
  const said = parseDetails(details);
  if (said.code === "" && LOST.has(name)) return new ConnectionError(address, message, { cause });
  const { problems, retryAfterMs } = said;
  const more = { status: name, problems, ...(retryAfterMs === undefined ? null : { retryAfterMs }) };
  return new RemoteError(said.code === "" ? name : said.code, message, more, { cause });
}

interface Said {
  readonly code: string;
  readonly problems: readonly Problem[];
  readonly retryAfterMs?: number;
}

function parseDetails(details: Iterable<Detail>): Said {
  let code = "";
  const problems: Problem[] = [];
  let retryAfterMs: number | undefined;
  try {
    for (const { type, value } of details) {
      if (type.endsWith("google.rpc.ErrorInfo")) code = text(fields(value, 1)[0]);
      else if (type.endsWith("google.rpc.RetryInfo")) retryAfterMs = durationMs(fields(value, 1)[0]);
      else if (type.endsWith("google.rpc.BadRequest")) {
        for (const violation of fields(value, 1)) {
          problems.push({ path: text(fields(violation, 1)[0]), message: text(fields(violation, 2)[0]) });
        }
      }
    }
  } catch {
    // Details of another form: the status says enough.
  }
  return { code, problems, ...(retryAfterMs === undefined ? null : { retryAfterMs }) };
}

/** The length-delimited fields with a number, of a message. */
export function fields(message: Uint8Array, number: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === number && wireType === 2) found.push(reader.bytes());
    else reader.skip(wireType, field);
  }
  return found;
}

function durationMs(duration: Uint8Array | undefined): number {
  const reader = new BinaryReader(duration ?? new Uint8Array());
  let ms = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) ms += Number(reader.int64()) * 1000;
    else if (field === 2) ms += reader.int32() / 1_000_000;
    else reader.skip(wireType, field);
  }
  return ms;
}

export function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : new TextDecoder().decode(bytes);
}
