/** One run on a page: what it is, a task a line, the time line, what failed, what it left. */
import type { HostLossInfo, RunInfo, TaskRunInfo } from "@cloaca/sdk/client";
import { type Line, type Span, wrap } from "../terminal/line.js";
import { type Column, table } from "../terminal/table.js";
import { age, duration, moment, until } from "../terminal/time.js";
import { isOver, marked, runLook, taskLook } from "./look.js";
import type { RunLog } from "./run-log.js";
import { labelText, type TableOptions, took } from "./tables.js";
import { timeLine } from "./time-line.js";

export interface RunPageOptions extends TableOptions {
  /** Tasks, and bars of the time line, at the most. */
  readonly rows: number;
  /** Whether values and stack traces are shown whole. */
  readonly isWhole: boolean;
  /** Why tasks wait, by task, where the scheduler has said it. */
  readonly waits: ReadonlyMap<string, string>;
}

/** What a page is made of. */
export interface RunParts {
  readonly run: RunInfo;
  readonly tasks: readonly TaskRunInfo[];
  readonly log: RunLog;
}

export function runPage({ run, tasks, log }: RunParts, options: RunPageOptions): Line[] {
  // Bars that still last end with the log's last event at the least: the clock of another machine may be behind.
  const now = isOver(run.status) ? log.lastAt : Math.max(options.now, log.lastAt);
  const bars = timeLine(log.tasks.values(), { now, width: options.width, rows: options.rows });
  return [
    ...runHead(run, options),
    [],
    ...taskTable(tasks, options),
    ...(bars.length === 0 ? [] : [[], ...bars]),
    ...failures(tasks, options),
    ...context(run, options),
  ];
}

/** Two lines: what it is and how it stands; when, and with what. */
export function runHead(run: RunInfo, { now, width }: TableOptions): Line[] {
  const { mark, word, style } = runLook(run.status);
  const facts = [
    `version ${run.workflowVersion}`,
    `started ${age(run.createdAt, now)}, ${moment(run.createdAt)}`,
    ...(run.startedAt === null ? [] : [`${isOver(run.status) ? "took" : "for"} ${took(run, now)}`]),
    ...(run.priority === 0 ? [] : [`priority ${run.priority}`]),
    ...(run.deadlineAt === null || isOver(run.status) ? [] : [`deadline ${until(run.deadlineAt, now)}`]),
    ...(Object.keys(run.labels).length === 0 ? [] : [labelText(run.labels)]),
  ];
  const why: Line[] = run.reason === "" ? [] : wrap(run.reason, width - 2).map((line): Line => ["  ", [line, style]]);
  return [
    [[`${mark} `, style], [run.workflow, "bold"], `  ${run.runId}  `, [word, style]],
    ...why,
    ...flow(facts, width).map((line): Line => ["  ", [line, "dim"]]),
  ];
}

/** Facts with commas between them, on as many lines as they need. */
function flow(facts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const fact of facts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + fact.length + 5 <= width) lines[lines.length - 1] = `${last} · ${fact}`;
    else lines.push(fact);
  }
  return lines;
}

export function taskTable(tasks: readonly TaskRunInfo[], options: RunPageOptions): Line[] {
  const { width, now, rows, waits } = options;
  const shown = mostTelling(tasks, rows);
  const columns: Column<TaskRunInfo>[] = [
    { title: "TASK", cell: ({ task }) => task, shrinksTo: 12 },
    { title: "STATE", cell: ({ state }) => [marked(taskLook(state))] },
    { title: "HOST", cell: ({ hostId }) => hostId, shrinksTo: 8, goes: 2, isOptional: true },
    { title: "TRY", cell: tries, align: "right", goes: 3, isOptional: true },
    {
      title: "SLOT HELD",
      cell: ({ slotHeldMs, attempt }) => (attempt === 0 ? "" : duration(slotHeldMs)),
      goes: 4,
      align: "right",
      isOptional: true,
    },
    { title: "", cell: (task) => [why(task, waits, now)], shrinksTo: 16, isOptional: true },
  ];
  const left = tasks.length - shown.length;
  return [
    ...table(columns, shown, width),
    ...(left === 0 ? [] : [[[`and ${left} more: ${counts(tasks)}; --all shows them`, "dim"]] as Line]),
  ];
}

function tries({ attempt, recovery }: TaskRunInfo): string {
  if (attempt === 0) return "";
  return recovery === 0 ? `${attempt}` : `${attempt}+${recovery}`;
}

/** The word that says most about a task as it is now. */
function why(task: TaskRunInfo, waits: ReadonlyMap<string, string>, now: number): Span {
  const { state, failure, reason, waitingFor, retryAt, skipCause } = task;
  if (failure !== null && state === "RETRYING")
    return [`again ${until(retryAt, now)}, after ${failureText(failure)}`, "magenta"];
  if (failure !== null && state === "FAILED") return [failureText(failure), "red"];
  if (state === "SKIPPED") return [skipText(skipCause, reason), "dim"];
  const wait = waits.get(task.task);
  if (wait !== undefined) return [wait, "dim"];
  if (state === "DEFERRED") return [waitingFor === "" ? "waits without a slot" : `waits for ${waitingFor}`, "dim"];
  return [reason, "dim"];
}

