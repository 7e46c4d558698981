import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RunEvent, TaskRun } from "../../core/model.js";
import { AWKWARD } from "../../testing/awkward.js";
import { anyChange, anyEvents, EVENT_TYPES, runIds, TASK_STATES } from "../contract/any-log.js";
import { failure, fullTask, loneRun, plainTask } from "../contract/lone-run.js";
import { TestIds, testOptions, World } from "../contract/world.js";
import { openStore } from "../open-store.js";
import { packLog, unpackChanges, unpackEvents } from "./log-row.js";
import { Packer } from "./packer.js";
import { foldTaskRuns, type TaskChange, type TaskRow } from "./task-changes.js";

const packer = new Packer();
const started: RunEvent = { seq: 1, at: 1_764_000_000_000, type: "RUN_STARTED" };

/** A copy of the row of what a commit did to a run. */
function pack(runId: string, events: RunEvent[], ...tasks: readonly TaskRun[]): Buffer {
  const run = loneRun(runId);
  run.events = events;
  for (const task of tasks) run.setTask(task);
  return Buffer.from(packLog(packer, run, () => {}) ?? []);
}

describe("events as a row", () => {
  it.each(EVENT_TYPES)("say %s", (type) => {
    const events: RunEvent[] = [
      { seq: 7, at: 1_764_000_000_000, type },
      { seq: 8, at: 1_764_000_000_000, type, task: 0, leaseId: "r1.0.1" },
    ];
    expect(unpackEvents("r1", { data: pack("r1", events) })).toStrictEqual(events);
  });

  it("say all that they can", () => {
    const events: RunEvent[] = [
      started,
      {
        seq: 2,
        at: 1_764_000_000_007,
        type: "TASK_FAILED",
        task: 3,
        leaseId: "r1.3.1",
        hostId: AWKWARD,
        sessionId: "s1",
        attempt: 1,
        recovery: 2,
        slotDelta: -1,
        slots: 4,
        deferral: 1,
        reason: AWKWARD,
        failure,
        retryAt: 1_764_000_000_009,
      },
    ];
    expect(unpackEvents("r1", { data: pack("r1", events) })).toStrictEqual(events);
  });

  it("say whatever they say, of whatever run, and how the task runs stand that changed with them", () => {
    const commits = runIds.chain((runId) =>
      fc.tuple(
        fc.constant(runId),
        fc.array(fc.tuple(anyEvents(runId), anyChange(runId, 3), anyChange(runId, 11)), { minLength: 1, maxLength: 4 }),
      ),
    );
    fc.assert(
      fc.property(commits, ([runId, steps]) => {
        const run = loneRun(runId);
        const rows = new Map<number, TaskRow>();
        const log: TaskChange[][] = [];
        for (const [events, third, last] of steps) {
          run.events = events;
          for (const [index, change] of [
            [3, third],
            [11, last],
          ] as const) {
            run.setTask({ ...run.task(index), fence: 1, ...change });
          }
          const data = packLog(packer, run, (task, checkpoint, patch) => {
            rows.set(task, { task, data: "", checkpoint, patch });
          });
          if (data === null) throw new Error("nothing was written");
          expect(unpackEvents(runId, { data })).toStrictEqual(events);
          log.push(unpackChanges(runId, { data, tasks: null }));
          run.settle();
          expect(foldTaskRuns(runId, [...rows.values()], log)).toEqual([run.task(3), run.task(11)]);
        }
      }),
      { numRuns: 400 },
    );
  });

  it.each(TASK_STATES)("say that a task run is %s", (state) => {
    const task: TaskRun = { ...plainTask, state, fence: 1 };
    const changes = unpackChanges("r1", { data: pack("r1", [started], task), tasks: null });
    expect(changes).toEqual([{ task: 3, state, attempt: 0, fence: 1, hostId: "" }]);
  });

  it("are read as the JSON that they were before schema version 5, with what stood beside it", () => {
    const data = JSON.stringify([started]);
    expect(unpackEvents("r1", { data })).toEqual([started]);
    expect(unpackChanges("r1", { data, tasks: null })).toEqual([]);
    const changes = [{ task: 3, state: "LEASED", attempt: 1 }];
    expect(unpackChanges("r1", { data, tasks: JSON.stringify(changes) })).toEqual(changes);
  });

  it("are no row when there are none, nor may a task run change without one", () => {
    const run = loneRun("r1");
    expect(packLog(packer, run, () => {})).toBeNull();
    run.setTask(plainTask);
    expect(packLog(packer, run, () => {})).toBeNull();
    run.setTask({ ...plainTask, fence: 1 });
    expect(() => packLog(packer, run, () => {})).toThrow("run r1 has changed without an event");
  });

  it("must be dense", () => {
    expect(() => pack("r1", [started, { ...started, seq: 3 }])).toThrow("event 3 of run r1 stands where 2 must");
  });
});

describe("a damaged row of the log", () => {
  const whole = pack("r1", [started, { seq: 2, at: started.at, type: "TASK_READY", task: 3 }], fullTask);
  const read = (data: Buffer) => [unpackEvents("r1", { data }), unpackChanges("r1", { data, tasks: null })];

  it("that ends too early is an error, wherever it was cut", () => {
    expect(read(whole)[0]).toHaveLength(2);
    for (let end = 0; end < whole.length; end++) {
      expect(() => read(whole.subarray(0, end)), `${end} bytes`).toThrow();
    }
  });

  it.each([
    ["another format", 0, 2, "a row begins with 2 and not with 1"],
    ["a type that nobody knows", 9, 23, "event 1 of run r1 is of type 23, which nobody knows"],
    ["a type that nobody knows", 9, 0, "event 1 of run r1 is of type 0, which nobody knows"],
    ["a state that nobody knows", 18, 11, "a row has the number 11, which is none of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"],
  ])("with %s is an error", (_what, at, byte, message) => {
    const data = Buffer.from(whole);
    data[at] = byte;
    expect(() => read(data)).toThrow(message);
  });
});

/** As long as those of a scheduler. */
class LongIds extends TestIds {
  override runId(): string {
    return super.runId().padEnd(22, "x");
  }

  override sessionId(): string {
    return super.sessionId().padEnd(17, "x");
  }
}

it("a typical commit is a small row", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cloaca-log-row-"));
  try {
    const file = join(folder, "runs.db");
    const options = { ...testOptions(), ids: new LongIds() };
    const world = new World(openStore(`sqlite://${file}`, options, ""), options);
    await world.register("w", { a: [] });
    await world.host("etl-worker-7", { slots: 16 });
    await world.start("w");
    world.clock.move(12);
    const lease = await world.lease();
    world.clock.move(345);
    await world.complete(lease);
    await world.store.close();
    const db = new Database(file, { readonly: true });
    const rows = db.prepare("SELECT data FROM events ORDER BY position").pluck().all() as Buffer[];
    db.close();
    expect(rows.map((data) => unpackEvents("", { data }).map(({ type }) => type))).toEqual([
      ["RUN_STARTED", "TASK_READY"],
      ["TASK_LEASED"],
      ["TASK_SUCCEEDED", "RUN_SUCCEEDED"],
    ]);
    const [start = 0, leased = 0, ended = 0] = rows.map(({ length }) => length);
    expect(start).toBeLessThanOrEqual(18);
    expect(leased).toBeLessThanOrEqual(65);
    expect(ended).toBeLessThanOrEqual(73);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
