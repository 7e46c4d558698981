import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { compileGraph } from "../../core/graph.js";
import type { Patch, TaskRun } from "../../core/model.js";
import { initialTaskRun } from "../../core/task-run.js";
import { AWKWARD } from "../../testing/awkward.js";
import { backToVersion3 } from "../contract/older-files.js";
import { definition, testOptions, World } from "../contract/world.js";
import { LiveRun } from "../live/live-run.js";
import { newRun } from "../live/run-start.js";
import { openStore } from "../open-store.js";
import { migrate } from "./migrate.js";
import { MIGRATIONS } from "./schema.js";
import { prepareStatements, type Statements } from "./statements.js";
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

/** A file: what commits write of a run, and what is read of it. */
class Written {
  readonly run: LiveRun;
  readonly #sql: Statements;
  #position = 0;

  constructor() {
    const db = new Database(":memory:");
    migrate(db, MIGRATIONS);
    this.#sql = prepareStatements(db);
    const item = { ...start, traceparent: "", requestId: "", timeoutMs: 0 };
    const observer = { dirty: () => {}, taskChanged: () => {}, runChanged: () => {} };
    this.run = new LiveRun(1, graph, newRun("r1", item, graph, 1), [], observer);
  }

  /** What a scheduler of schema version 3 has written of a task run, which the one of today goes on with. */
  before(task: TaskRun, row: TaskRow): void {
    this.run.setTask(task);
    this.run.settle();
    this.#sql.putLarge.run(1, row.task, row.checkpoint, row.patch);
    this.#sql.putLarge.database.prepare("UPDATE task_runs SET data = ? WHERE task = ?").run(row.data, row.task);
  }

  commit(...tasks: readonly TaskRun[]): string | null {
    for (const task of tasks) this.run.setTask(task);
    const text = encodeTaskChanges(this.run, (...large) => this.#sql.putLarge.run(1, ...large));
    this.run.settle();
    this.#sql.insertEvents.run(++this.#position, 1, "[]", text);
    return text;
  }

  read(): TaskRun[] {
    return foldTaskRuns("r1", this.#sql.tasksOfRun.all(1), this.#sql.taskChangesOfRun.all(1));
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

describe("what is large and changes seldom", () => {
  it("is said once: a failure, losses, and who declined", () => {
    const written = new Written();
    written.commit(fullTask);
    const text = written.commit({ ...fullTask, attempt: 3 }) ?? "";
    expect(text).not.toMatch(/failure|losses"|declinedBy/);
    expect(written.read()).toEqual([{ ...fullTask, attempt: 3 }]);
    const over = { ...fullTask, failure: null, losses: [], declinedBy: [] };
    expect(JSON.parse(written.commit(over) ?? "")).toMatchObject([{ failure: null, losses: [], declinedBy: [] }]);
    expect(written.read()).toEqual([over]);
  });

  it("does not fill the log: a checkpoint that comes again and again replaces the one before it", () => {
    const written = new Written();
    const longest = Math.max(
      ...[1, 2, 3, 4, 5].map((n) => {
        const checkpoint = { set: { n: `${n}`, text: JSON.stringify("x".repeat(1_900)) }, removed: [] };
        const text = written.commit({ ...fullTask, checkpoint }) ?? "";
        expect(written.read()).toMatchObject([{ checkpoint }]);
        return n === 1 ? 0 : text.length;
      }),
    );
    expect(longest).toBeLessThan(1_500);
  });

  it("keeps what a row of schema version 3 said", () => {
    const written = new Written();
    const task = { ...fullTask, checkpoint: small };
    const { runId, task: index, checkpoint, patch, ...data } = task;
    const texts = { checkpoint: JSON.stringify(checkpoint), patch: null };
    written.before(task, { task: index, data: JSON.stringify(data), ...texts });
    expect(written.read()).toEqual([task]);
    const next = { ...task, state: "SUCCEEDED" as const, patch: large };
    written.commit(next);
    expect(written.read()).toEqual([next]);
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

function lease() {
  return { id: "r1.3.7", sessionId: "s1", hostId: "h", deferral: null };
}
