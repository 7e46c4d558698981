/** How states look to people: a mark, a word and a colour. */
import type { RunStatusName, TaskRunStateName } from "@cloaca/sdk/client";
import type { Span, Style } from "../terminal/line.js";

export interface Look {
  readonly mark: string;
  readonly word: string;
  readonly style: Style;
}

const RUN_LOOK: Readonly<Record<RunStatusName, Look>> = {
  PENDING: { mark: "○", word: "pending", style: "dim" },
  RUNNING: { mark: "●", word: "running", style: "cyan" },
  PAUSED: { mark: "‖", word: "paused", style: "magenta" },
  SUCCEEDED: { mark: "✓", word: "succeeded", style: "green" },
  FAILED: { mark: "✗", word: "failed", style: "red" },
  CANCELLED: { mark: "⊘", word: "cancelled", style: "yellow" },
  UNSPECIFIED: { mark: "?", word: "unknown", style: "dim" },
};

const TASK_LOOK: Readonly<Record<TaskRunStateName, Look>> = {
  WAITING: { mark: "·", word: "waiting", style: "dim" },
  READY: { mark: "○", word: "ready", style: "blue" },
  LEASED: { mark: "●", word: "running", style: "cyan" },
  DEFERRED: { mark: "◌", word: "deferred", style: "yellow" },
  RECLAIMING: { mark: "◍", word: "reclaiming", style: "yellow" },
  RETRYING: { mark: "↻", word: "retrying", style: "magenta" },
  SUCCEEDED: { mark: "✓", word: "succeeded", style: "green" },
  FAILED: { mark: "✗", word: "failed", style: "red" },
  CANCELLED: { mark: "⊘", word: "cancelled", style: "yellow" },
  SKIPPED: { mark: "-", word: "skipped", style: "dim" },
  UNSPECIFIED: { mark: "?", word: "unknown", style: "dim" },
};

/** Statuses in the order in which people ask for them. */
export const RUN_STATUSES = ["PENDING", "RUNNING", "PAUSED", "SUCCEEDED", "FAILED", "CANCELLED"] as const;

export function runLook(status: RunStatusName): Look {
  return RUN_LOOK[status];
}

export function taskLook(state: TaskRunStateName): Look {
  return TASK_LOOK[state];
}

/** `✓ succeeded`, coloured. */
export function marked({ mark, word, style }: Look): Span {
  return [`${mark} ${word}`, style];
}

export function isOver(status: RunStatusName): status is "SUCCEEDED" | "FAILED" | "CANCELLED" {
  return status === "SUCCEEDED" || status === "FAILED" || status === "CANCELLED";
}
