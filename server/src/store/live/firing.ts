/** What time brings about: timeouts, the end of waits and of pauses between attempts, deadlines of runs. */
import type { DecisionLimits, HostEffect } from "../../core/run-draft.js";
import { advance, timeOut, timeOutRun } from "../../core/run-machine.js";
import type { Books } from "./books.js";

/** Fires what is due, the earliest first and `limit` at the most; returns what hosts are to be told. */
export function fireDue({ deadlines }: Books, limit: number, limits: DecisionLimits, now: number): HostEffect[] {
  const effects: HostEffect[] = [];
  for (let fired = 0; fired < limit; fired++) {
    const due = deadlines.next();
    if (due === undefined || due.at > now) break;
    // Each input moves the task run on, and its deadline with it.
    switch (due.kind) {
      case "timeout":
        effects.push(...timeOut(due.run, due.task, limits, now));
        break;
      case "max_wait":
        advance(due.run, due.task, { type: "reclaim", outcome: "MAX_WAIT" }, limits, now);
        break;
      case "retry":
        advance(due.run, due.task, { type: "retry" }, limits, now);
        break;
      case "run_timeout":
        effects.push(...timeOutRun(due.run, now));
        break;
    }
  }
  return effects;
}
