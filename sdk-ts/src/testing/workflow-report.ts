/** What a run of a workflow in a test was. Times are virtual, in milliseconds since the beginning of the run. */
import { OptionsError } from "../errors/index.js";
import { didYouMean, nearest } from "../errors/nearest.js";
import { quote } from "../errors/quote.js";
import type {
  RunEventInfo,
  RunInfo,
  RunStatusName,
  SkipCauseName,
  TaskRunInfo,
  TaskRunStateName,
} from "../protocol/run-info.js";
import type { Context } from "../task/context.js";
import { contextFromWire } from "../task/context-wire.js";
import { type SlotSpan, slotSpans } from "./slot-spans.js";
import type { CallbackReport, DeferralReport, TaskRecord } from "./task-record.js";

/** An attempt that failed. */
export interface AttemptFailure {
  readonly attempt: number;
  readonly atMs: number;
  /** Code of the error, `TASK_FAILED` where it has none. */
  readonly code: string;
  /** Name of the error's type. */
  readonly type: string;
  readonly message: string;
  /** What the task threw, itself; undefined where it threw nothing: a timeout. */
  readonly error: unknown;
  /** When the next attempt begins after it; null when the failure was final. */
  readonly retryInMs: number | null;
}

/** What became of one task. */
export interface WorkflowTaskReport {
  readonly state: TaskRunStateName;
  /** Counted executions; 0 when it never began. */
  readonly attempts: number;
  /** Its failed attempts, in their order. */
  readonly failures: readonly AttemptFailure[];
  /** Why it was skipped; null when it was not. */
  readonly skipCause: SkipCauseName | null;
  /** Its deferrals, of all executions, in their order. */
  readonly deferrals: readonly DeferralReport[];
  /** The callbacks that were called. */
  readonly callbacks: readonly CallbackReport[];
  /** When its first execution began; null when none did. */
  readonly startedMs: number | null;
  /** When it ended; null when it has not. */
  readonly finishedMs: number | null;
  /** How long it held a slot, over all executions. */
  readonly slotHeldMs: number;
}

/** What the scheduler says of the run, and what the test noted. */
export interface WorkflowFacts {
  readonly run: RunInfo;
  readonly tasks: readonly TaskRunInfo[];
  readonly events: readonly RunEventInfo[];
  readonly records: ReadonlyMap<string, TaskRecord>;
  readonly beganAt: number;
  readonly leftAt: number;
  readonly stillRunning: readonly string[];
}

/** A run of a workflow. */
export class WorkflowReport {
  readonly runId: string;
  /** `SUCCEEDED`, `FAILED` or `CANCELLED`; with `until`, also the one in which the run was left. */
  readonly status: RunStatusName;
  /** Why it failed or was cancelled, for people. */
  readonly reason: string;
  /** The final context; empty while the run goes on. */
  readonly context: Context;
  /** What became of each task, by its id. */
  readonly tasks: Readonly<Record<string, WorkflowTaskReport>>;
  /** Who held a slot from when to when, in the order in which they got it. */
  readonly slots: readonly SlotSpan[];
  /** How long the run took, or had taken when it was left. */
  readonly durationMs: number;
  /** The run's log. */
  readonly events: readonly RunEventInfo[];
  /** Code that went on after the run had ended, and was left: a task that ignores that it was cancelled. */
  readonly stillRunning: readonly string[];

  constructor({ run, tasks, events, records, beganAt, leftAt, stillRunning }: WorkflowFacts) {
    const slots = slotSpans(events, beganAt, leftAt);
    this.runId = run.runId;
    this.status = run.status;
    this.reason = run.reason;
    this.context = contextFromWire(run.contextText);
    this.slots = slots;
    this.durationMs = (run.finishedAt?.getTime() ?? leftAt) - beganAt;
    this.events = events;
    this.stillRunning = stillRunning;
    const eventsOf = byTask(events);
    const spansOf = byTask(slots);
    this.tasks = Object.fromEntries(
      tasks.map((info) => {
        const { task } = info;
        return [task, taskReport(info, eventsOf.get(task) ?? [], spansOf.get(task) ?? [], records.get(task), beganAt)];
      }),
    );
  }

  /**
   * What became of a task.
   *
   * @throws OptionsError when the workflow has no such task
   */
  task(id: string): WorkflowTaskReport {
    const task = this.tasks[id];
    if (task !== undefined) return task;
    const hint = didYouMean(nearest(id, Object.keys(this.tasks)));
    throw new OptionsError("report.task", [
      { path: "id", message: `${quote(id)} is not a task of the workflow${hint}` },
    ]);
  }
}

function taskReport(
  { state, attempt, skipCause, finishedAt }: TaskRunInfo,
  events: readonly RunEventInfo[],
  spans: readonly SlotSpan[],
  record: TaskRecord | undefined,
  beganAt: number,
): WorkflowTaskReport {
  return {
    state,
    attempts: attempt,
    failures: events.flatMap((event) => attemptFailure(event, record, beganAt)),
    skipCause,
    deferrals: record?.deferrals ?? [],
    callbacks: record?.callbacks ?? [],
    startedMs: spans[0]?.fromMs ?? null,
    finishedMs: finishedAt === null ? null : finishedAt.getTime() - beganAt,
    slotHeldMs: spans.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0),
  };
}

function attemptFailure(event: RunEventInfo, record: TaskRecord | undefined, beganAt: number): AttemptFailure[] {
  const { type, failure, attempt, at, retryAt } = event;
  if ((type !== "TASK_RETRYING" && type !== "TASK_FAILED") || failure === null) return [];
  const { code, message } = failure;
  const thrown = code === "TASK_TIMEOUT" ? undefined : record?.thrown.findLast((t) => t.attempt === attempt);
  return [
    {
      attempt,
      atMs: at.getTime() - beganAt,
      code,
      type: failure.type,
      message,
      error: thrown?.error,
      retryInMs: retryAt === null ? null : retryAt.getTime() - at.getTime(),
    },
  ];
}

function byTask<T extends { readonly task: string }>(items: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const grouped = new Map<string, T[]>();
  for (const item of items) {
    const known = grouped.get(item.task);
    if (known === undefined) grouped.set(item.task, [item]);
    else known.push(item);
  }
  return grouped;
}
