/** Runs, workflows, hosts and explanations as tables. */
import type { HostInfo, RunExplanation, RunInfo, WorkflowInfo } from "@cloaca/sdk/client";
import { type Line, lineColumns, type Span, wrap } from "../terminal/line.js";
import { type Column, table } from "../terminal/table.js";
import { age, duration, until } from "../terminal/time.js";
import { marked, runLook, taskLook } from "./look.js";

export interface TableOptions {
  readonly width: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

export function runsTable(runs: readonly RunInfo[], { width, now }: TableOptions): Line[] {
  const columns: Column<RunInfo>[] = [
    { title: "RUN", cell: (run) => run.runId },
    { title: "STATUS", cell: (run) => [marked(runLook(run.status))], atLeast: 3 },
    { title: "WORKFLOW", cell: (run) => run.workflow, shrinksTo: 8, atLeast: 4 },
    { title: "AGE", cell: (run) => age(run.createdAt, now), align: "right", goes: 1 },
    { title: "TOOK", cell: (run) => took(run, now), align: "right", goes: 2 },
    { title: "PRIORITY", cell: ({ priority }) => (priority === 0 ? "" : `${priority}`), goes: 4, isOptional: true },
    { title: "LABELS", cell: (run) => labelText(run.labels), shrinksTo: 12, goes: 5, isOptional: true },
    { title: "REASON", cell: (run) => run.reason, shrinksTo: 12, goes: 3, isOptional: true },
  ];
  return table(columns, runs, width);
}

/** How long a run took, or has taken so far. */
export function took({ startedAt, finishedAt }: RunInfo, now: number): string {
  return startedAt === null ? "" : duration((finishedAt?.getTime() ?? now) - startedAt.getTime());
}

export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
}

export function workflowsTable(workflows: readonly WorkflowInfo[], { width, now }: TableOptions): Line[] {
  const columns: Column<WorkflowInfo>[] = [
    { title: "WORKFLOW", cell: ({ name }) => name, shrinksTo: 10, atLeast: 6 },
    { title: "VERSION", cell: ({ version }) => version, atLeast: 8 },
    { title: "NEW RUNS", cell: (workflow) => [newRuns(workflow)], atLeast: 3 },
    { title: "TASKS", cell: ({ taskCount }) => `${taskCount}`, align: "right", goes: 1 },
    { title: "REGISTERED", cell: ({ registeredAt }) => age(registeredAt, now), align: "right", goes: 2 },
    { title: "", cell: ({ isPaused }) => (isPaused ? [marked(runLook("PAUSED"))] : ""), atLeast: 3, isOptional: true },
  ];
  return table(columns, workflows, width);
}

function newRuns({ isCurrent, isPromoted }: WorkflowInfo): Span {
  if (!isCurrent) return ["-", "dim"];
  return [isPromoted ? "● promoted" : "● current", "green"];
}

export function hostsTable(hosts: readonly HostInfo[], { width }: TableOptions): Line[] {
  const columns: Column<HostInfo>[] = [
    { title: "HOST", cell: ({ hostId }) => hostId, shrinksTo: 10, atLeast: 6 },
    { title: "STATE", cell: (host) => [hostState(host)], atLeast: 3 },
    { title: "SLOTS", cell: slots },
    { title: "DEFERRED", cell: ({ deferred }) => `${deferred}`, align: "right", goes: 1 },
    { title: "HEARD", cell: ({ lastHeardMs }) => heard(lastHeardMs), align: "right", goes: 2 },
    { title: "LAG", cell: ({ mainLoopLagMs }) => duration(mainLoopLagMs), align: "right", goes: 3 },
    { title: "SDK", cell: ({ sdk }) => sdk, shrinksTo: 8, goes: 5 },
    { title: "BUILD", cell: ({ buildId }) => buildId, shrinksTo: 8, goes: 4, isOptional: true },
    { title: "LABELS", cell: ({ labels }) => labelText(labels), shrinksTo: 10, goes: 6, isOptional: true },
  ];
  return table(columns, hosts, width);
}

export function hostState({ isConnected, isDraining }: HostInfo): Span {
  if (!isConnected) return ["○ away", "red"];
  return isDraining ? ["◐ draining", "yellow"] : ["● connected", "green"];
}

/** Slots that are drawn one by one; of more, the bar shows the share. */
const MOST_DRAWN = 8;

/** `■■□□ 2/4` */
function slots({ held, slots: offered }: HostInfo): Line {
  const cells = Math.min(offered, MOST_DRAWN);
  const full = offered === 0 ? 0 : Math.min(cells, Math.ceil((held / offered) * cells));
  return [["■".repeat(full), "cyan"], ["□".repeat(cells - full), "dim"], ` ${held}/${offered}`];
}

function heard(ms: number): string {
  return age(new Date(0), ms);
}

type Explained = RunExplanation["tasks"][number];

/** A task a line; where there is no room for the sentences, they go below. */
export function explanationTable({ tasks }: RunExplanation, { width, now }: TableOptions): Line[] {
  const columns: Column<Explained>[] = [
    { title: "TASK", cell: ({ task }) => task, shrinksTo: 12, atLeast: 6 },
    { title: "STATE", cell: ({ state }) => [marked(taskLook(state))] },
    { title: "WAITS FOR", cell: ({ reason }) => reason.toLowerCase().replaceAll("_", " "), goes: 1 },
    { title: "GOES ON", cell: (task) => until(task.until, now), goes: 2, isOptional: true },
  ];
  const sentence: Column<Explained> = { title: "WHY", cell: ({ message }) => message };
  const inOne = table([...columns, sentence], tasks, Number.POSITIVE_INFINITY);
  if (inOne.every((line) => lineColumns(line) <= width)) return inOne;
  const [titles = [], ...rows] = table(columns, tasks, width);
  const below = ({ message }: Explained): Line[] => wrap(message, width - 4).map((line) => ["    ", [line, "dim"]]);
  return [titles, ...rows.flatMap((row, at): Line[] => [row, ...(tasks[at] === undefined ? [] : below(tasks[at]))])];
}
