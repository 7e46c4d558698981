/** A file of schema version 4, whose rows are JSON: it is taken over as it is, and its runs go on in rows of bytes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { auditFile } from "../../audit.js";
import type { LeaseGrant } from "../../core/grants.js";
import { AWKWARD } from "../../testing/awkward.js";
import { backToVersion4 } from "../contract/older-files.js";
import { dump } from "../contract/reopening-store.js";
import { testOptions, World } from "../contract/world.js";
import { openStore } from "../open-store.js";
import { SCHEMA_VERSION } from "./schema.js";
import { LARGE } from "./task-changes.js";

const ALL_RUNS = { namespace: "default", workflow: "", statuses: [], pageSize: 100, pageToken: "" };
const RETRY_MS = 1_000;
/** Of a checkpoint that comes after another one: it has a row of its own. */
const half = { set: { half: JSON.stringify("x".repeat(LARGE / 4)) }, removed: [] };

describe("a file of schema version 4", () => {
  const options = {
    ...testOptions(),
    limits: { ...testOptions().limits, maxPatchBytes: 9_000, maxContextBytes: 9_000 },
  };
  let folder: string;
  let file: string;
  let world: World;

  const open = (): World => new World(openStore(`sqlite://${file}`, options, ""), options);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-older-rows-"));
    file = join(folder, "runs.db");
    world = open();
  });

  afterEach(async () => {
    await world.store.close();
    rmSync(folder, { recursive: true });
  });

  /** Runs of all kinds, two of which have ended. */
  async function load() {
    await world.register("w", { a: { retry: { attempts: 1, delayMs: RETRY_MS } }, b: ["a"] });
    await world.host("h", { slots: 9 });
    const start = async (): Promise<LeaseGrant> => {
      world.clock.move(10);
      await world.start("w", { requestId: `request ${world.clock.now()}` });
      return world.lease();
    };
    const finished = await start();
    await world.complete(finished, { a: "1" });
    await world.complete(await world.lease());
    const failed = await start();
    await world.fail(failed, { final: true });

    const leased = await start();
    const { sessionId, leaseId } = leased;
    for (const more of ["1", "2"]) {
      const patch = { ...half, set: { ...half.set, more } };
      await world.say(sessionId, { type: "checkpoint", leaseId, patch });
    }
    const deferred = await start();
    await world.defer(deferred);
    const retrying = await start();
    await world.fail(retrying, { transient: true });
    const declined = await start();
    await world.decline(declined);
    const cancelled = await start();
    await world.cancel(cancelled.run.id);
    const again = await start();
    await world.fail(again, { final: true });
    const started = { labels: { [AWKWARD]: AWKWARD }, traceparent: "00-1", timeoutMs: 99_000, priority: -1 };
    const paused = await world.start("w", started);
    await world.control(paused, { type: "pause", reason: AWKWARD });
    await world.control(again.run.id, { type: "retry", requestId: AWKWARD });
    return { finished, failed, leased, deferred, cancelled, paused };
  }

  /** All of them go on, and come to their ends. */
  async function goOn({ leased, deferred, cancelled, paused }: Awaited<ReturnType<typeof load>>): Promise<void> {
    await world.complete(leased, { whole: "1" });
    await world.reclaim(deferred);
    for (const lease of [...(await world.grant()).leases, deferred]) await world.complete(lease);
    await world.stopped(cancelled);
    await world.control(paused, { type: "resume" });
    await world.host("other", { slots: 9 });
    world.clock.move(RETRY_MS);
    await world.store.fireDue(100);
    for (let leases = (await world.grant()).leases; leases.length > 0; leases = (await world.grant()).leases) {
      for (const lease of leases) await world.complete(lease);
    }
  }

  /** The file is closed, and is of version 4 when it is opened again. */
  async function takeBack(): Promise<void> {
    await world.store.close();
    backToVersion4(file);
  }

  const query = <T>(sql: string, ...values: readonly unknown[]): T[] => {
    const db = new Database(file, { readonly: true });
    try {
      return db
        .prepare<unknown[], T>(sql)
        .pluck()
        .all(...values);
    } finally {
      db.close();
    }
  };

  /** What the rows of the log are, in their order: of all runs, or of one. */
  const logTypes = (runId: string | null = null): string[] =>
    query(
      `SELECT typeof(e.data) || ' ' || typeof(e.tasks) FROM events e JOIN runs r ON r.number = e.run
       WHERE @runId IS NULL OR run_id = @runId ORDER BY position`,
      { runId },
    );

  it("is read as it is by an audit, and taken over with all that it says", async () => {
    await load();
    const before = await dump(world.store);
    const { chunks } = await world.store.events({ namespace: "default", runId: null, after: 0, limit: 1_000 });
    await takeBack();
    expect(query("PRAGMA user_version")).toEqual([4]);
    expect(new Set(logTypes())).toEqual(new Set(["text null", "text text"]));
    expect(query("SELECT DISTINCT typeof(data) FROM runs")).toEqual(["text"]);
    const audited = { breaches: [], runs: 9, liveRuns: 7, events: chunks.flatMap(({ events }) => events).length };
    expect(await auditFile(file, { keep: 10 })).toMatchObject(audited);
    expect(query("PRAGMA user_version")).toEqual([4]);
    world = open();
    expect(await dump(world.store)).toEqual(before);
    expect(query("PRAGMA user_version")).toEqual([SCHEMA_VERSION]);
    expect(new Set(logTypes())).toEqual(new Set(["text null", "text text"]));
  });

  it("goes on in rows of bytes, behind those of before, and is read with both", async () => {
    const runs = await load();
    await takeBack();
    world = open();
    await goOn(runs);
    const { leased, cancelled, failed, paused } = runs;
    const { items } = await world.store.listRuns(ALL_RUNS);
    const ends = { [failed.run.id]: "FAILED", [cancelled.run.id]: "CANCELLED" };
    expect(items.map(({ id, status }) => [id, status])).toEqual(items.map(({ id }) => [id, ends[id] ?? "SUCCEEDED"]));
    const types = logTypes(leased.run.id);
    expect(types.slice(0, 2)).toEqual(["text null", "text text"]);
    expect(types.at(-1)).toBe("blob null");
    const { run, tasks } = await world.view(paused);
    expect(run).toMatchObject({ labels: { [AWKWARD]: AWKWARD }, traceparent: "00-1", timeoutMs: 99_000, priority: -1 });
    expect(tasks).toMatchObject([{ state: "SUCCEEDED" }, { state: "SUCCEEDED" }]);
    // What was said before and is not said again: the row of the checkpoint, too.
    const task = await world.task(leased.run.id, "a");
    expect(task.patch).toEqual({ set: { ...half.set, more: "2", whole: "1" }, removed: [] });
    const events = await world.events(leased.run.id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => 1 + index));
    expect(await world.store.check()).toEqual([]);
    const after = await dump(world.store);
    await world.store.close();
    expect(await auditFile(file, { keep: 10 })).toMatchObject({ breaches: [], runs: 9, liveRuns: 0 });
    world = open();
    expect(await dump(world.store)).toEqual(after);
    // And back again as a whole.
    await takeBack();
    world = open();
    expect(await dump(world.store)).toEqual(after);
  });

  it("is purged of runs in texts, by their ends as they say them, and of runs in both", async () => {
    const runs = await load();
    const retention = { forMs: 10_000, newest: null };
    const due = (await world.view(runs.finished.run.id)).run.finishedAt ?? 0;
    const all = { forMs: null, newest: 0 };
    const requestId = (await world.view(runs.finished.run.id)).run.requestId;
    await takeBack();
    world = open();
    world.clock.move(due + retention.forMs - world.clock.now());
    expect(await world.store.purge(retention, 100)).toBe(1);
    expect(await world.store.readRun("default", runs.finished.run.id)).toBeNull();
    expect(await world.tryStart("w", { requestId })).toMatchObject({ code: "REQUEST_ID_CONFLICT" });
    expect(await world.store.readRun("default", runs.failed.run.id)).not.toBeNull();
    await goOn(runs);
    let purged = 0;
    while (world.store.nextPurge(all) !== null) purged += await world.store.purge(all, 10);
    expect(purged).toBe(8);
    expect((await world.store.listRuns(ALL_RUNS)).items).toEqual([]);
    for (const table of ["runs", "events", "task_runs", "unswept"]) {
      expect(query(`SELECT count(*) FROM ${table}`), table).toEqual([0]);
    }
  });
});
