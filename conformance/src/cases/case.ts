/** What a case is. */
import type { Stage } from "../stage/stage.js";

export const LEVELS = ["basic", "deferral", "resume", "drain"] as const;
export type Level = (typeof LEVELS)[number];

export interface Case {
  /** Unique, in kebab case; `--only` names it. */
  readonly name: string;
  /** Numbers of the rules that it shows, as docs/PROTOCOL.md has them. */
  readonly rules: readonly string[];
  /** What the host has to do, in a sentence. */
  readonly title: string;
  /** The case ends the program, or needs a new one: none goes on with what it leaves. */
  readonly fresh?: boolean;
  run(stage: Stage): Promise<void>;
}

export interface LevelCase extends Case {
  readonly level: Level;
}

/** Cases of a level and of those below it. */
export function upTo(cases: readonly LevelCase[], level: Level): LevelCase[] {
  return cases.filter((c) => LEVELS.indexOf(c.level) <= LEVELS.indexOf(level));
}
