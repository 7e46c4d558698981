/** How much the fault tests do: what is quick within `npm test`, everything with `npm run fault`. */

import { it } from "vitest";

/** Whether this is `npm run fault`. */
export const isFull = process.env["FAULT_FORM"] === "full";

/** Takes the first value within `npm test`, the second with `npm run fault`. */
export function inForm<T>(short: T, full: T): T {
  return isFull ? full : short;
}

/** Seed and number of runs of the fuzz tests: fixed within `npm test`, so that a failure there comes again. */
export const FUZZ_SEED = Number(process.env["FAULT_SEED"] ?? 20_260_901);
export const FUZZ_RUNS = Number(process.env["FAULT_SEEDS"] ?? inForm(60, 1_000));

/** A test of `npm run fault` alone. Within `npm test` it is not there: what is skipped looks like something to be mended. */
export function itFully(name: string, test: () => Promise<void>, timeoutMs?: number): void {
  if (isFull) it(name, test, timeoutMs);
}
