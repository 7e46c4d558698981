import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RetryPolicy } from "./model.js";
import { backoffDelay, type FailureKind, NO_RETRIES, retryDelay, uniformOf } from "./retry.js";

const PLAIN: FailureKind = { transient: false, final: false, nextDelayMs: null };
const policy = (changes: Partial<RetryPolicy>): RetryPolicy => ({
  ...NO_RETRIES,
  attempts: 3,
  jitter: false,
  ...changes,
});

const anyPolicy = fc.record({
  attempts: fc.integer({ min: 0, max: 1_000 }),
  backoff: fc.constantFrom("fixed" as const, "linear" as const, "exponential" as const),
  delayMs: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  maxDelayMs: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  condition: fc.constantFrom("never" as const, "transient" as const, "all" as const),
  jitter: fc.boolean(),
});
const uniform = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const anyKind = fc.record({
  transient: fc.boolean(),
  final: fc.boolean(),
  nextDelayMs: fc.option(fc.integer({ min: 0, max: 2 ** 32 - 1 })),
});

describe("backoff", () => {
  it.each([
    ["fixed", [100, 100, 100, 100, 100]],
    ["linear", [100, 200, 300, 400, 500]],
    ["exponential", [100, 200, 400, 800, 1_000]],
  ] as const)("%s grows as it says, up to the cap", (backoff, delays) => {
    const plain = policy({ backoff, delayMs: 100, maxDelayMs: 1_000 });
    expect([1, 2, 3, 4, 5].map((n) => backoffDelay(plain, n, 0.5))).toEqual(delays);
  });

  it("jitter keeps within a quarter either way, and under the cap once the plain delay is at it", () => {
    const below = policy({ delayMs: 1_000, maxDelayMs: 8_000, jitter: true });
    expect([0, 0.5, 1 - Number.EPSILON].map((u) => backoffDelay(below, 1, u))).toEqual([750, 1_000, 1_250]);
    expect([0, 0.5, 1 - Number.EPSILON].map((u) => backoffDelay(below, 4, u))).toEqual([6_000, 7_000, 8_000]);
  });

  it("property: bounded by the cap and by the jitter, whatever the numbers", () => {
    const failures = fc.oneof(fc.integer({ min: 1, max: 1_001 }), fc.integer({ min: 1, max: 12 }));
    // Where the cap cuts the jitter alone is a narrow place among all numbers: half of the policies are there.
    const share = fc.option(fc.double({ min: 0.6, max: 1.7, noNaN: true }));
    fc.assert(
      fc.property(anyPolicy, failures, uniform, share, (drawn, n, u, near) => {
        const uncapped = backoffDelay({ ...drawn, jitter: false, maxDelayMs: Number.MAX_SAFE_INTEGER }, n, 0);
        const plain = near === null ? drawn : { ...drawn, maxDelayMs: Math.ceil(uncapped * near) };
        const delay = backoffDelay(plain, n, u);
        const bare = backoffDelay({ ...plain, jitter: false }, n, u);
        expect(Number.isInteger(delay)).toBe(true);
        expect(delay).toBeLessThanOrEqual(plain.maxDelayMs);
        expect(bare).toBeLessThanOrEqual(plain.maxDelayMs);
        if (!plain.jitter) expect(delay).toBe(bare);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(bare * 0.75));
        expect(delay).toBeLessThanOrEqual(Math.ceil(bare * 1.25));
      }),
      { numRuns: 1_000 },
    );
  });

  it("property: without jitter it never shrinks from one failure to the next", () => {
    fc.assert(
      fc.property(anyPolicy, fc.integer({ min: 1, max: 1_000 }), (plain, n) => {
        const still = { ...plain, jitter: false };
        expect(backoffDelay(still, n + 1, 0)).toBeGreaterThanOrEqual(backoffDelay(still, n, 0));
      }),
    );
  });
});

describe("whether a failure is retried", () => {
  it("counts retries, not attempts: three retries make four attempts", () => {
    const plain = policy({ delayMs: 5 });
    expect([1, 2, 3, 4].map((failures) => retryDelay(plain, failures, PLAIN, 0) !== null)).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it.each([
    ["never", { transient: true }, false],
    ["transient", { transient: false }, false],
    ["transient", { transient: true }, true],
    ["all", { transient: false }, true],
  ] as const)("condition %s with %o: %s", (condition, kind, retried) => {
    expect(retryDelay(policy({ condition }), 1, { ...PLAIN, ...kind }, 0) !== null).toBe(retried);
  });

  it("a host's own delay takes the place of the policy's, capped, without jitter", () => {
    const plain = policy({ delayMs: 5, maxDelayMs: 100, jitter: true });
    expect(retryDelay(plain, 1, { ...PLAIN, nextDelayMs: 70 }, 0)).toBe(70);
    expect(retryDelay(plain, 1, { ...PLAIN, nextDelayMs: 0 }, 0)).toBe(0);
    expect(retryDelay(plain, 1, { ...PLAIN, nextDelayMs: 500 }, 0)).toBe(100);
  });

  it("property: a host's delay overrides neither count nor condition, and final wins over all", () => {
    fc.assert(
      fc.property(anyPolicy, fc.integer({ min: 1, max: 1_001 }), anyKind, uniform, (plain, failures, kind, u) => {
        const delay = retryDelay(plain, failures, kind, u);
        const isRetried =
          !kind.final &&
          failures <= plain.attempts &&
          (plain.condition === "all" || (plain.condition === "transient" && kind.transient));
        expect(delay !== null).toBe(isRetried);
        if (delay !== null) expect(delay).toBeLessThanOrEqual(plain.maxDelayMs);
      }),
    );
  });
});

describe("the jitter's number", () => {
  it("is the same for the same text, lies in [0, 1), and spreads evenly", () => {
    expect(uniformOf("run.3.7")).toBe(uniformOf("run.3.7"));
    const buckets = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const u = uniformOf(`01J8Z3W9.${i % 100}.${i}`);
      expect(u).toBeGreaterThanOrEqual(0);
      expect(u).toBeLessThan(1);
      const bucket = Math.floor(u * 10);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
