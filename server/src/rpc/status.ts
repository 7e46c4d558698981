/** The one place where errors become gRPC statuses, with `google.rpc` details that clients can read. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { CloacaError, ERROR_CODES } from "../core/errors.js";

/** Trailers have little room: a longer list of problems is cut here, its length is in the message. */
const MAX_PROBLEMS = 20;
const MAX_MESSAGE_BYTES = 2_000;

export function toStatus(thrown: unknown): ServiceError {
  const error = CloacaError.from(thrown);
  const code = status[ERROR_CODES[error.code].status];
  const details = cut(error.message);
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(statusDetails(code, details, error)));
  return Object.assign(new Error(details), { code, details, metadata });
}

// The messages of google/rpc/status.proto and error_details.proto, field by field.

function statusDetails(code: number, message: string, error: CloacaError): Uint8Array {
  const writer = new BinaryWriter().uint32(tag(1, 0)).int32(code).uint32(tag(2, 2)).string(message);
  any(writer, "google.rpc.ErrorInfo", errorInfo(error));
  if (error.problems.length > 0) any(writer, "google.rpc.BadRequest", badRequest(error));
  if (error.retryAfterMs !== undefined) any(writer, "google.rpc.RetryInfo", retryInfo(error.retryAfterMs));
  return writer.finish();
}

function any(writer: BinaryWriter, type: string, value: Uint8Array): void {
  writer.uint32(tag(3, 2)).fork();
  writer.uint32(tag(1, 2)).string(`type.googleapis.com/${type}`).uint32(tag(2, 2)).bytes(value);
  writer.join();
}

function errorInfo(error: CloacaError): Uint8Array {
  return new BinaryWriter().uint32(tag(1, 2)).string(error.code).uint32(tag(2, 2)).string("cloaca").finish();
}

function badRequest(error: CloacaError): Uint8Array {
  const writer = new BinaryWriter();
  for (const { field, description } of error.problems.slice(0, MAX_PROBLEMS)) {
    writer.uint32(tag(1, 2)).fork();
    writer.uint32(tag(1, 2)).string(cut(field, 200)).uint32(tag(2, 2)).string(cut(description, 300));
    writer.join();
  }
  return writer.finish();
}

function retryInfo(delayMs: number): Uint8Array {
  const writer = new BinaryWriter().uint32(tag(1, 2)).fork();
  writer.uint32(tag(1, 0)).int64(Math.floor(delayMs / 1000));
  writer.uint32(tag(2, 0)).int32((delayMs % 1000) * 1_000_000);
  return writer.join().finish();
}

function tag(field: number, wireType: 0 | 2): number {
  return (field << 3) | wireType;
}

function cut(text: string, max = MAX_MESSAGE_BYTES): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
