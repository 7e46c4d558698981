import { CloacaError } from "../core/errors.js";
import { quote } from "../core/quote.js";

/** Where a watch goes on. */
export interface Cursor {
  /** Position of the last chunk of the log that was told whole. */
  readonly position: number;
  /** Events of the chunk after it that were told as well. */
  readonly told: number;
}

/** Opaque to clients. */
export function encodeCursor({ position, told }: Cursor): string {
  return Buffer.from(told === 0 ? `1:${position}` : `1:${position}:${told}`).toString("base64url");
}

/** Throws CURSOR_INVALID for what no watch gave, CURSOR_EXPIRED for a position that this log has never reached. */
export function decodeCursor(cursor: string, last: number): Cursor {
  const match = /^1:(\d{1,15})(?::(\d{1,15}))?$/.exec(Buffer.from(cursor, "base64url").toString("latin1"));
  if (match === null) {
    throw new CloacaError(
      "CURSOR_INVALID",
      `cursor ${quote(cursor)} is not one that a watch gave; leave it empty to begin anew`,
    );
  }
  const position = Number(match[1]);
  if (position > last) {
    throw new CloacaError(
      "CURSOR_EXPIRED",
      "the cursor is of a log that is no longer there; read the run, then watch anew",
    );
  }
  return { position, told: Number(match[2] ?? 0) };
}
