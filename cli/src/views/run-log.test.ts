import { describe, expect, it } from "vitest";
import { log, NOW } from "../testing/fixtures.js";
import { emptyLog, type RunLog, withEvents } from "./run-log.js";

const START = NOW - 4_000;

function stretchesOf(runLog: RunLog, task: string): (readonly [string, number, number | null])[] {
  const { stretches = [] } = runLog.tasks.get(task) ?? {};
  return stretches.map(({ kind, from, to }) => [kind, from - START, to === null ? null : to - START]);
}

describe("what a run's log tells", () => {
  it("is the same whether the events come at once or one by one", () => {
    const events = log(
      [0, "RUN_STARTED"],
      [0, "TASK_READY", "a"],
      [10, "TASK_LEASED", "a"],
      [100, "TASK_DEFERRED", "a", { reason: "a file" }],
      [300, "TASK_RECLAIMING", "a"],
      [350, "TASK_RESUMED", "a"],
      [400, "TASK_SUCCEEDED", "a"],
      [400, "RUN_SUCCEEDED"],
    );
    const atOnce = withEvents(emptyLog(["a", "b"]), events);
    const oneByOne = events.reduce((before, event) => withEvents(before, [event]), emptyLog(["a", "b"]));
    expect(oneByOne).toEqual(atOnce);
    expect(atOnce).toMatchObject({ status: "SUCCEEDED", startedAt: new Date(START + 10), lastAt: START + 400 });
    expect([...atOnce.tasks.values()].map(({ task, state }) => [task, state])).toEqual([
      ["a", "SUCCEEDED"],
      ["b", "WAITING"],
    ]);
    expect(stretchesOf(atOnce, "a")).toEqual([
      ["held", 10, 100],
      ["deferred", 100, 300],
      ["reclaiming", 300, 350],
      ["held", 350, 400],
    ]);
  });

  it("keeps the slot of a cancelled task until its host has stopped it, and ends a deferral at once", () => {
    const cancelled = withEvents(
      emptyLog(["a", "b"]),
      log(
        [0, "TASK_LEASED", "a"],
        [0, "TASK_LEASED", "b"],
        [50, "TASK_DEFERRED", "b"],
        [100, "RUN_CANCELLED", "", { reason: "enough" }],
        [100, "TASK_CANCELLED", "a"],
        [100, "TASK_CANCELLED", "b"],
      ),
    );
    expect(cancelled).toMatchObject({ status: "CANCELLED", reason: "enough" });
    expect(stretchesOf(cancelled, "a")).toEqual([["held", 0, null]]);
    expect(stretchesOf(cancelled, "b")).toEqual([
      ["held", 0, 50],
      ["deferred", 50, 100],
    ]);
    expect(stretchesOf(withEvents(cancelled, log([150, "LEASE_ENDED", "a"])), "a")).toEqual([["held", 0, 150]]);
  });

  it("does not end the slot of a newer lease with what is said of an older one", () => {
    const again = withEvents(
      emptyLog(["a"]),
      log(
        [0, "TASK_LEASED", "a", { leaseId: "first" }],
        [100, "TASK_RETRYING", "a", { leaseId: "first", slotDelta: 0, retryAt: new Date(START + 200) }],
        [200, "TASK_LEASED", "a", { leaseId: "second", attempt: 2 }],
        [300, "LEASE_ENDED", "a", { leaseId: "first" }],
      ),
    );
    expect(stretchesOf(again, "a")).toEqual([
      ["held", 0, 300],
      ["held", 200, null],
    ]);
    expect(again.tasks.get("a")).toMatchObject({ state: "LEASED", attempt: 2, retryAt: null });
  });

  it("goes back to the beginning where a run is retried", () => {
    const retried = withEvents(
      emptyLog(["a", "b"]),
      log(
        [0, "TASK_LEASED", "a"],
        [50, "TASK_FAILED", "a", { failure: { code: "TASK_FAILED", type: "Error", message: "no", stack: "" } }],
        [50, "TASK_SKIPPED", "b", { reason: "UPSTREAM_FAILED" }],
        [50, "RUN_FAILED"],
        [100, "RUN_RETRIED"],
        [100, "TASK_RESET", "a"],
        [100, "TASK_RESET", "b"],
      ),
    );
    expect(retried).toMatchObject({ status: "RUNNING", finishedAt: null });
    expect([...retried.tasks.values()].map(({ state, attempt, reason }) => [state, attempt, reason])).toEqual([
      ["WAITING", 0, ""],
      ["WAITING", 0, ""],
    ]);
  });

  it("knows a paused run, and what one is after that", () => {
    const paused = withEvents(emptyLog(["a"]), log([0, "RUN_STARTED"], [10, "RUN_PAUSED", "", { reason: "lunch" }]));
    expect(paused).toMatchObject({ status: "PAUSED", reason: "lunch" });
    expect(withEvents(paused, log([20, "RUN_RESUMED"])).status).toBe("PENDING");
    expect(withEvents(paused, log([15, "TASK_LEASED", "a"], [20, "RUN_RESUMED"])).status).toBe("RUNNING");
  });
});
