/** Migrations against SIGKILL: a file that was left half way is whole, and opening it again ends the work. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { auditFile } from "../../audit.js";
import { longerMigrations } from "../contract/longer-migrations.js";
import { backToVersion1 } from "../contract/older-files.js";
import { testOptions, World } from "../contract/world.js";
import { openStore } from "../open-store.js";
import { openDatabase } from "./open-database.js";
import { SCHEMA_VERSION } from "./schema.js";

const OLD = SCHEMA_VERSION;
const RUNS = 300;

const POINTS: readonly (readonly [point: string, versionThen: number])[] = [
  ["begun", OLD],
  ["altered", OLD],
  ["half rewritten", OLD],
  ["rewritten", OLD],
  ["second begun", OLD + 1],
  ["second done", OLD + 1],
];

describe("migrations", () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-migrate-"));
    file = join(folder, "runs.db");
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  /** A store of today, with something in it. */
  async function fill(): Promise<void> {
    const options = testOptions();
    const world = new World(openStore(`sqlite://${file}`, options, ""), options);
    await world.register("w", { a: [] });
    await world.host("h", { slots: 2 });
    await Promise.all(Array.from({ length: RUNS }, () => world.start("w")));
    const { leases } = await world.grant();
    for (const lease of leases.slice(0, 1)) await world.complete(lease);
    await world.store.close();
  }

  function read<T>(look: (db: Database.Database) => T): T {
    const db = new Database(file, { readonly: true });
    try {
      return look(db);
    } finally {
      db.close();
    }
  }

  const version = (): number => read((db) => Number(db.pragma("user_version", { simple: true })));

  /** The schema, and every row. */
  const whole = () =>
    read((db) => {
      expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
      const schema = db.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY name").all();
      const tables = db.prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
      const rows = tables.map(({ name }) => [name, db.prepare(`SELECT * FROM ${name}`).all()] as const);
      return { schema, rows };
    });

  /** Migrates in a process of its own, which is killed when it reaches the point. */
  async function killedAt(point: string): Promise<void> {
    const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
    const script = `
      const { writeSync } = await import("node:fs");
      const { openDatabase } = await import(${url("./open-database.ts")});
      const { longerMigrations } = await import(${url("../contract/longer-migrations.ts")});
      const reached = (point) => {
        if (point !== ${JSON.stringify(point)}) return;
        writeSync(1, "there");
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      };
      openDatabase(${JSON.stringify(file)}, "", longerMigrations(reached));
      writeSync(1, "over");
    `;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const gone = once(child, "exit");
    const [said] = await once(child.stdout, "data");
    expect(String(said)).toBe("there");
    child.kill("SIGKILL");
    await gone;
  }

  function migrateHere(): void {
    const { db, release } = openDatabase(
      file,
      "",
      longerMigrations(() => {}),
    );
    db.close();
    release();
  }

  it.each(POINTS)(
    "killed when %s: the file is whole at version %i, and the next opening ends the work",
    async (point, then) => {
      await fill();
      const before = whole();
      await killedAt(point);
      expect(version()).toBe(then);
      if (then === OLD) expect(whole()).toEqual(before);
      migrateHere();
      expect(version()).toBe(OLD + 2);
      const after = whole();

      // The same as without a kill.
      rmSync(folder, { recursive: true });
      folder = mkdtempSync(join(tmpdir(), "cloaca-migrate-"));
      file = join(folder, "runs.db");
      await fill();
      migrateHere();
      expect(whole()).toEqual(after);
    },
  );

  it("killed while it makes a new file: nothing of it is there, and the next opening makes the store", async () => {
    await killedAt("made");
    expect([version(), whole().schema]).toEqual([0, []]);
    migrateHere();
    expect(version()).toBe(OLD + 2);
  });

  it("takes a file from before runs were purged, with everything in it, and an audit reads it as it is", async () => {
    await fill();
    backToVersion1(file);
    const before = whole();
    expect(await auditFile(file, { keep: 10 })).toMatchObject({ breaches: [], runs: RUNS, purgedRuns: 0 });
    expect(whole()).toEqual(before);
    const store = openStore(`sqlite://${file}`, testOptions(), "");
    expect(store.stats()).toMatchObject({ liveRuns: RUNS - 1, finishedRuns: 1, purgedRuns: 0 });
    await store.close();
    expect(version()).toBe(SCHEMA_VERSION);
    const rows = before.rows.map(([table, of]) => [table, table === "events" ? of.map(withoutTasks) : of]);
    expect(whole().rows).toEqual(expect.arrayContaining(rows));
  });

  it("a step that fails leaves the version before it, and says why", async () => {
    await fill();
    const before = whole();
    const failing = [...longerMigrations(() => {}).slice(0, -1), "CREATE TABLE half (a); CREATE TABLE runs (a)"];
    expect(() => openDatabase(file, "", failing)).toThrow(expect.objectContaining({ code: "STORE_NOT_A_DATABASE" }));
    expect(version()).toBe(OLD + 1);
    expect(read((db) => db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").pluck().get())).toBe(0);
    expect(whole()).not.toEqual(before);
    // It has let go of the file.
    migrateHere();
  });

  it("refuses the file of a newer one, as it is", async () => {
    await fill();
    migrateHere();
    const before = whole();
    expect(() => openDatabase(file, "")).toThrow(expect.objectContaining({ code: "STORE_NEWER" }));
    expect(whole()).toEqual(before);
  });
});

/** A row of the log from before it said how task runs stand. */
function withoutTasks(row: unknown): unknown {
  return { ...(row as object), tasks: null };
}
