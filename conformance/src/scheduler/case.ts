import type { World } from "./world.js";

/** A case that a live scheduler has to pass. */
export interface SchedulerCase {
  readonly name: string;
  /** Numbers of the scheduler's rules that it shows. */
  readonly rules: readonly string[];
  /** What the scheduler has to do, in a sentence. */
  readonly title: string;
  run(world: World): Promise<void>;
}
