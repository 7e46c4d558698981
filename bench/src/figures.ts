/** The figures: their names, units and what the issue asks of each. */

export interface Figure {
  readonly name: FigureName;
  readonly value: number;
  readonly unit: string;
}

interface Goal {
  readonly unit: string;
  /** What must be reached; `atMost` for what should be small. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

export const GOALS = {
  one_task_runs_per_s: { unit: "runs/s", atLeast: 12_000 },
  unary_starts_per_s: { unit: "runs/s", atLeast: 2_500 },
  chain_tasks_per_s: { unit: "tasks/s", atLeast: 15_000 },
  fanout_tasks_per_s: { unit: "tasks/s", atLeast: 15_000 },
  eight_slot_tasks_per_s: { unit: "tasks/s", atLeast: 5_000 },
  start_latency_p50_ms: { unit: "ms", atMost: 4 },
  start_latency_p99_ms: { unit: "ms", atMost: 20 },
  deferrals_held: { unit: "deferrals", atLeast: 10_000 },
  deferral_rss_kb: { unit: "KiB", atMost: 8 },
  deferral_resume_p50_ms: { unit: "ms" },
  deferral_resume_p99_ms: { unit: "ms", atMost: 50 },
  idle_cpu_percent: { unit: "% of a core", atMost: 2 },
  workflow_10k_ms: { unit: "ms" },
  sessions_1000_connect_ms: { unit: "ms" },
  python_host_tasks_per_s: { unit: "tasks/s", atLeast: 2_000 },
  go_host_tasks_per_s: { unit: "tasks/s", atLeast: 2_000 },
  ceiling_leases_per_s: { unit: "leases/s" },
} as const satisfies Record<string, Goal>;

export type FigureName = keyof typeof GOALS;

export const FIGURE_NAMES = Object.keys(GOALS) as readonly FigureName[];

export function figure(name: FigureName, value: number): Figure {
  return { name, value: round(value), unit: GOALS[name].unit };
}

/** Three digits are more than a measurement is good for. */
function round(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

/** The table: value, what is asked, and for throughput the ratio to the raw stream of the same run. */
export function table(figures: readonly Figure[]): string {
  const ceiling = figures.find((f) => f.name === "ceiling_leases_per_s")?.value;
  const rows = figures.map(({ name, value, unit }) => {
    const ratio = ceiling !== undefined && name.endsWith("_per_s") ? (value / ceiling).toFixed(3) : "";
    return [name, value.toLocaleString("en-US"), unit, goalText(name, value), ratio];
  });
  const lines = [["figure", "value", "unit", "to reach", "of the ceiling"], ...rows];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return lines
    .map((line) => line.map((cell, column) => pad(cell, widths[column] ?? 0, column === 1)).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

function goalText(name: FigureName, value: number): string {
  const { atLeast, atMost }: Goal = GOALS[name];
  if (atLeast !== undefined) return `≥ ${atLeast.toLocaleString("en-US")}${value < atLeast ? "  MISSED" : ""}`;
  if (atMost !== undefined) return `≤ ${atMost}${value > atMost ? "  MISSED" : ""}`;
  return "";
}

function pad(cell: string, width: number, right: boolean): string {
  return right ? cell.padStart(width) : cell.padEnd(width);
}
