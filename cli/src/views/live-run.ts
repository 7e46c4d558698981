/** The frame of a run that is watched: a task a line, the time line below where there is room. */
import type { RunInfo } from "@cloaca/sdk/client";
import type { Line, Span } from "../terminal/line.js";
import { type Column, table } from "../terminal/table.js";
import { duration, until } from "../terminal/time.js";
import { isOver, marked, runLook, taskLook } from "./look.js";
import type { RunLog, TaskLog } from "./run-log.js";
import { timeLine } from "./time-line.js";

export interface FrameOptions {
  readonly width: number;
  readonly height: number;
  /** Milliseconds of this machine's clock. */
  readonly now: number;
}

export function liveRun(run: RunInfo, log: RunLog, { width, height, now: clock }: FrameOptions): Line[] {
  const isEnded = isOver(log.status);
  const now = isEnded ? log.lastAt : Math.max(clock, log.lastAt);
  const { mark, word, style } = runLook(log.status);
  const since = log.startedAt === null ? "" : `  ${duration(now - log.startedAt.getTime())}`;
  const head: Line = [[`${mark} `, style], [run.workflow, "bold"], `  ${run.runId}  `, [word, style], [since, "dim"]];
  const all = [...log.tasks.values()];
  const rows = Math.max(4, height - 6);
  const shown = all.length <= rows ? all : mostActive(all, rows - 1);
  const columns: Column<TaskLog>[] = [
    { title: "TASK", cell: ({ task }) => task, shrinksTo: 12 },
    { title: "STATE", cell: ({ state }) => [marked(taskLook(state))] },
    { title: "HOST", cell: ({ hostId }) => hostId, shrinksTo: 8, goes: 1, isOptional: true },
    {
      title: "TRY",
      cell: ({ attempt }) => (attempt > 1 ? `${attempt}` : ""),
      align: "right",
      goes: 2,
      isOptional: true,
    },
    { title: "", cell: (task) => [note(task, now)], shrinksTo: 16, isOptional: true },
  ];
  const frame = [head, [], ...table(columns, shown, width), ...rest(all, shown)];
  const room = height - frame.length - 6;
  const bars = room < 1 ? [] : timeLine(all, { now, width, rows: room });
  return bars.length === 0 ? frame : [...frame, [], ...bars];
}

function note({ state, reason, retryAt, stretches }: TaskLog, now: number): Span {
  const last = stretches.at(-1);
  const since = last === undefined ? "" : duration((last.to ?? now) - last.from);
  switch (state) {
    case "LEASED":
      return [since, "dim"];
    case "DEFERRED":
      return [reason === "" ? `waits without a slot, ${since}` : `waits for ${reason}, ${since}`, "dim"];
    case "RECLAIMING":
      return [`waits for a slot to go on, ${since}`, "dim"];
    case "RETRYING":
      return [`again ${until(retryAt, now)}, after ${reason}`, "magenta"];
    case "FAILED":
      return [reason, "red"];
    default:
      return [reason, "dim"];
  }
}

/** Tasks that something happens to, or has happened to last. */
function mostActive(all: readonly TaskLog[], rows: number): TaskLog[] {
  const rank = ({ state }: TaskLog): number => {
    if (state === "FAILED") return 0;
    if (state === "SUCCEEDED") return 3;
    return state === "WAITING" || state === "SKIPPED" || state === "CANCELLED" ? 2 : 1;
  };
  const kept = new Set([...all].sort((a, b) => rank(a) - rank(b)).slice(0, rows));
  return all.filter((task) => kept.has(task));
}

function rest(all: readonly TaskLog[], shown: readonly TaskLog[]): Line[] {
  if (all.length === shown.length) return [];
  const byState = new Map<string, number>();
  for (const { state } of all) byState.set(taskLook(state).word, (byState.get(taskLook(state).word) ?? 0) + 1);
  const counts = [...byState].map(([word, count]) => `${count} ${word}`).join(", ");
  return [[[`${all.length} tasks: ${counts}`, "dim"]]];
}
