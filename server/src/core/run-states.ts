/**
 * The life of a run, as a table. What moves it is in `run-machine.ts` and `run-control.ts`; tests hold random histories against
 * the table, and docs/STATE_MACHINE.md is made from it.
 */
import type { RunEventType, RunStatus } from "./model.js";

/** The statuses after an event of the log; several where what has happened before decides. An event that is not listed changes none. */
export const RUN_TRANSITIONS: Readonly<
  Record<RunStatus, Readonly<Partial<Record<RunEventType, readonly RunStatus[]>>>>
> = {
  PENDING: {
    TASK_LEASED: ["RUNNING"],
    RUN_PAUSED: ["PAUSED"],
    // Without an execution: all is skipped, or the input is too large.
    RUN_SUCCEEDED: ["SUCCEEDED"],
    RUN_FAILED: ["FAILED"],
    RUN_CANCELLED: ["CANCELLED"],
  },
  RUNNING: {
    RUN_PAUSED: ["PAUSED"],
    RUN_SUCCEEDED: ["SUCCEEDED"],
    RUN_FAILED: ["FAILED"],
    RUN_CANCELLED: ["CANCELLED"],
  },
  PAUSED: {
    // As it was: PENDING when none of its tasks has been leased yet.
    RUN_RESUMED: ["PENDING", "RUNNING"],
    // What had begun ends while it is paused.
    RUN_SUCCEEDED: ["SUCCEEDED"],
    RUN_FAILED: ["FAILED"],
    RUN_CANCELLED: ["CANCELLED"],
  },
  SUCCEEDED: {},
  FAILED: { RUN_RETRIED: ["PENDING", "RUNNING"] },
  CANCELLED: {},
};
