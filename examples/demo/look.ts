/** How states and hosts look. */
import type { Style } from "./paint.js";
import type { Stretch, TaskState } from "./run-view.js";

export const STATE_LOOK: Readonly<Record<TaskState, { readonly mark: string; readonly style: Style }>> = {
  waiting: { mark: "·", style: "dim" },
  ready: { mark: "○", style: "white" },
  running: { mark: "▶", style: "green" },
  deferred: { mark: "◌", style: "yellow" },
  reclaiming: { mark: "◍", style: "yellow" },
  succeeded: { mark: "✓", style: "green" },
  failed: { mark: "✗", style: "red" },
  cancelled: { mark: "✗", style: "red" },
  skipped: { mark: "-", style: "dim" },
};

export const STRETCH_LOOK: Readonly<Record<Stretch["kind"], { readonly fill: string; readonly tells: string }>> = {
  held: { fill: "█", tells: "holds the slot" },
  deferred: { fill: "░", tells: "deferred, holds none" },
  reclaiming: { fill: "╌", tells: "waits for a slot" },
};

const HOST_STYLES: readonly Style[] = ["cyan", "magenta", "blue"];

export function hostStyle(hosts: readonly string[], host: string): Style {
  return HOST_STYLES[hosts.indexOf(host) % HOST_STYLES.length] ?? "white";
}

export function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1000).toFixed(1)}s`;
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
