/** Who held a slot from when to when, from the slot deltas of a run's log. */
import type { RunEventInfo } from "../protocol/run-info.js";

/** A time in which a task held a slot. Times are virtual, in milliseconds since the beginning of the run. */
export interface SlotSpan {
  /** Number of the slot, from 0: the lowest that was free. */
  readonly slot: number;
  /** Id of the task. */
  readonly task: string;
  /** The counted execution. */
  readonly attempt: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** What began it: the execution, or the end of a deferral. */
  readonly begin: "LEASED" | "RESUMED";
  /** What ended it: `DEFERRED`, `SUCCEEDED`, `FAILED`, `RETRYING`, `CANCELLED`, …; `OPEN` when the run was left before. */
  readonly end: string;
}

/** @param beganAt,leftAt when the run began and was left, in virtual milliseconds since the Unix epoch */
export function slotSpans(events: readonly RunEventInfo[], beganAt: number, leftAt: number): SlotSpan[] {
  const spans: SlotSpan[] = [];
  /** Leases that hold a slot: where their span is. */
  const open = new Map<string, number>();
  for (const { slotDelta, leaseId, task, attempt, at, type } of events) {
    const ms = at.getTime() - beganAt;
    const word = type.replace(/^TASK_/, "");
    if (slotDelta > 0) {
      const taken = new Set([...open.values()].map((index) => spans[index]?.slot));
      let slot = 0;
      while (taken.has(slot)) slot++;
      const begin = word === "RESUMED" ? "RESUMED" : "LEASED";
      open.set(leaseId, spans.length);
      spans.push({ slot, task, attempt, fromMs: ms, toMs: leftAt - beganAt, begin, end: "OPEN" });
    } else if (slotDelta < 0) {
      const index = open.get(leaseId);
      const span = index === undefined ? undefined : spans[index];
      if (index === undefined || span === undefined) continue;
      open.delete(leaseId);
      spans[index] = { ...span, toMs: ms, end: word };
    }
  }
  return spans;
}