/** A bare code says no more than the cause. */
function skipText(cause: TaskRunInfo["skipCause"], reason: string): string {
  const isCode = /^[A-Z_]*$/.test(reason);
  if (!isCode) return reason;
  return (cause ?? reason) === "RULE" ? "a trigger rule did not hold" : "a task before it failed";
}

function failureText({ code, type, message }: NonNullable<TaskRunInfo["failure"]>): string {
  return `${code === "TASK_FAILED" ? type : code}: ${message}`;
}

/** In declared order; where there are too many, those that have ended well or have not begun go first. */
function mostTelling(tasks: readonly TaskRunInfo[], rows: number): readonly TaskRunInfo[] {
  if (tasks.length <= rows) return tasks;
  const rank = ({ state }: TaskRunInfo): number => {
    if (state === "FAILED") return 0;
    if (state === "WAITING" || state === "SKIPPED" || state === "CANCELLED") return 2;
    return state === "SUCCEEDED" ? 3 : 1;
  };
  const kept = new Set([...tasks].sort((a, b) => rank(a) - rank(b)).slice(0, rows));
  return tasks.filter((task) => kept.has(task));
}

function counts(tasks: readonly TaskRunInfo[]): string {
  const byState = new Map<TaskRunInfo["state"], number>();
  for (const { state } of tasks) byState.set(state, (byState.get(state) ?? 0) + 1);
  return [...byState].map(([state, count]) => `${count} ${taskLook(state).word}`).join(", ");
}

const SHOWN_FAILURES = 3;
const SHOWN_STACK_LINES = 4;

function failures(tasks: readonly TaskRunInfo[], { width, isWhole }: RunPageOptions): Line[] {
  const failed = tasks.filter(({ state, failure }) => state === "FAILED" && failure !== null);
  const shown = isWhole ? failed : failed.slice(0, SHOWN_FAILURES);
  const lines = shown.flatMap(({ task, failure }): Line[] => {
    if (failure === null) return [];
    const said = failureText(failure)
      .split("\n")
      .flatMap((line) => wrap(line, width - 4));
    const lost = lostHosts(failure.hostLosses ?? [], width);
    const stack = failure.stack.split("\n").filter((line) => /^\s+at /.test(line));
    const trace = (isWhole ? stack : stack.slice(0, SHOWN_STACK_LINES)).map(
      (line): Line => ["    ", [line.trim(), "dim"]],
    );
    return [
      [],
      [["✗ ", "red"], [task, "bold"], " failed"],
      ...said.map((line): Line => ["    ", line]),
      ...lost,
      ...trace,
    ];
  });
  const left = failed.length - shown.length;
  return left === 0 ? lines : [...lines, [], [[`and ${left} more failures; --all shows them`, "dim"]]];
}

/** The hosts that were lost with a task: it may be what killed them. */
function lostHosts(losses: readonly HostLossInfo[], width: number): Line[] {
  if (losses.length === 0) return [];
  const columns: Column<HostLossInfo>[] = [
    { title: "LOST", cell: ({ at }) => moment(at) },
    { title: "HOST", cell: ({ hostId }) => hostId, shrinksTo: 8 },
    { title: "SESSION", cell: ({ sessionId }) => sessionId, shrinksTo: 8, goes: 1 },
    { title: "WHILE", cell: ({ slotHeld }) => (slotHeld ? "it ran" : "it was deferred") },
    { title: "TRY", cell: ({ attempt }) => `${attempt}`, align: "right", goes: 2 },
    { title: "HOW", cell: ({ reason }) => reason, shrinksTo: 10, goes: 3 },
  ];
  return table(columns, losses, width - 4).map((line): Line => ["    ", ...line]);
}

const SHOWN_KEYS = 20;
/** Of a value, where no terminal says how much there is room for. */
const SHOWN_VALUE = 300;

function context(run: RunInfo, { width, isWhole }: RunPageOptions): Line[] {
  const entries = Object.entries(run.contextText);
  if (!isOver(run.status) || entries.length === 0) return [];
  const shown = isWhole ? entries : entries.slice(0, SHOWN_KEYS);
  const columns: Column<readonly [string, string]>[] = [
    { title: "CONTEXT", cell: ([key]) => key, shrinksTo: 12 },
    {
      title: "",
      cell: ([, text]) => (isWhole || text.length <= SHOWN_VALUE ? text : `${text.slice(0, SHOWN_VALUE)}…`),
      shrinksTo: 20,
    },
  ];
  const left = entries.length - shown.length;
  return [
    [],
    ...table(columns, shown, isWhole ? Number.POSITIVE_INFINITY : width),
    ...(left === 0 ? [] : [[[`and ${left} more keys; --all shows them`, "dim"]] as Line]),
  ];
}
