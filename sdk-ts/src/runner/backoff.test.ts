import { describe, expect, it } from "vitest";
import { Backoff } from "./backoff.js";

const waits = (random: () => number, count: number): number[] => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1_000, random });
  return Array.from({ length: count }, () => Math.round(backoff.next()));
};

describe("Backoff", () => {
  it("grows up to its limit, and stays there for ever", () => {
    expect(waits(() => 1, 7)).toEqual([100, 160, 256, 410, 655, 1_000, 1_000]);
    expect(waits(() => 1, 5_000).at(-1)).toBe(1_000);
  });

  it("spreads hosts over the upper half of each step", () => {
    expect(waits(() => 0, 3)).toEqual([50, 80, 128]);
    expect(waits(() => 0.5, 2)).toEqual([75, 120]);
  });

  it("is capped by the TTL of a session that would be lost meanwhile, and still spread", () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 10_000, random: () => 0 });
    const capped = Array.from({ length: 5 }, () => Math.round(backoff.next(334)));
    expect(capped).toEqual([50, 80, 128, 167, 167]);
  });

  it("begins anew after a connection that served", () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1_000, random: () => 1 });
    backoff.next();
    backoff.next();
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });
});
