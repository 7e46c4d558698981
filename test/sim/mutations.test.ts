/** The simulation bites: each of these defects is found, and what is found is not there without the defect. */
import { describe, expect, it } from "vitest";
import { MUTATIONS } from "./mutations.js";
import { planOf } from "./plan.js";
import { shrink } from "./shrink.js";
import { simulate } from "./simulation.js";

/** Each is found within so many seeds. */
const SEEDS = 200;

describe("a defect is found", () => {
  it("and there are enough of them, each with its own name", () => {
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
    expect(MUTATIONS.length).toBeGreaterThanOrEqual(15);
  });

  it.each(MUTATIONS)("$name", { timeout: 60_000 }, async (mutation) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { breaches } = await simulate(planOf(seed), { mutation });
      if (breaches.length === 0) continue;
      expect((await simulate(planOf(seed))).breaches).toEqual([]);
      return;
    }
    expect.fail(`not within ${SEEDS} seeds`);
  });

  it("and its schedule becomes shorter", { timeout: 60_000 }, async () => {
    const mutation = MUTATIONS.find(({ name }) => name.startsWith("P6: a broken stream"));
    expect(mutation).toBeDefined();
    const plan = planOf(2);
    const shrunk = await shrink(plan, 200, mutation);
    expect(shrunk.outcome.breaches).not.toEqual([]);
    expect(shrunk.plan.actions.length).toBeLessThanOrEqual(2);
    expect(shrunk.plan.actions.length).toBeLessThan(plan.actions.length);
    expect((await simulate(shrunk.plan)).breaches).toEqual([]);
  });
});
