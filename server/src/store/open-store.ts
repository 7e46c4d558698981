/** The one place that knows which stores there are. */
import { CloacaError } from "../core/errors.js";
import { LiveStore } from "./live/live-store.js";
import { MemoryJournal } from "./memory/memory-journal.js";
import { explain, openDatabase } from "./sqlite/open-database.js";
import { SqliteJournal } from "./sqlite/sqlite-journal.js";
import { WalFile } from "./sqlite/wal-file.js";
import type { Store, StoreOptions } from "./store.js";

/**
 * Opens the store that a url names: `memory:` or `sqlite://<path>`. `owner` is told to a second process that wants the
 * same file. Throws STORE_… errors.
 */
export function openStore(url: string, options: StoreOptions, owner: string): Store {
  if (url === "memory:") return new LiveStore(new MemoryJournal(), options);
  if (url === "sqlite://:memory:") {
    throw new CloacaError("REQUEST_INVALID", `store "${url}": a store in memory is written memory:`);
  }
  if (url.startsWith("sqlite://") && url.length > "sqlite://".length) {
    // No URL parsing: `sqlite://runs.db` is a relative path, `sqlite:///var/runs.db` an absolute one.
    const { db, release } = openDatabase(url.slice("sqlite://".length), owner);
    try {
      return new LiveStore(new SqliteJournal(db, release, options.clock, new WalFile(db.name)), options);
    } catch (error) {
      db.close();
      release();
      throw explain(error, db.name);
    }
  }
  throw new CloacaError("REQUEST_INVALID", `store "${url}" is not one of memory:, sqlite://<path>`);
}
