import { CloacaError } from "../core/errors.js";
import type { HostLoss } from "../core/model.js";

const MAX_PAGE_SIZE = 1_000;

/** gRPC in other languages refuses messages of more than 4 MiB by default, so a page ends before. */
export const PAGE_BYTES = 2 * 1024 * 1024;

/** 0 means the default. Throws for more than a page may have. */
export function pageSize(requested: number, byDefault: number): number {
  if (requested > MAX_PAGE_SIZE) {
    throw new CloacaError(
      "REQUEST_INVALID",
      `page_size is ${requested}; allowed are 1 to ${MAX_PAGE_SIZE}, 0 means ${byDefault}`,
    );
  }
  return requested === 0 ? byDefault : requested;
}

/** A page of a list that is there whole: at most `size` items, fewer where they are large, one at the least. */
export function pageOf<T>(
  items: readonly T[],
  from: number,
  size: number,
  bytesOf: (item: T) => number,
): { readonly items: readonly T[]; readonly nextPageToken: string } {
  let to = from;
  for (let bytes = 0; to < items.length && to < from + size; to++) {
    const item = items[to];
    if (item !== undefined) bytes += bytesOf(item);
    if (to > from && bytes > PAGE_BYTES) break;
  }
  return { items: items.slice(from, to), nextPageToken: to < items.length ? String(to) : "" };
}

/** An upper bound. Ids and names have 128 characters at most. */
export function lossesBytes(losses: readonly HostLoss[]): number {
  let bytes = 0;
  for (const { reason } of losses) bytes += 1_024 + 3 * reason.length;
  return bytes;
}
