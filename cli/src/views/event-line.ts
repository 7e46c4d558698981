/** An event of a run's log on one line, for output that is appended to. */
import type { RunEventInfo, RunEventName } from "@cloaca/sdk/client";
import type { Line, Span, Style } from "../terminal/line.js";
import { clock, until } from "../terminal/time.js";

const STYLES: Partial<Record<RunEventName, Style>> = {
  RUN_SUCCEEDED: "green",
  RUN_FAILED: "red",
  RUN_CANCELLED: "yellow",
  RUN_PAUSED: "magenta",
  TASK_SUCCEEDED: "green",
  TASK_FAILED: "red",
  TASK_CANCELLED: "yellow",
  TASK_DEFERRED: "yellow",
  TASK_RETRYING: "magenta",
  TASK_LOST: "red",
  TASK_LEASED: "cyan",
  TASK_RESUMED: "cyan",
};

/** Outcomes and causes that the log has as codes. */
const WORDS: Readonly<Record<string, string>> = {
  MET: "its condition holds",
  MAX_WAIT: "its longest wait is over",
  UPSTREAM_FAILED: "a task before it failed",
  RULE: "a trigger rule did not hold",
};

const WORD_COLUMNS = 18;

/** @param isOfMany whether the line has to say whose run it is */
export function eventLine(event: RunEventInfo, isOfMany: boolean): Line {
  const { at, type, task, runId, workflow } = event;
  const word = type.toLowerCase().replaceAll("_", " ");
  const run: Span[] = isOfMany ? [`${runId}  `, [`${workflow}  `, "bold"]] : [];
  const facts = factsOf(event).join("  ");
  return [
    [`${clock(at)}  `, "dim"],
    ...run,
    [word.padEnd(WORD_COLUMNS), STYLES[type] ?? "dim"],
    task,
    ...(facts === "" ? [] : [task === "" ? "" : "  ", [facts, "dim"] as Span]),
  ];
}

function factsOf({ hostId, attempt, recovery, slotDelta, reason, failure, retryAt, at }: RunEventInfo): string[] {
  return [
    ...(hostId === "" ? [] : [hostId]),
    ...(attempt > 1 ? [`try ${attempt}`] : []),
    ...(recovery > 0 ? [`recovery ${recovery}`] : []),
    ...(slotDelta === 0 ? [] : [slotDelta > 0 ? `+${slotDelta} slot` : `${slotDelta} slot`]),
    ...(failure === null
      ? []
      : [`${failure.code === "TASK_FAILED" ? failure.type : failure.code}: ${failure.message}`]),
    ...(reason === "" ? [] : [WORDS[reason] ?? reason]),
    ...(retryAt === null ? [] : [`again ${until(retryAt, at.getTime())}`]),
  ];
}
