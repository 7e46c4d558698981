/** Whatever fails, whenever: nothing is lost, nothing is accepted twice, and everything comes to its end. */
import { describe, expect, it } from "vitest";
import { type Plan, planOf } from "./plan.js";
import regressions from "./regressions.json" with { type: "json" };
import { describePlan, shrink } from "./shrink.js";
import { simulate } from "./simulation.js";

const SEEDS = 1_000;
const PER_TEST = 100;

describe("a thousand seeds", () => {
  const firsts = Array.from({ length: SEEDS / PER_TEST }, (_, i) => 1 + i * PER_TEST);
  it.each(firsts)("from %i on", { timeout: 120_000 }, async (first) => {
    for (let seed = first; seed < first + PER_TEST; seed++) {
      const { breaches } = await simulate(planOf(seed));
      if (breaches.length === 0) continue;
      const shortest = await shrink(planOf(seed));
      expect.fail(`seed ${seed}: ${breaches.join("; ")}\n${describePlan(shortest.plan)}`);
    }
  });
});

describe("schedules that once failed", () => {
  it.each(regressions)("$was", async ({ plan }) => {
    expect((await simulate(plan as Plan)).breaches).toEqual([]);
  });
});

describe("a seed", () => {
  it("reproduces a run: the same events, in the same order", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const [first, second] = [await simulate(planOf(seed)), await simulate(planOf(seed))];
      expect(first.events).toBeGreaterThan(0);
      expect(second).toEqual(first);
    }
  });

  it("reproduces it line by line, and another seed does something else", async () => {
    const lines = async (seed: number): Promise<string[]> => {
      const found: string[] = [];
      await simulate(planOf(seed), { trace: (line) => found.push(line) });
      return found;
    };
    const first = await lines(7);
    expect(first.length).toBeGreaterThan(100);
    expect(await lines(7)).toEqual(first);
    expect(await lines(8)).not.toEqual(first);
  });
});
