import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { didYouMean, nearest } from "./nearest.js";

const IDS = ["fetch_data", "wait_for_file", "load", "report"];

describe("nearest", () => {
  it.each([
    ["fetch_dat", "fetch_data"],
    ["fecth_data", "fetch_data"],
    ["fetchData", "fetch_data"],
    ["FETCH-DATA", "fetch_data"],
    ["laod", "load"],
    ["lod", "load"],
    ["rport", "report"],
    ["wait_for_flies", "wait_for_file"],
  ])("finds for %s the id %s", (word, expected) => {
    expect(nearest(word, IDS)).toBe(expected);
  });

  it.each(["", "x", "transform", "lxyd", "fetch"])("finds nothing for %j", (word) => {
    expect(nearest(word, IDS)).toBeNull();
  });

  it("prefers fewer edits, then the first", () => {
    expect(nearest("task_10", ["task_22", "task_11", "task_12"])).toBe("task_11");
    expect(nearest("task_10", ["task_12", "task_11"])).toBe("task_12");
    expect(nearest("loadData", ["loadDate", "load_data"])).toBe("load_data");
  });

  it("counts edits as the full table does", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 3, maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const allowed = a.toLowerCase() === b ? 0 : Math.min(3, Math.floor(a.length * 0.4));
        expect(nearest(a, [b])).toBe(fullDistance(a, b) <= allowed ? b : null);
      }),
      { numRuns: 2_000 },
    );
  });

  it("ends a message", () => {
    expect(didYouMean("laod", IDS)).toBe('; did you mean "load"?');
    expect(didYouMean("zzzz", IDS)).toBe("");
  });
});

/** Optimal string alignment with the whole table. */
function fullDistance(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  const cell = (i: number, j: number): number => table[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      let edits = Math.min(
        cell(i - 1, j) + 1,
        cell(i, j - 1) + 1,
        cell(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, cell(i - 2, j - 2) + 1);
      const row = table[i];
      if (row) row[j] = edits;
    }
  }
  return cell(a.length, b.length);
}
