/** gRPC statuses as errors of the SDK, with what `google.rpc` details say. */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { type ServiceError, status } from "@grpc/grpc-js";
import { ConnectionError, type Problem, RemoteError } from "../errors/index.js";

/** Statuses that say that the scheduler was not reached, or has gone. */
const LOST: ReadonlySet<number> = new Set([status.UNAVAILABLE, status.CANCELLED, status.UNKNOWN]);

export function fromServiceError(error: ServiceError, address: string): RemoteError | ConnectionError {
  const details = parseDetails(error.metadata?.get("grpc-status-details-bin")[0]);
  if (details.code === "" && LOST.has(error.code)) {
    return new ConnectionError(address, error.details || error.message, { cause: error });
  }
  const name = status[error.code] ?? "UNKNOWN";
  const { problems, retryAfterMs } = details;
  const more = { status: name, problems, ...(retryAfterMs === undefined ? null : { retryAfterMs }) };
  return new RemoteError(details.code === "" ? name : details.code, error.details || error.message, more, {
    cause: error,
  });
}

interface Details {
  readonly code: string;
  readonly problems: readonly Problem[];
  readonly retryAfterMs?: number;
}

function parseDetails(bytes: unknown): Details {
  let code = "";
  const problems: Problem[] = [];
  let retryAfterMs: number | undefined;
  try {
    if (!Buffer.isBuffer(bytes)) return { code, problems };
    for (const any of fields(bytes, 3)) {
      const type = text(fields(any, 1)[0]);
      const value = fields(any, 2)[0] ?? new Uint8Array();
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
function fields(message: Uint8Array, number: number): Uint8Array[] {
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

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : new TextDecoder().decode(bytes);
}
