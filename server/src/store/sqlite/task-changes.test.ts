import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { compileGraph } from "../../core/graph.js";
import type { Patch, TaskRun } from "../../core/model.js";
import { initialTaskRun } from "../../core/task-run.js";
import { AWKWARD } from "../../testing/awkward.js";
import { definition, testOptions, World } from "../contract/world.js";
import { LiveRun } from "../live/live-run.js";
import { newRun } from "../live/run-start.js";
import { openStore } from "../open-store.js";
import { encodeTaskChanges, foldTaskRuns, LARGE, type TaskRow } from "./task-changes.js";

const failure = { code: "TASK_FAILED", type: "Error", message: AWKWARD, stack: AWKWARD };
const plainTask: TaskRun = { ...initialTaskRun("r1", 3, 0), state: "READY" };
const fullTask: TaskRun = {
  ...plainTask,
  state: "DEFERRED",
  attempt: 2,
  attemptsBefore: 1,
  retryAt: 9,
  recovery: 1,
  lossesHeld: 1,
  losses: [
    { hostId: "h", sessionId: "s", leaseId: "r.0.1", attempt: 1, at: 5, slotHeld: true, reason: 'it said "bye"' },
  ],
  lossesDeferred: 2,
  fence: 7,
  lease: {
    id: "r1.3.7",
    sessionId: "s1",
    hostId: AWKWARD,
    slotSince: null,
    deferral: {
      n: 1,
      pollIntervalMs: 1_000,
      maxWaitMs: 0,
      description: AWKWARD,
      deferredAt: 5,
      reclaimedAt: null,
      outcome: null,
    },
  },
  ending: [
    { id: "r1.3.6", sessionId: "s2", hostId: "h", reason: "TIMEOUT", holdsSlot: true, retry: { at: 9, attempt: 2 } },
    { id: "r1.3.4", sessionId: "s2", hostId: "h", reason: "TIMEOUT", holdsSlot: true, retry: null },
    { id: "r1.3.2", sessionId: "s2", hostId: "h", reason: "RUN_CANCELLED", holdsSlot: false },
  ],
  outcome: { leaseId: "r1.3.5", sessionId: "s1", kind: "decline", digest: AWKWARD, retry: { at: 5, attempt: 3 } },
  declinedBy: ["s1", AWKWARD],
  failure,
  skip: "UPSTREAM_FAILED",
  hostId: AWKWARD,
  slotHeldMs: 4,
  readyAt: 1,
  startedAt: 2,
  finishedAt: 3,
};

const graph = compileGraph(definition("w", { a: [], b: [], c: [], d: [] }));
const start = { namespace: "default", workflow: "w", version: "", context: {}, priority: 0, labels: {} };
const small: Patch = { set: { [AWKWARD]: '"x"' }, removed: ["y"] };
const large: Patch = { set: { much: JSON.stringify("x".repeat(LARGE)) }, removed: [] };
const larger: Patch = { set: { more: JSON.stringify("y".repeat(LARGE)) }, removed: [] };

/** A file: what commits write of one task run, and what is read of it. */
class Written {
  readonly rows = new Map<number, TaskRow>();
  readonly texts: string[] = [];
  readonly run: LiveRun;

  constructor(rows: readonly TaskRow[] = []) {
    for (const row of rows) this.rows.set(row.task, row);
    const item = { ...start, traceparent: "", requestId: "", timeoutMs: 0 };
    const observer = { dirty: () => {}, taskChanged: () => {}, runChanged: () => {} };
    this.run = new LiveRun(1, graph, newRun("r1", item, graph, 1), [], observer);
  }

  commit(...tasks: readonly TaskRun[]): string | null {
    for (const task of tasks) this.run.setTask(task);
    const text = encodeTaskChanges(this.run, (task, checkpoint, patch) => {
      this.rows.set(task, { task, data: this.rows.get(task)?.data ?? "", checkpoint, patch });
    });
    this.run.settle();
    if (text !== null) this.texts.push(text);
    return text;
  }

  read(): TaskRun[] {
    return foldTaskRuns("r1", [...this.rows.values()], this.texts);
  }
}

