/** The one place where errors become gRPC statuses, with `google.rpc` details that clients can read. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { CloacaError, ERROR_CODES } from "../core/errors.js";

/**
 * Trailers have little room: gRPC in other languages refuses more than 8 KiB of them. The message travels percent-encoded,
 * the details in base 64; a list of problems that is too long is cut, its length is in the message.
 */
const MAX_ENCODED_MESSAGE = 2_400;
const MAX_DETAIL_BYTES = 3_600;
const MAX_DETAIL_MESSAGE_BYTES = 800;

export function toStatus(thrown: unknown): ServiceError {
  const error = CloacaError.from(thrown);
  const code = status[ERROR_CODES[error.code].status];
  const details = cut(error.message, MAX_ENCODED_MESSAGE, (char) => encodeURI(char).length);
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(statusDetails(code, error)));
  return Object.assign(new Error(details), { code, details, metadata });
}

// The messages of google/rpc/status.proto and error_details.proto, field by field.

function statusDetails(code: number, error: CloacaError): Uint8Array {
  const message = cut(error.message, MAX_DETAIL_MESSAGE_BYTES);
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
  let room = MAX_DETAIL_BYTES - MAX_DETAIL_MESSAGE_BYTES;
  for (const problem of error.problems) {
    const field = cut(problem.field, 200);
    const description = cut(problem.description, 400);
    room -= Buffer.byteLength(field) + Buffer.byteLength(description) + 8;
    if (room < 0) break;
    writer.uint32(tag(1, 2)).fork();
    writer.uint32(tag(1, 2)).string(field).uint32(tag(2, 2)).string(description);
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

/**
 * The text, cut at a whole character where it is longer than `max` as `size` counts. Half characters, which no header can
 * carry, are replaced.
 */
function cut(text: string, max: number, size = (char: string): number => Buffer.byteLength(char)): string {
  let kept = "";
  let left = max - size("…");
  let end = "";
  for (const found of text) {
    const char = /^[\uD800-\uDFFF]$/.test(found) ? "\uFFFD" : found;
    left -= size(char);
    if (left < -size("…")) return `${kept}…`;
    // What still fits if nothing more comes.
    if (left < 0) end += char;
    else kept += char;
  }
  return kept + end;
}
