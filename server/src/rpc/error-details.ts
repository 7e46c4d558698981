/**
 * What clients can read of an error besides its status: messages of google/rpc/error_details.proto, written field by field,
 * each with the JSON that people read.
 */
import type { JsonObject } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { CloacaError } from "../core/errors.js";
import type { Problem } from "../core/model.js";

export interface ErrorDetail {
  /** Full name of the message. */
  readonly type: string;
  readonly value: Uint8Array;
  /** The same message as JSON. */
  readonly debug: JsonObject;
}

/**
 * Trailers have little room: gRPC in other languages refuses more than 8 KiB of them. The message travels percent-encoded,
 * the details in base 64; a list of problems that is too long is cut, its length is in the message.
 */
const MAX_ENCODED_MESSAGE = 2_400;
const MAX_DETAIL_BYTES = 3_600;
export const MAX_DETAIL_MESSAGE_BYTES = 800;

/** The message of an error, as long as a header may be. */
export function messageOf(error: CloacaError): string {
  return cut(error.message, MAX_ENCODED_MESSAGE, (char) => encodeURI(char).length);
}

export function errorDetails(error: CloacaError): ErrorDetail[] {
  const details = [errorInfo(error)];
  if (error.problems.length > 0) details.push(badRequest(error));
  if (error.retryAfterMs !== undefined) details.push(retryInfo(error.retryAfterMs));
  return details;
}

function errorInfo({ code }: CloacaError): ErrorDetail {
  return {
    type: "google.rpc.ErrorInfo",
    value: new BinaryWriter().uint32(tag(1, 2)).string(code).uint32(tag(2, 2)).string("cloaca").finish(),
    debug: { reason: code, domain: "cloaca" },
  };
}

function badRequest(error: CloacaError): ErrorDetail {
  const fieldViolations = shortened(error.problems);
  const writer = new BinaryWriter();
  for (const { field, description } of fieldViolations) {
    writer.uint32(tag(1, 2)).fork().uint32(tag(1, 2)).string(field).uint32(tag(2, 2)).string(description).join();
  }
  return { type: "google.rpc.BadRequest", value: writer.finish(), debug: { fieldViolations } };
}

/** As many problems as there is room for. */
function shortened(problems: readonly Problem[]): { field: string; description: string }[] {
  const kept: { field: string; description: string }[] = [];
  let room = MAX_DETAIL_BYTES - MAX_DETAIL_MESSAGE_BYTES;
  for (const problem of problems) {
    const field = cut(problem.field, 200);
    const description = cut(problem.description, 400);
    room -= Buffer.byteLength(field) + Buffer.byteLength(description) + 8;
    if (room < 0) break;
    kept.push({ field, description });
  }
  return kept;
}

function retryInfo(delayMs: number): ErrorDetail {
  const writer = new BinaryWriter().uint32(tag(1, 2)).fork();
  writer.uint32(tag(1, 0)).int64(Math.floor(delayMs / 1000));
  writer.uint32(tag(2, 0)).int32((delayMs % 1000) * 1_000_000);
  return {
    type: "google.rpc.RetryInfo",
    value: writer.join().finish(),
    debug: { retryDelay: `${delayMs / 1000}s` },
  };
}

export function tag(field: number, wireType: 0 | 2): number {
  return (field << 3) | wireType;
}

/**
 * The text, cut at a whole character where it is longer than `max` as `size` counts. Half characters, which no header can
 * carry, are replaced.
 */
export function cut(text: string, max: number, size = (char: string): number => Buffer.byteLength(char)): string {
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
