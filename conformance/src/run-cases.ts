/** Plays cases one after the other, and tells each result as it is there. */
import type { Case } from "./cases/case.js";
import { CaseFailure } from "./stage/patience.js";
import { Stage, type StageOptions } from "./stage/stage.js";

export interface CaseResult {
  readonly name: string;
  readonly group: string;
  readonly rules: readonly string[];
  readonly title: string;
  readonly ms: number;
  /** Why it failed; null when it passed. */
  readonly failure: string | null;
}

export interface GroupedCase extends Case {
  readonly level: string;
}

export async function runCases(
  cases: readonly GroupedCase[],
  options: StageOptions,
  told: (result: CaseResult) => void = () => {},
): Promise<CaseResult[]> {
  const stage = await Stage.open(options);
  const results: CaseResult[] = [];
  try {
    for (const one of cases) {
      if (one.fresh) await stage.stopProgram();
      const began = performance.now();
      const failure = await outcomeOf(one, stage);
      const { name, level: group, rules, title } = one;
      const result = { name, group, rules, title, ms: Math.round(performance.now() - began), failure };
      results.push(result);
      told(result);
      // Nothing of a case that failed, or that ended the program, reaches the next.
      if (failure !== null || one.fresh) await stage.stopProgram();
      else await stage.tidy();
    }
  } finally {
    await stage.close();
  }
  return results;
}

async function outcomeOf(one: Case, stage: Stage): Promise<string | null> {
  try {
    await one.run(stage);
    return null;
  } catch (error) {
    if (!(error instanceof CaseFailure)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
    return error.message;
  }
}
