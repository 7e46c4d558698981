/** Statuses of grpc-js as errors of the SDK. */
import type { ServiceError } from "@grpc/grpc-js";
import type { ConnectionError, RemoteError } from "../errors/index.js";
import { type Detail, errorOf, fields, text } from "./error-details.js";

export function fromServiceError(error: ServiceError, address: string): RemoteError | ConnectionError {
  const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
  const { code, message } = error;
  return errorOf({ code, message: error.details || message, details: detailsOf(bytes), cause: error }, address);
}

/** The details of a `google.rpc.Status`. */
function* detailsOf(bytes: unknown): Generator<Detail> {
  if (!Buffer.isBuffer(bytes)) return;
  for (const any of fields(bytes, 3)) {
    yield { type: text(fields(any, 1)[0]), value: fields(any, 2)[0] ?? new Uint8Array() };
  }
}
