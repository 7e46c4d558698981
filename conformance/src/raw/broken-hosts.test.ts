/** The kit finds what is broken, and nothing else: a host on bare stubs passes, and each flaw fails the cases for its rule. */
import { describe, expect, it, vi } from "vitest";
import { HOST_CASES } from "../cases/index.js";
import { runCases } from "../run-cases.js";
import { FLAWS, type Flaw } from "./flaws.js";
import { rawProgram } from "./raw-program.js";

// Each waits more than it computes.
vi.setConfig({ maxConcurrency: 10 });
const MINUTES = 4 * 60_000;

async function failures(flaw: Flaw | null): Promise<Record<string, string>> {
  const results = await runCases(HOST_CASES, { start: rawProgram(flaw), patienceMs: 6_000 });
  expect(results.length).toBe(HOST_CASES.length);
  return Object.fromEntries(results.flatMap(({ name, failure }) => (failure === null ? [] : [[name, failure]])));
}

describe.concurrent("the conformance kit", () => {
  it("passes a host that keeps every rule", { timeout: MINUTES }, async () => {
    expect(await failures(null)).toEqual({});
  });

  for (const [flaw, cases] of Object.entries(FLAWS) as [Flaw, readonly string[]][]) {
    it(`finds a host with the flaw ${flaw}`, { timeout: MINUTES }, async () => {
      const found = await failures(flaw);
      expect(Object.keys(found), JSON.stringify(found, null, 2)).toEqual(cases);
    });
  }
});
