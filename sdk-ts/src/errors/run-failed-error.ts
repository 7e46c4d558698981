import { brandError } from "./brand.js";
import { CloacaError } from "./cloaca-error.js";
import type { HostLossInfo } from "./host-loss-info.js";

/** A task of a run that did not succeed. */
export interface UnsuccessfulTask {
  /** Id of the task. */
  readonly task: string;
  /** How it ended: `FAILED`, `CANCELLED` or `SKIPPED`. */
  readonly state: string;
  /** Why, when it failed. */
  readonly failure?: {
    readonly code: string;
    readonly type: string;
    readonly message: string;
    readonly stack?: string;
    /** With code `HOST_LOST`: the executions whose hosts were lost, the oldest first. */
    readonly hostLosses?: readonly HostLossInfo[];
  };
  /** Why, for people, when it was skipped or cancelled. */
  readonly reason?: string;
}

/** How and where a run failed. */
export interface RunFailure {
  readonly runId: string;
  readonly workflow: string;
  /** `FAILED` or `CANCELLED`. */
  readonly status: string;
  /** Why, for people, when the run says so. */
  readonly reason?: string;
  /** The tasks that did not succeed, in declared order. */
  readonly tasks: readonly UnsuccessfulTask[];
}

/** Tasks that the message names; all of them are in `tasks`. */
const SHOWN = 10;

/** A run ended without success. Code `RUN_FAILED`. */
export class RunFailedError extends CloacaError implements RunFailure {
  readonly runId: string;
  readonly workflow: string;
  readonly status: string;
  readonly tasks: readonly UnsuccessfulTask[];

  constructor(failure: RunFailure) {
    super("RUN_FAILED", describe(failure));
    this.runId = failure.runId;
    this.workflow = failure.workflow;
    this.status = failure.status;
    this.tasks = failure.tasks;
  }

  static {
    brandError(RunFailedError, "RunFailedError");
  }
}

function describe({ runId, workflow, status, reason, tasks }: RunFailure): string {
  const head = `run ${runId} of workflow ${JSON.stringify(workflow)} ended ${status}${reason ? `: ${reason}` : ""}`;
  // Skipped and cancelled tasks follow from the failed ones: they are told only where nothing failed.
  const failed = tasks.filter((task) => task.failure !== undefined);
  const told = failed.length > 0 ? failed : tasks;
  const lines = told.slice(0, SHOWN).map(({ task, state, failure, reason: why }) => {
    if (failure === undefined) return `task ${JSON.stringify(task)}: ${state}${why ? ` (${why})` : ""}`;
    return `task ${JSON.stringify(task)}: ${failure.type || failure.code}: ${failure.message}`;
  });
  if (told.length > SHOWN) lines.push(`and ${told.length - SHOWN} more`);
  return [head, ...lines].join("\n- ");
}
