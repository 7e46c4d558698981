/**
 * The write-ahead log of a database, brought to disk. SQLite does it within COMMIT when `synchronous` is FULL, and the thread
 * stands still meanwhile; here it is NORMAL, with which COMMIT only hands its pages to the operating system, and whoever
 * promises something of a commit syncs the file first. It is the same call on the same file.
 */
import { closeSync, fdatasync, fdatasyncSync, openSync } from "node:fs";

export class WalFile {
  readonly #path: string;
  #fd: number | null = null;

  /** `database` is the path of the database. Its log must be there when it is first synced: it is after a commit. */
  constructor(database: string) {
    this.#path = `${database}-wal`;
  }

  /** Returns when it is on disk; throws when the disk did not take it. */
  syncNow(): void {
    fdatasyncSync(this.#open());
  }

  /** Resolves when it is on disk; rejects when the disk did not take it. */
  sync(): Promise<void> {
    const fd = this.#open();
    return new Promise((resolve, reject) => {
      fdatasync(fd, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  /** SQLite holds no locks on this file, which a second descriptor of the process would end when it is closed. */
  #open(): number {
    this.#fd ??= openSync(this.#path, "r+");
    return this.#fd;
  }
}
