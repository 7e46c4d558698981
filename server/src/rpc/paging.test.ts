import { expect, it } from "vitest";
import { PAGE_BYTES, pageOf, pageSize } from "./paging.js";

const ITEMS = [10, PAGE_BYTES, 20, 30, 40];
const page = (from: number, size: number) => pageOf(ITEMS, from, size, (bytes) => bytes);

it("ends a page at its size, or before it grows too large for a message", () => {
  expect(page(0, 5)).toEqual({ items: [10], nextPageToken: "1" });
  // One that is too large has a page of its own.
  expect(page(1, 5)).toEqual({ items: [PAGE_BYTES], nextPageToken: "2" });
  expect(page(2, 2)).toEqual({ items: [20, 30], nextPageToken: "4" });
  expect(page(2, 3)).toEqual({ items: [20, 30, 40], nextPageToken: "" });
  expect(page(9, 3)).toEqual({ items: [], nextPageToken: "" });
});

it("refuses a page size over the limit, and takes 0 for the default", () => {
  expect([pageSize(0, 100), pageSize(1_000, 100)]).toEqual([100, 1_000]);
  expect(() => pageSize(1_001, 100)).toThrow(expect.objectContaining({ code: "REQUEST_INVALID" }));
});
