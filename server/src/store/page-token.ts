import { CloacaError } from "../core/errors.js";
import { quote } from "../core/quote.js";

/** Page tokens are numbers: of the last run, or an offset. Throws PAGE_TOKEN_INVALID for what no list gave. */
export function parsePageToken(token: string): number {
  const value = /^\d{1,15}$/.test(token) ? Number(token) : Number.NaN;
  if (Number.isNaN(value)) {
    throw new CloacaError(
      "PAGE_TOKEN_INVALID",
      `page_token ${quote(token)} is not one that this list gave; leave it empty for the first page`,
    );
  }
  return value;
}
