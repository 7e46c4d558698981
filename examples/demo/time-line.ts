/** The time line: a bar a task, under the host that had its lease, in which time with and without a slot differ. */
import { hostStyle, STRETCH_LOOK, seconds } from "./look.js";
import type { Line, Span } from "./paint.js";
import type { Stretch, TaskView } from "./run-view.js";

const MOST_COLUMNS = 110;
const FEWEST_BAR_COLUMNS = 12;

/**
 * @param now end of what still lasts, in milliseconds of the scheduler's clock
 * @param leastMs time that there is room for at least
 */
export function timeLine(
  tasks: readonly TaskView[],
  hosts: readonly string[],
  now: number,
  width: number,
  leastMs = 0,
): Line[] {
  const stretches = tasks.flatMap((task) => task.stretches);
  if (stretches.length === 0) return [];
  const start = Math.min(...stretches.map(({ from }) => from));
  const end = Math.max(start + leastMs, ...stretches.map(({ to }) => to ?? now));
  const names = Math.max(...tasks.map(({ id }) => id.length)) + 4;
  const columns = Math.max(FEWEST_BAR_COLUMNS, Math.min(width, MOST_COLUMNS) - names - 2);
  const scale = { start, perMs: columns / Math.max(1, end - start), columns };
  const rows = hosts.flatMap((host): Line[] => {
    const own = tasks.filter((task) => task.stretches.some((stretch) => stretch.host === host));
    const style = hostStyle(hosts, host);
    return [
      ["  ", [host, style], ["  one slot", "dim"]],
      ...own.map((task): Line => [`    ${task.id.padEnd(names - 2)}`, ...bar(task.stretches, host, hosts, now, scale)]),
    ];
  });
  return [...rows, [" ".repeat(names + 2), [axis(end - start, columns), "dim"]], ...legend(width)];
}

interface Scale {
  readonly start: number;
  readonly perMs: number;
  readonly columns: number;
}

function bar(
  stretches: readonly Stretch[],
  host: string,
  hosts: readonly string[],
  now: number,
  { start, perMs, columns }: Scale,
): Span[] {
  const cells: Span[] = new Array<Span>(columns).fill(" ");
  for (const { kind, from, to, host: at } of stretches) {
    if (at !== host) continue;
    const first = Math.min(columns - 1, Math.round((from - start) * perMs));
    const end = Math.max(first + 1, Math.round(((to ?? now) - start) * perMs));
    const cell: Span = [STRETCH_LOOK[kind].fill, kind === "held" ? hostStyle(hosts, at) : "yellow"];
    cells.fill(cell, first, end);
  }
  return cells;
}

/** A tick a second, or a half where there is room. */
function axis(spanMs: number, columns: number): string {
  const stepMs = [500, 1_000, 2_000, 5_000, 10_000].find((step) => (step / spanMs) * columns >= 7) ?? 20_000;
  let text = "";
  for (let at = 0; at <= spanMs; at += stepMs) {
    const label = `╵${at % 1000 === 0 ? at / 1000 : (at / 1000).toFixed(1)}s`;
    const column = Math.round((at / spanMs) * columns);
    if (column + label.length <= columns) text = text.padEnd(column) + label;
  }
  return text;
}

function legend(width: number): Line[] {
  const entries = Object.values(STRETCH_LOOK).map(({ fill, tells }): string => `${fill} ${tells}`);
  const inOne = `  ${entries.join("   ")}`;
  return inOne.length <= width ? [[[inOne, "dim"]]] : entries.map((entry): Line => [[`  ${entry}`, "dim"]]);
}

/** How long each kind of stretch of a task lasted in all, for people. */
export function durations(task: TaskView, now: number): string {
  const sum = (kind: Stretch["kind"]): number =>
    task.stretches
      .filter((stretch) => stretch.kind === kind)
      .reduce((total, { from, to }) => total + (to ?? now) - from, 0);
  const away = sum("deferred") + sum("reclaiming");
  return away > 0 ? `${seconds(sum("held"))} with a slot, ${seconds(away)} without` : `${seconds(sum("held"))}`;
}