describe("what a commit did to the task runs of a run", () => {
  it.each([
    ["plain", { ...plainTask, fence: 1 }],
    ["leased", { ...plainTask, state: "LEASED" as const, lease: { ...lease(), slotSince: 9 } }],
    ["full", fullTask],
  ])("keeps a %s task run", (_name, task) => {
    const written = new Written();
    written.commit(task);
    expect(written.read()).toEqual([task]);
  });

  it("says nothing of a task run that waits, or is ready, for the first time", () => {
    const written = new Written();
    expect(written.commit({ ...plainTask, state: "WAITING", remaining: 1 }, plainTask)).toBeNull();
    expect(written.read()).toEqual([]);
  });

  it("says how each stands that has changed, in one text", () => {
    const written = new Written();
    const one = { ...fullTask, task: 1, checkpoint: small };
    const text = written.commit(fullTask, one);
    expect(JSON.parse(text ?? "")).toMatchObject([{ task: 3 }, { task: 1, checkpoint: small }]);
    const next = { ...one, attempt: 3 };
    expect(JSON.parse(written.commit(next) ?? "")).toMatchObject([{ task: 1, attempt: 3 }]);
    expect(written.read()).toEqual([fullTask, next]);
  });

  it.each<[name: string, steps: readonly Partial<TaskRun>[]]>([
    ["small, and unchanged", [{ checkpoint: small }, { attempt: 3 }]],
    [
      "small, and gone",
      [
        { checkpoint: small, patch: small },
        { checkpoint: null, patch: null },
      ],
    ],
    ["large, and unchanged", [{ checkpoint: large }, { attempt: 3 }]],
    ["large, and then a large patch", [{ checkpoint: large }, { patch: larger }, { attempt: 3 }]],
    ["large, and then another", [{ checkpoint: large }, { checkpoint: larger, patch: small }]],
    ["large both, and then a small one", [{ checkpoint: large, patch: larger }, { checkpoint: small }]],
    ["large, gone, and large again", [{ patch: large }, { patch: null }, { attempt: 3 }, { patch: larger }]],
  ])("keeps checkpoints and patches: %s", (_name, steps) => {
    const written = new Written();
    let task = fullTask;
    for (const step of steps) {
      task = { ...task, ...step };
      expect(written.commit(task)?.length).toBeLessThan(LARGE);
      expect(written.read()).toEqual([task]);
    }
  });
});

describe("a file from before the log said how task runs stand", () => {
  it("goes on from its rows", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cloaca-task-changes-"));
    try {
      const file = join(folder, "runs.db");
      const options = testOptions();
      const before = new World(openStore(`sqlite://${file}`, options, ""), options);
      await before.register("w", { a: [], b: ["a"] });
      await before.host("h");
      const runId = await before.start("w");
      const granted = await before.lease();
      const { sessionId, leaseId } = granted;
      await before.say(sessionId, { type: "checkpoint", leaseId, patch: { set: { half: "1" }, removed: [] } });
      const view = await before.store.readRun("default", runId);
      await before.store.close();
      backToVersion3(file);

      const after = new World(openStore(`sqlite://${file}`, options, ""), options);
      expect((await after.store.readRun("default", runId))?.tasks).toEqual(view?.tasks);
      await after.complete(granted, { whole: "2" });
      await after.complete(await after.lease(), {});
      expect(await after.status(runId)).toBe("SUCCEEDED");
      const ended = await after.store.readRun("default", runId);
      expect(ended?.tasks[0]).toMatchObject({ patch: { set: { half: "1", whole: "2" } } });
      await after.store.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** The file as a scheduler of schema version 3 would have written it: a row for each task run. */
function backToVersion3(file: string): void {
  const db = new Database(file);
  const texts = db.prepare<[], { run: number; tasks: string }>(
    "SELECT run, tasks FROM events WHERE tasks IS NOT NULL ORDER BY position",
  );
  const put = db.prepare("INSERT OR REPLACE INTO task_runs VALUES (?, ?, ?, ?, ?)");
  for (const { run, tasks } of texts.all()) {
    for (const { task, checkpoint = null, patch = null, ...data } of JSON.parse(tasks)) {
      const texts = [checkpoint, patch].map((value) => (value === null ? null : JSON.stringify(value)));
      put.run(run, task, JSON.stringify(data), ...texts);
    }
  }
  db.exec("ALTER TABLE events DROP COLUMN tasks; DROP TABLE pauses");
  db.pragma("user_version = 3");
  db.close();
}

function lease() {
  return { id: "r1.3.7", sessionId: "s1", hostId: "h", deferral: null };
}
