/** Plays scripted hosts against a live scheduler, case by case. */

import type { CaseResult } from "../run-cases.js";
import { CaseFailure } from "../stage/patience.js";
import type { SchedulerCase } from "./case.js";
import { leaseCases } from "./lease-cases.js";
import { LiveScheduler } from "./live-scheduler.js";
import { sessionCases } from "./session-cases.js";
import { World } from "./world.js";

export const SCHEDULER_CASES: readonly SchedulerCase[] = [...sessionCases, ...leaseCases];

export async function runSchedulerCases(
  cases: readonly SchedulerCase[],
  address: string,
  patienceMs: number,
  told: (result: CaseResult) => void = () => {},
): Promise<CaseResult[]> {
  const scheduler = new LiveScheduler(address, patienceMs);
  const results: CaseResult[] = [];
  try {
    for (const { name, rules, title, run } of cases) {
      const world = new World(scheduler);
      const began = performance.now();
      const failure = await run(world).then(() => null, textOf);
      world.close();
      const result = { name, group: "scheduler", rules, title, ms: Math.round(performance.now() - began), failure };
      results.push(result);
      told(result);
    }
  } finally {
    scheduler.close();
  }
  return results;
}

function textOf(error: unknown): string {
  if (error instanceof CaseFailure) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
