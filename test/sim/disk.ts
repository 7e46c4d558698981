/**
 * What a scheduler's crash leaves behind: the journal of the SQLite store over a database in memory, which outlives the
 * scheduler that wrote it. Commits fail, and crashes come before and after them, as the schedule wants it.
 */
import Database from "better-sqlite3";
import type { Journal, WriteSet } from "../../server/src/store/live/journal.js";
import { MemoryJournal } from "../../server/src/store/memory/memory-journal.js";
import { migrate } from "../../server/src/store/sqlite/migrate.js";
import { MIGRATIONS } from "../../server/src/store/sqlite/schema.js";
import { SqliteJournal } from "../../server/src/store/sqlite/sqlite-journal.js";

/** What becomes of a commit. */
export type CommitFate = "fails" | "crash before commit" | "crash after commit";

export class Disk {
  /** Fates of the next commits; then they succeed. */
  readonly fates: CommitFate[] = [];
  readonly #db: Database.Database | null;

  constructor(
    kind: "memory" | "durable",
    /** Hears of each commit as soon as it is durable. */
    readonly committed: (writes: WriteSet) => void,
    readonly disturbed: () => void,
  ) {
    this.#db = kind === "memory" ? null : new Database(":memory:");
    if (this.#db !== null) migrate(this.#db, MIGRATIONS);
  }

  /** Opens the journal for a scheduler; `crash` ends that scheduler there and then. */
  open(now: number, crash: () => void, mutate: (journal: Journal) => Journal): Journal {
    const journal = this.#db === null ? new MemoryJournal() : new SqliteJournal(this.#db, () => {}, now);
    const commit = journal.commit.bind(journal);
    const observed = Object.assign(journal, {
      commit: (writes: WriteSet) => {
        const fate = this.fates.shift();
        if (fate !== undefined) this.disturbed();
        if (fate === "fails") throw new Error("the disk is full");
        if (fate === "crash before commit") {
          crash();
          throw new Error("crashed");
        }
        commit(writes);
        this.committed(writes);
        if (fate === "crash after commit") {
          crash();
          throw new Error("crashed");
        }
      },
      close: () => {},
    });
    return mutate(observed);
  }

  /** What another process would find; null for what no other process finds. */
  reopen(now: number): Journal | null {
    return this.#db === null ? null : new SqliteJournal(this.#db, () => {}, now);
  }

  close(): void {
    this.#db?.close();
  }
}
