/** The one place where errors become gRPC statuses, with `google.rpc` details that clients can read. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { CloacaError, ERROR_CODES } from "../core/errors.js";
import { cut, errorDetails, MAX_DETAIL_MESSAGE_BYTES, messageOf, tag } from "./error-details.js";

export function toStatus(thrown: unknown): ServiceError {
  const error = CloacaError.from(thrown);
  const code = status[ERROR_CODES[error.code].status];
  const details = messageOf(error);
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(statusDetails(code, error)));
  return Object.assign(new Error(details), { code, details, metadata });
}

/** The message of google/rpc/status.proto, field by field. */
function statusDetails(code: number, error: CloacaError): Uint8Array {
  const message = cut(error.message, MAX_DETAIL_MESSAGE_BYTES);
  const writer = new BinaryWriter().uint32(tag(1, 0)).int32(code).uint32(tag(2, 2)).string(message);
  for (const { type, value } of errorDetails(error)) {
    writer.uint32(tag(3, 2)).fork();
    writer.uint32(tag(1, 2)).string(`type.googleapis.com/${type}`).uint32(tag(2, 2)).bytes(value);
    writer.join();
  }
  return writer.finish();
}
