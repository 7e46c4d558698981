import fs, { fstatSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testOptions, World } from "../contract/world.js";
import { LiveStore } from "../live/live-store.js";
import { openDatabase } from "./open-database.js";
import { SqliteJournal } from "./sqlite-journal.js";
import { WalFile } from "./wal-file.js";

/** What a run is started with, so that a few hundred of them are a large turn. */
const SOME = { context: { some: JSON.stringify("x".repeat(200)) } };

/** Notes how it is synced, and does it. */
class Noted extends WalFile {
  readonly syncs: ("now" | "aside")[] = [];

  override syncNow(): void {
    this.syncs.push("now");
    super.syncNow();
  }

  override sync(): Promise<void> {
    this.syncs.push("aside");
    return super.sync();
  }
}

describe("the log of a store", () => {
  let folder: string;
  let file: string;
  let wal: string;
  let log: Noted;
  let world: World;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-wal-"));
    file = join(folder, "runs.db");
    wal = `${file}-wal`;
    const options = testOptions();
    const { db, release } = openDatabase(file, "");
    log = new Noted(file);
    world = new World(new LiveStore(new SqliteJournal(db, release, options.clock, log), options), options);
    await world.register("w", { a: [] });
  });

  afterEach(async () => {
    await world.store.close();
    rmSync(folder, { recursive: true });
  });

  it("is synced once for each commit: a small one at once, a large one beside the loop", async () => {
    expect(log.syncs).toEqual(["now"]);
    await world.start("w", SOME);
    expect(log.syncs).toEqual(["now", "now"]);
    await Promise.all(Array.from({ length: 300 }, () => world.start("w", SOME)));
    expect(log.syncs).toEqual(["now", "now", "aside"]);
  });

  it("is synced beside the loop for few runs with large contexts, and for a purge", async () => {
    const runId = await world.start("w", { context: { big: JSON.stringify("x".repeat(1_000)) } });
    await world.cancel(runId);
    expect(log.syncs).toEqual(["now", "now", "now"]);
    await Promise.all(
      Array.from({ length: 31 }, () => world.start("w", { context: { big: JSON.stringify("x".repeat(1_500)) } })),
    );
    expect(log.syncs.at(-1)).toBe("aside");
    await world.cancel(await world.start("w"));
    expect(log.syncs.at(-1)).toBe("now");
    await world.store.purge({ forMs: null, newest: 0 }, 100);
    expect(log.syncs.at(-1)).toBe("aside");
  });

  it("is not synced when nothing was committed", async () => {
    await world.grant();
    expect(log.syncs).toEqual(["now"]);
  });

  it("can be synced after SQLite has begun it anew", async () => {
    const big = { big: JSON.stringify("x".repeat(1_500)) };
    const before = statSync(wal);
    // Some 3,000 pages: SQLite moves them to the database each 1,000, and writes the log from its beginning.
    for (let n = 0; n < 60; n++)
      await Promise.all(Array.from({ length: 100 }, () => world.start("w", { context: big })));
    expect(log.syncs.filter((sync) => sync === "aside")).toHaveLength(60);
    const after = statSync(wal);
    // Each page was in the log at least once. It would be longer than the database, had it not been begun anew.
    expect(after.size).toBeLessThan(statSync(file).size / 2);
    // The descriptor was opened before: what is synced is still the file that has this name.
    expect([after.dev, after.ino]).toEqual([before.dev, before.ino]);
  });

  it.each([
    ["at once", 1],
    ["beside the loop", 300],
  ])("a sync that fails %s is the end of the store", async (_how, runs) => {
    log.syncNow = () => {
      throw new Error("EIO now");
    };
    log.sync = () => Promise.reject(new Error("EIO aside"));
    const started = await Promise.allSettled(Array.from({ length: runs }, () => world.start("w", SOME)));
    const refused = { status: "rejected", reason: { code: "STORE_UNAVAILABLE" } };
    expect(started).toMatchObject(started.map(() => refused));
    expect(String(await world.store.lost)).toContain(runs === 1 ? "EIO now" : "EIO aside");
    // The disk would say "done" now, of what it may have dropped.
    log.syncNow = () => {};
    await expect(world.start("w")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await expect(world.store.close()).rejects.toThrow();
    const options = testOptions();
    const { db, release } = openDatabase(file, "");
    world = new World(new LiveStore(new SqliteJournal(db, release, options.clock), options), options);
  });

  it("is what the operating system is asked to sync, either way", async () => {
    const { fdatasync, fdatasyncSync } = fs;
    const synced: number[] = [];
    const note = (fd: number): void => void synced.push(fstatSync(fd).ino);
    try {
      fs.fdatasyncSync = (fd) => {
        note(fd);
        fdatasyncSync(fd);
      };
      fs.fdatasync = Object.assign((...[fd, done]: Parameters<typeof fdatasync>) => {
        note(fd);
        fdatasync(fd, done);
      }, fdatasync);
      syncBuiltinESMExports();
      log.syncNow();
      await log.sync();
    } finally {
      Object.assign(fs, { fdatasync, fdatasyncSync });
      syncBuiltinESMExports();
    }
    const { ino } = statSync(wal);
    expect(synced).toEqual([ino, ino]);
  });
});
