import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { Patch, TaskRun } from "../../core/model.js";
import { AWKWARD } from "../../testing/awkward.js";
import { failure, fullTask, loneRun, plainTask } from "../contract/lone-run.js";
import { backToVersion3 } from "../contract/older-files.js";
import { testOptions, World } from "../contract/world.js";
import { openStore } from "../open-store.js";
import { packLog, unpackChanges } from "./log-row.js";
import { migrate } from "./migrate.js";
import { Packer } from "./packer.js";
import { MIGRATIONS } from "./schema.js";
import { prepareStatements, type Statements } from "./statements.js";
import { foldTaskRuns, LARGE, type TaskChange, type TaskRow } from "./task-changes.js";

const small: Patch = { set: { [AWKWARD]: '"x"' }, removed: ["y"] };
const empty: Patch = { set: {}, removed: [] };
const large: Patch = { set: { much: JSON.stringify("x".repeat(LARGE)) }, removed: [] };
const larger: Patch = { set: { more: JSON.stringify("y".repeat(LARGE)) }, removed: [] };

/** What one commit has written of a run in its row of the log. */
interface Commit {
  readonly changes: readonly TaskChange[];
  /** Of the whole row. */
  readonly bytes: number;
}

/** A file: what commits write of a run, and what is read of it. */
class Written {
  readonly run = loneRun("r1");
  readonly #packer = new Packer();
  readonly #sql: Statements;
  #seq = 0;

  constructor() {
    const db = new Database(":memory:");
    migrate(db, MIGRATIONS);
    this.#sql = prepareStatements(db);
  }

  /** What a scheduler of schema version 3 has written of a task run, which the one of today goes on with. */
  before(task: TaskRun, row: TaskRow): void {
    this.run.setTask(task);
    this.run.settle();
    this.#sql.putLarge.run(1, row.task, row.checkpoint, row.patch);
    this.#sql.putLarge.database.prepare("UPDATE task_runs SET data = ? WHERE task = ?").run(row.data, row.task);
  }

  commit(...tasks: readonly TaskRun[]): Commit {
    for (const task of tasks) this.run.setTask(task);
    this.run.events = [{ seq: ++this.#seq, at: 1_764_000_000_000, type: "TASK_READY" }];
    const data = packLog(this.#packer, this.run, (...large) => this.#sql.putLarge.run(1, ...large));
    if (data === null) throw new Error("nothing was written");
    this.run.settle();
    this.#sql.insertEvents.run(this.#seq, 1, data);
    return { changes: unpackChanges("r1", { data, tasks: null }), bytes: data.length };
  }

  read(): TaskRun[] {
    const log = this.#sql.logOfRun.all(1).map((row) => unpackChanges("r1", row));
    return foldTaskRuns("r1", this.#sql.tasksOfRun.all(1), log);
  }
}

describe("what a commit did to the task runs of a run", () => {
  it.each([
    ["plain", { ...plainTask, fence: 1 }],
    [
      "leased",
      {
        ...plainTask,
        state: "LEASED" as const,
        lease: { id: "r1.3.7", sessionId: "s1", hostId: "h", deferral: null, slotSince: 9 },
      },
    ],
    ["full", fullTask],
  ])("keeps a %s task run", (_name, task) => {
    const written = new Written();
    written.commit(task);
    expect(written.read()).toEqual([task]);
  });

  it("says nothing of a task run that waits, or is ready, for the first time", () => {
    const written = new Written();
    expect(written.commit({ ...plainTask, state: "WAITING", remaining: 1 }, plainTask).changes).toEqual([]);
    expect(written.read()).toEqual([]);
  });

  it("says how each stands that has changed, in one row", () => {
    const written = new Written();
    const one = { ...fullTask, task: 1, checkpoint: small };
    const { changes } = written.commit(fullTask, one);
    expect(changes).toMatchObject([{ task: 3 }, { task: 1, checkpoint: small }]);
    const next = { ...one, attempt: 3 };
    expect(written.commit(next).changes).toMatchObject([{ task: 1, attempt: 3 }]);
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
    ["none, and then a small one with an empty one", [{ checkpoint: small, patch: empty }, { attempt: 3 }]],
    ["none, and then one that only removes", [{ patch: { set: {}, removed: ["x"] } }, { attempt: 3 }]],
    ["none, and then an empty one", [{ checkpoint: large }, { patch: empty }, { attempt: 3 }, { checkpoint: empty }]],
    ["large, and then an empty one", [{ patch: large }, { patch: empty }, { checkpoint: empty, patch: null }]],
    ["large, gone, and large again", [{ patch: large }, { patch: null }, { attempt: 3 }, { patch: larger }]],
  ])("keeps checkpoints and patches: %s", (_name, steps) => {
    const written = new Written();
    let task = fullTask;
    for (const step of steps) {
      task = { ...task, ...step };
      expect(written.commit(task).bytes).toBeLessThan(LARGE);
      expect(written.read()).toEqual([task]);
    }
  });
});

describe("what is large and changes seldom", () => {
  it("is said once: a failure, losses, and who declined", () => {
    const written = new Written();
    const said = ["failure", "losses", "declinedBy", "checkpoint", "patch"];
    const first = written.commit({ ...fullTask, checkpoint: small, patch: small });
    expect(Object.keys(first.changes[0] ?? {})).toEqual(expect.arrayContaining(said));
    const task = { ...fullTask, checkpoint: small, patch: small, attempt: 3 };
    const again = written.commit(task);
    expect(Object.keys(again.changes[0] ?? {}).filter((key) => said.includes(key))).toEqual([]);
    const { losses, declinedBy } = fullTask;
    const large = [failure, losses, declinedBy, small, small].map((value) => JSON.stringify(value));
    expect(first.bytes - again.bytes).toBeGreaterThanOrEqual(Buffer.byteLength(large.join("")));
    expect(written.read()).toEqual([task]);
    const over = { ...task, failure: null, losses: [], declinedBy: [] };
    expect(written.commit(over).changes).toMatchObject([{ failure: null, losses: [], declinedBy: [] }]);
    expect(written.read()).toEqual([over]);
  });

  it("is said again when it is another, of the same size", () => {
    const written = new Written();
    written.commit(fullTask);
    const losses = fullTask.losses.map((loss) => ({ ...loss, at: 6 }));
    const other = { ...fullTask, failure: { ...failure, code: "HOST_LOST" }, losses, declinedBy: ["s1", "s2"] };
    written.commit(other);
    expect(written.read()).toEqual([other]);
  });

  it("does not fill the log: a checkpoint that comes again and again replaces the one before it", () => {
    const written = new Written();
    const longest = Math.max(
      ...[1, 2, 3, 4, 5].map((n) => {
        const checkpoint = { set: { n: `${n}`, text: JSON.stringify("x".repeat(1_900)) }, removed: [] };
        const { bytes } = written.commit({ ...fullTask, checkpoint });
        expect(written.read()).toMatchObject([{ checkpoint }]);
        return n === 1 ? 0 : bytes;
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
