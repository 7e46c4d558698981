import { describe, expect, it } from "vitest";
import { percentile } from "./statistics.js";

describe("percentile", () => {
  const samples = Array.from({ length: 100 }, (_, n) => 100 - n);

  it.each([
    [0, 1],
    [0.5, 51],
    [0.99, 100],
    [1, 100],
  ])("of %f among 1 to 100 is %f", (share, value) => {
    expect(percentile(samples, share)).toBe(value);
  });

  it("needs a sample", () => {
    expect(() => percentile([], 0.5)).toThrow("no samples");
  });
});
