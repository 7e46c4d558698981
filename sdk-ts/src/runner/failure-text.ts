/** Texts of failures, cut to what a scheduler takes (P10): one long message must not break the stream of all. */
import type { ErrorRecord } from "../errors/index.js";
import type { Failure } from "../protocol/words.js";

/** Codes and names of types are words. */
const MAX_WORD_BYTES = 256;

/** The failure of an error; message and stack together at most `maxBytes` of UTF-8, the stack cut first. */
export function failureOf({ code, type, message, stack = "" }: ErrorRecord, maxBytes: number): Failure {
  const cutMessage = cutText(message, maxBytes);
  return {
    code: cutText(code, MAX_WORD_BYTES),
    type: cutText(type, MAX_WORD_BYTES),
    message: cutMessage,
    stack: cutText(stack, maxBytes - Buffer.byteLength(cutMessage)),
  };
}

/** The text, or its beginning and `…`, in at most so many bytes of UTF-8. */
export function cutText(text: string, maxBytes: number): string {
  // Each unit is three bytes at the most: what is surely short need not be counted.
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text;
  const room = maxBytes - Buffer.byteLength("…");
  if (room < 0) return "";
  // Only what can fit is looked at; a character that was cut in half reads as U+FFFD.
  const bytes = Buffer.from(text.slice(0, room)).subarray(0, room);
  return `${bytes.toString("utf8").replace(/\uFFFD+$/u, "")}…`;
}
