import { CloacaError } from "../core/errors.js";

const MAX_PAGE_SIZE = 1_000;

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
