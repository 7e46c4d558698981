/** What a test's run notes of one task, over all its executions. */

/** How a deferral ended; `OPEN` when the run was left before it had. */
export type DeferralOutcome = "MET" | "MAX_WAIT" | "THREW" | "CANCELLED" | "OPEN";

/** One deferral. Times are virtual, in milliseconds. */
export interface DeferralReport {
  /** 1, 2, … within the execution. */
  readonly deferral: number;
  /** The counted execution. */
  readonly attempt: number;
  /** What it waited for, in the task author's words; empty when they said nothing. */
  readonly description: string;
  readonly pollIntervalMs: number;
  /** 0 means no limit. */
  readonly maxWaitMs: number;
  /** Calls of the condition. Where a script said never, those that would have been made. */
  readonly polls: number;
  /** When it began, since the beginning of the run. */
  readonly atMs: number;
  /** How long the task waited, until it had a slot again. */
  readonly waitedMs: number;
  /**
   * `MET`: the condition held. `MAX_WAIT`: it did not within `maxWaitMs`. `THREW`: the condition threw. `CANCELLED`: the task
   * was told to stop.
   */
  readonly outcome: DeferralOutcome;
}

/** A callback that was called. */
export interface CallbackReport {
  readonly callback: "onSuccess" | "onFailure" | "onRetry";
  /** Virtual time since the beginning of the run, in milliseconds. */
  readonly atMs: number;
  /** What it threw; undefined when it threw nothing. The run goes on all the same. */
  readonly error: unknown;
}

/** An execution's error. */
export interface Thrown {
  readonly attempt: number;
  readonly error: unknown;
}

export class TaskRecord {
  /** @param beganAt when the run began, in virtual milliseconds since the Unix epoch: reports count from there */
  constructor(readonly beganAt: number) {}

  readonly deferrals: DeferralReport[] = [];
  readonly callbacks: CallbackReport[] = [];
  readonly thrown: Thrown[] = [];

  /** Notes a deferral that begins; returns what changes it. */
  defer(begun: DeferralReport): (changes: Partial<DeferralReport>) => void {
    const index = this.deferrals.push(begun) - 1;
    return (changes) => {
      const before = this.deferrals[index] ?? begun;
      this.deferrals[index] = { ...before, ...changes };
    };
  }
}
