import { CloacaError } from "../core/errors.js";

/** Cursors are positions of the log, opaque to clients. */
export function encodeCursor(position: number): string {
  return Buffer.from(`1:${position}`).toString("base64url");
}

/** Throws CURSOR_INVALID for what no watch gave, CURSOR_EXPIRED for a position that this log has never reached. */
export function decodeCursor(cursor: string, last: number): number {
  const match = /^1:(\d{1,15})$/.exec(Buffer.from(cursor, "base64url").toString("latin1"));
  if (match === null) {
    throw new CloacaError(
      "CURSOR_INVALID",
      `cursor "${cursor}" is not one that a watch gave; leave it empty to begin anew`,
    );
  }
  const position = Number(match[1]);
  if (position > last) {
    throw new CloacaError(
      "CURSOR_EXPIRED",
      "the cursor is of a log that is no longer there; read the run, then watch anew",
    );
  }
  return position;
}
