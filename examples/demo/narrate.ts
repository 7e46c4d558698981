/** What happened, a line an event: for a pipe, where nothing can be drawn again. */
import type { RunEventInfo } from "cloaca";
import type { Moment } from "./live-frame.js";
import { reason } from "./live-frame.js";
import { hostStyle, STATE_LOOK } from "./look.js";
import type { Line } from "./paint.js";

/** Null for an event that needs no line. */
export function narrate(event: RunEventInfo, moment: Moment, sinceMs: number): Line | null {
  const task = moment.tasks.find(({ id }) => id === event.task);
  if (task === undefined || event.type === "TASK_READY") return null;
  const names = Math.max(...moment.tasks.map(({ id }) => id.length)) + 2;
  const { mark, style } = STATE_LOOK[task.state];
  return [
    [`${(sinceMs / 1000).toFixed(2)}s  `.padStart(8), "dim"],
    [`${mark} `, style],
    task.id.padEnd(names),
    [task.state.padEnd(12), style],
    [`${task.host}  `, hostStyle(moment.hosts, task.host)],
    reason(task, moment),
  ];
}
