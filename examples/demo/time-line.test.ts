import { expect, it } from "vitest";
import { columnsOf, paint } from "./paint.js";
import { tasksOf } from "./run-view.js";
import { HAND_OVER } from "./testing.js";
import { durations, timeLine } from "./time-line.js";

const TASKS = tasksOf(["wait", "other", "one", "two"], HAND_OVER);

it("shows under each host what ran there, with and without a slot", () => {
  const lines = timeLine(TASKS, ["a", "b"], 1000, 30).map((line) => paint(line, 30, false));
  expect(lines).toEqual([
    "  a  one slot",
    "    wait   ████░░░░░░╌╌╌██████",
    "    one        ████",
    "    two            █████",
    "  b  one slot",
    "    other  █████████████████",
    "           ╵0s       ╵0.5s",
    "  █ holds the slot",
    "  ░ deferred, holds none",
    "  ╌ waits for a slot",
  ]);
});

it.each([20, 40, 80, 120, 300])("fits into %i columns, or takes the fewest that make sense", (width) => {
  const longest = Math.max(...timeLine(TASKS, ["a", "b"], 1000, width).map(columnsOf));
  expect(longest).toBeLessThanOrEqual(Math.max(width, 24));
});

it("draws what still lasts up to now", () => {
  const tasks = tasksOf(["wait"], HAND_OVER.slice(0, 5));
  const [, bar = []] = timeLine(tasks, ["a"], 400, 30);
  expect(paint(bar, 30, false)).toMatch(/^ {4}wait {2}█+░+$/);
  expect(durations(tasks[0] ?? TASKS[0] ?? never(), 400)).toBe("0.2s with a slot, 0.2s without");
});

it("is empty before anything ran", () => {
  expect(timeLine(tasksOf(["wait"], []), ["a"], 0, 80)).toEqual([]);
});

function never(): never {
  throw new Error("no task");
}
