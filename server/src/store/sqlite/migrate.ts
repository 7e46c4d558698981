/** Brings a store's file to the newest version of the schema, whatever becomes of the process meanwhile. */
import type Database from "better-sqlite3";
import { APPLICATION_ID, type Migration } from "./schema.js";

/**
 * Each step is one transaction with its `user_version`: who is killed half way leaves a file of some version, whole, and
 * whoever opens it next goes on from there.
 */
export function migrate(db: Database.Database, migrations: readonly Migration[]): void {
  for (;;) {
    const version = Number(db.pragma("user_version", { simple: true }));
    const step = migrations[version];
    if (step === undefined) return;
    db.exec("BEGIN EXCLUSIVE");
    try {
      if (typeof step === "string") db.exec(step);
      else step(db);
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${version + 1}`);
      db.exec("COMMIT");
    } catch (error) {
      if (db.inTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }
}
