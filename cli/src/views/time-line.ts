/** The time line: a bar a task, in which time with and without a slot differ. */
import { cut, type Line, lineColumns, type Span } from "../terminal/line.js";
import { columnsOf } from "../terminal/text.js";
import { duration } from "../terminal/time.js";
import type { Stretch, TaskLog } from "./run-log.js";

const FILL = {
  held: ["█", "cyan"],
  deferred: ["░", "yellow"],
  reclaiming: ["╌", "yellow"],
} as const satisfies Readonly<Record<Stretch["kind"], Span>>;

const LEGEND: Line = [
  FILL.held,
  [" holds a slot   ", "dim"],
  FILL.deferred,
  [" deferred: waits without one   ", "dim"],
  FILL.reclaiming,
  [" waits for a slot to go on", "dim"],
];

const MOST_COLUMNS = 110;
const FEWEST_BAR_COLUMNS = 10;
const MOST_NAME_COLUMNS = 28;

export interface TimeLineOptions {
  /** End of what still lasts, in milliseconds of the scheduler's clock. */
  readonly now: number;
  readonly width: number;
  /** Bars at the most; the longest tasks are shown. */
  readonly rows: number;
}

/** Empty when no task has had a lease. */
export function timeLine(tasks: Iterable<TaskLog>, { now, width, rows }: TimeLineOptions): Line[] {
  const leased = [...tasks].filter(({ stretches }) => stretches.length > 0);
  const shown = longest(leased, rows, now);
  const stretches = leased.flatMap((task) => task.stretches);
  if (shown.length === 0) return [];
  const start = stretches.reduce((least, { from }) => Math.min(least, from), Number.POSITIVE_INFINITY);
  const end = stretches.reduce((most, { to }) => Math.max(most, to ?? now), start);
  const room = Math.min(width, MOST_COLUMNS) - 2;
  const names = Math.min(
    MOST_NAME_COLUMNS,
    Math.max(...shown.map(({ task }) => columnsOf(task))),
    Math.max(8, room - 2 - FEWEST_BAR_COLUMNS),
  );
  const columns = Math.max(FEWEST_BAR_COLUMNS, room - names - 2);
  const scale = { start, perMs: columns / Math.max(1, end - start), columns };
  const bars = shown.map((task): Line => {
    const name = cut([task.task], names);
    const space = " ".repeat(Math.max(0, names - lineColumns(name)) + 2);
    return ["  ", ...name, space, ...bar(task.stretches, now, scale)];
  });
  const left = leased.length - shown.length;
  return [
    ...bars,
    [" ".repeat(names + 4), [axis(end - start, columns), "dim"]],
    ...(left > 0 ? [[[`  and ${left} shorter ones`, "dim"]] as Line] : []),
    ...legend(width),
  ];
}

/** In the order in which they came, the longest of them. */
function longest(tasks: readonly TaskLog[], rows: number, now: number): readonly TaskLog[] {
  if (tasks.length <= rows) return tasks;
  const span = ({ stretches }: TaskLog): number => (stretches.at(-1)?.to ?? now) - (stretches[0]?.from ?? now);
  const kept = new Set([...tasks].sort((a, b) => span(b) - span(a)).slice(0, rows));
  return tasks.filter((task) => kept.has(task));
}

interface Scale {
  readonly start: number;
  readonly perMs: number;
  readonly columns: number;
}

function bar(stretches: readonly Stretch[], now: number, { start, perMs, columns }: Scale): Line {
  const cells = new Array<Stretch["kind"] | null>(columns).fill(null);
  for (const { kind, from, to } of stretches) {
    const first = Math.min(columns - 1, Math.round((from - start) * perMs));
    const end = Math.max(first + 1, Math.round(((to ?? now) - start) * perMs));
    cells.fill(kind, first, end);
  }
  // One span for each stretch of equal cells: an escape sequence a column would be slow to write and to read.
  const spans: Span[] = [];
  for (let at = 0; at < columns; ) {
    const kind = cells[at] ?? null;
    let to = at + 1;
    while (to < columns && (cells[to] ?? null) === kind) to += 1;
    if (kind === null) spans.push(" ".repeat(to - at));
    else {
      const [fill, style] = FILL[kind];
      spans.push([fill.repeat(to - at), style]);
    }
    at = to;
  }
  return spans;
}

/** Steps of a ruler that people count in. */
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500]
  .concat([1, 2, 5, 10, 30].map((s) => s * 1_000))
  .concat([1, 2, 5, 10, 30].map((m) => m * 60_000))
  .concat([1, 2, 6, 12].map((h) => h * 3_600_000));

function axis(spanMs: number, columns: number): string {
  const day = 86_400_000;
  const step = STEPS.find((ms) => (ms / Math.max(1, spanMs)) * columns >= 9) ?? Math.ceil(spanMs / day / 5) * day;
  let text = "";
  for (let at = 0; at <= spanMs; at += step) {
    const label = `╵${at === 0 ? "0" : duration(at)}`;
    const column = Math.round((at / Math.max(1, spanMs)) * columns);
    if (column + label.length <= columns) text = text.padEnd(column) + label;
  }
  return text;
}

function legend(width: number): Line[] {
  if (lineColumns(LEGEND) + 2 <= width) return [["  ", ...LEGEND]];
  return [0, 2, 4].map((at) => ["  ", ...LEGEND.slice(at, at + 2)]);
}
