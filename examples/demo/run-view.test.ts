import { expect, it } from "vitest";
import { handOversOf, slotsOf, tasksOf } from "./run-view.js";
import { eventLog, HAND_OVER } from "./testing.js";

it("tells the state, the host and the reason of each task at each moment", () => {
  const [wait, two] = tasksOf(["wait", "two"], HAND_OVER.slice(0, 5));
  expect(wait).toMatchObject({ state: "deferred", host: "a", reason: "the file", leases: 1 });
  expect(two).toMatchObject({ state: "waiting", host: "", leases: 0, stretches: [] });
});

it("divides the time of a lease by whether a slot was held", () => {
  const [wait] = tasksOf(["wait"], HAND_OVER);
  expect(wait?.stretches).toEqual([
    { kind: "held", host: "a", from: 0, to: 200 },
    { kind: "deferred", host: "a", from: 200, to: 500 },
    { kind: "reclaiming", host: "a", from: 500, to: 700 },
    { kind: "held", host: "a", from: 700, to: 1000 },
  ]);
});

it("counts what ran in a slot that was given back: at that host, until the task had one again", () => {
  expect(handOversOf(HAND_OVER)).toEqual([{ task: "wait", host: "a", from: 200, to: 700, reusedBy: ["one", "two"] }]);
  expect(handOversOf(HAND_OVER.slice(0, 6))).toMatchObject([{ to: null, reusedBy: ["one"] }]);
  const late = eventLog(
    [0, "TASK_LEASED", "wait", "a"],
    [1, "TASK_DEFERRED", "wait", "a"],
    [2, "TASK_LEASED", "elsewhere", "b"],
    [3, "TASK_RESUMED", "wait", "a"],
    [4, "TASK_SUCCEEDED", "wait", "a"],
    [5, "TASK_LEASED", "after", "a"],
  );
  expect(handOversOf(late)).toMatchObject([{ reusedBy: [] }]);
});

it("keeps the ledger of the slots", () => {
  expect(slotsOf(HAND_OVER)).toEqual(
    new Map([
      ["a", { held: 0, most: 1 }],
      ["b", { held: 0, most: 1 }],
    ]),
  );
  expect(slotsOf(HAND_OVER.slice(0, 4)).get("a")).toEqual({ held: 1, most: 1 });
});
