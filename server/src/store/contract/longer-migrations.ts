/** The schema's steps with two that are yet to come, for tests of what becomes of a step half way. */
import type Database from "better-sqlite3";
import { MIGRATIONS, type Migration } from "../sqlite/schema.js";

/**
 * The first of the two rewrites every row and the tables, the second is small.
 *
 * @param reached is called within the steps, at points that the tests name
 */
export function longerMigrations(reached: (point: string) => void): readonly Migration[] {
  const [first, ...others] = MIGRATIONS;
  return [
    (db) => {
      if (typeof first === "string") db.exec(first);
      reached("made");
    },
    ...others,
    (db) => {
      reached("begun");
      db.exec("ALTER TABLE runs ADD COLUMN started_by TEXT NOT NULL DEFAULT ''");
      reached("altered");
      rewrite(db, "WHERE number % 2 = 0");
      reached("half rewritten");
      rewrite(db, "");
      db.exec("CREATE TABLE notes (run INTEGER PRIMARY KEY, note TEXT NOT NULL)");
      db.exec("INSERT INTO notes SELECT number, 'of ' || run_id FROM runs");
      reached("rewritten");
    },
    (db) => {
      reached("second begun");
      db.exec("CREATE INDEX notes_by_note ON notes (note)");
      reached("second done");
    },
  ];
}

/** More than the cache takes, so that pages of the open transaction are in the file already. */
function rewrite(db: Database.Database, which: string): void {
  db.exec(`UPDATE runs SET started_by = 'somebody ' || hex(zeroblob(40000)) ${which}`);
}
