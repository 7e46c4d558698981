import type { TaskRunState } from "./model.js";

/** A task run's state as people read it: a task that is leased runs. */
export function stateWord(state: TaskRunState): string {
  return state === "LEASED" ? "running" : state.toLowerCase();
}
