/**
 * What a scheduler's crash leaves behind: the journal of the SQLite store over a database in memory, which outlives the
 * scheduler that wrote it. Commits fail or are slow, and crashes come before and after them, as the schedule wants it.
 */
import Database from "better-sqlite3";
import type { Journal, WriteSet } from "../../server/src/store/live/journal.js";
import { MemoryJournal } from "../../server/src/store/memory/memory-journal.js";
import { migrate } from "../../server/src/store/sqlite/migrate.js";
import { MIGRATIONS } from "../../server/src/store/sqlite/schema.js";
import { SqliteJournal } from "../../server/src/store/sqlite/sqlite-journal.js";

/** What becomes of a commit. */
export type CommitFate = "fails" | "crash before commit" | "crash after commit" | "slow sync" | "power cut";

/** A scheduler that opens its journal. */
export interface Opening {
  /** When the store believes to be opened. */
  readonly openedAt: number;
  readonly now: () => number;
  readonly after: (ms: number, callback: () => void) => void;
  /** Calls back when the scheduler's loop goes on. */
  readonly input: (callback: () => void) => void;
  /** Ends the scheduler there and then. */
  readonly crash: () => void;
  readonly mutate: (journal: Journal) => Journal;
}

/** From a commit to the disk, when it is slow. */
const SYNC_MS = 20;

export class Disk {
  /** Fates of the next commits; then they succeed. */
  readonly fates: CommitFate[] = [];
  #db: Database.Database | null;
  /** Commits that the operating system has and the disk has not. */
  #onItsWay: { readonly writes: WriteSet; readonly at: number }[] = [];

  constructor(
    kind: "memory" | "durable",
    /** Hears of each commit as soon as it is durable. */
    readonly committed: (writes: WriteSet, decidedAt: number) => void,
    readonly disturbed: () => void,
  ) {
    this.#db = kind === "memory" ? null : new Database(":memory:");
    if (this.#db !== null) migrate(this.#db, MIGRATIONS);
  }

  open({ openedAt, now, after, input, crash, mutate }: Opening): Journal {
    // A process that crashes takes nothing along of what the operating system has.
    this.#arrive();
    const journal =
      this.#db === null ? new MemoryJournal() : new SqliteJournal(this.#db, () => {}, { now: () => openedAt });
    const db = this.#db;
    const commit = journal.commit.bind(journal);
    let cut: (() => void) | null = null;
    const observed = Object.assign(journal, {
      commit: (writes: WriteSet) => {
        const fate = this.fates.shift();
        if (fate !== undefined) this.disturbed();
        if (fate === "fails") throw new Error("the disk is full");
        if (fate === "crash before commit") {
          crash();
          throw new Error("crashed");
        }
        const before = fate === "power cut" ? this.#db?.serialize() : undefined;
        commit(writes);
        this.#onItsWay.push({ writes, at: now() });
        if (before !== undefined) {
          cut = () => {
            this.#onItsWay = [];
            this.#db = new Database(before);
            crash();
          };
        } else if (fate !== "slow sync") this.#arrive();
        if (fate === "crash after commit") {
          crash();
          throw new Error("crashed");
        }
      },
      sync: () => {
        const last = this.#onItsWay.at(-1);
        if (last === undefined) return null;
        return new Promise<void>((resolve) => {
          after(SYNC_MS, () => {
            if (this.#db !== db) return;
            if (cut !== null && this.#onItsWay.includes(last)) return cut();
            this.#arrive();
            input(resolve);
          });
        });
      },
      close: () => {},
    });
    return mutate(observed);
  }

  /** What another process would find; null for what no other process finds. */
  reopen(now: number): Journal | null {
    return this.#db === null ? null : new SqliteJournal(this.#db, () => {}, { now: () => now });
  }

  close(): void {
    this.#db?.close();
  }

  #arrive(): void {
    for (const { writes, at } of this.#onItsWay.splice(0)) this.committed(writes, at);
  }
}
