/** Checks of the options that `runTask` and `runWorkflow` share. */
import type { Problem } from "../errors/index.js";
import { MAX_TIMER_MS } from "../protocol/number-limits.js";
import { describeValue } from "../task/describe-value.js";
import { type Option, wholeNumber } from "../task/option-table.js";
import { scriptsProblem } from "./condition-script.js";
import { startAtProblem, VirtualClock } from "./virtual-clock.js";

/** What both ways to run something in a test take. */
export interface TestOptions {
  /** The clock, when the code under test needs it too. One of its own by default. */
  readonly clock?: VirtualClock | undefined;
  /** Where virtual time begins: a date, or milliseconds since the Unix epoch. By default 2026-01-01T00:00:00Z. Not with `clock`. */
  readonly startAt?: Date | number | undefined;
  /**
   * How long code may wait for something real (I/O, a promise, a real timer) without any news, in milliseconds of real time,
   * until the test is stuck. 3,000 by default.
   */
  readonly patienceMs?: number | undefined;
}

export const DEFAULT_PATIENCE_MS = 3_000;

/** Longest virtual time: what takes longer never ends. 10 years. */
export const LONGEST_MS = 10 * 366 * 24 * 3_600_000;

export const milliseconds = wholeNumber(0, LONGEST_MS, " milliseconds");

export const TEST_OPTIONS: readonly Option[] = [
  { name: "clock", check: clockProblem },
  { name: "startAt", check: startAtProblem },
  { name: "patienceMs", check: wholeNumber(1, MAX_TIMER_MS, " milliseconds") },
];

/** What is wrong with the scripts of one task; null when they are fine. */
export function conditionsProblem(value: unknown): string | null {
  const wrong = scriptsProblem(value);
  return wrong === null ? null : `is ${describeValue(value)}; ${wrong}`;
}

/** A clock that is passed has begun already. */
export function clockProblems({ clock, startAt }: Readonly<Record<string, unknown>>): Problem[] {
  if (clock === undefined || startAt === undefined) return [];
  return [
    { path: "startAt", message: "comes with clock, which has its own beginning; write new VirtualClock(startAt)" },
  ];
}

export function clockOf({ clock, startAt }: TestOptions): VirtualClock {
  return clock ?? new VirtualClock(startAt);
}

function clockProblem(value: unknown): string | null {
  return value instanceof VirtualClock ? null : `is ${describeValue(value)}; write new VirtualClock()`;
}
