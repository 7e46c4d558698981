import { expect, it } from "vitest";
import { counted, list, names, span } from "./wording.js";

it("times are in the unit that fits them", () => {
  const told = [-3, 0, 999.4, 1_000, 1_540, 119_900, 120_000, 7_199_000, 7_200_000, 90_000_000].map(span);
  expect(told).toEqual(["0 ms", "0 ms", "999 ms", "1 s", "1.5 s", "119.9 s", "2 min", "120 min", "2 h", "25 h"]);
});

it("lists show the first of many", () => {
  expect(list(["a", "b", "c", "d", "e"])).toBe("a, b, c, d, e");
  expect(list(["a", "b", "c", "d", "e", "f", "g"])).toBe("a, b, c, d, e and 2 more");
  expect(names(["h1", "h2"])).toBe('"h1", "h2"');
  expect([counted(0, "slot"), counted(1, "slot"), counted(2, "slot")]).toEqual(["0 slots", "1 slot", "2 slots"]);
});
