/** Opens the store's file: ours alone, ours indeed, and at this version. Every refusal is a coded error that says why. */
import { existsSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import Database from "better-sqlite3";
import { CloacaError } from "../../core/errors.js";
import { migrate } from "./migrate.js";
import { APPLICATION_ID, MIGRATIONS, type Migration } from "./schema.js";
import { notADatabase, storeFile, unavailable } from "./store-file.js";
import { DamagedRow } from "./unpacker.js";

export interface OpenDatabase {
  readonly db: Database.Database;
  /** Gives the file free for another process. */
  readonly release: () => void;
}

/**
 * `owner` is shown to a second process that wants the file, for example the scheduler's address. `migrations` are the
 * schema's own but in tests of migrating.
 */
export function openDatabase(path: string, owner: string, migrations: readonly Migration[] = MIGRATIONS): OpenDatabase {
  const file = storeFile(path);
  checkHeader(file, migrations.length);
  const release = lock(file, owner);
  let db: Database.Database | null = null;
  try {
    db = new Database(file);
    prepare(db, file, migrations);
    return { db, release };
  } catch (error) {
    db?.close();
    release();
    throw explain(error, file);
  }
}

/**
 * Opens a store's file, or a copy of one, to look at it: takes no lock, migrates and changes nothing. Beside a file in WAL mode
 * SQLite needs two more; `close` takes those away that were not there before.
 */
export function openForReading(path: string): { readonly db: Database.Database; readonly close: () => void } {
  const file = existsSync(path) ? realpathSync(path) : path;
  if (!existsSync(file) || !statSync(file).isFile()) throw notADatabase(resolve(file), "there is no such file");
  const beside = [`${file}-wal`, `${file}-shm`].filter((name) => !existsSync(name));
  const tidy = (): void => {
    // A scheduler that has opened it meanwhile needs them.
    if (existsSync(`${file}.lock`) || beside.length < 2 || sizeOf(`${file}-wal`) > 0) return;
    for (const name of beside) rmSync(name, { force: true });
  };
  const db = openReadonly(file);
  try {
    db.pragma("cache_size = -16384");
    const applicationId = db.pragma("application_id", { simple: true });
    if (applicationId !== APPLICATION_ID) throw notADatabase(file, "it is no store of a scheduler");
    checkVersion(db, file, MIGRATIONS.length);
  } catch (error) {
    db.close();
    tidy();
    throw explain(error, file);
  }
  return {
    db,
    close: () => {
      db.close();
      tidy();
    },
  };
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

function checkVersion(db: Database.Database, file: string, newest: number): void {
  const version = Number(db.pragma("user_version", { simple: true }));
  if (version < 0) throw notADatabase(file, `it has schema version ${version}, which no scheduler writes`);
  if (version <= newest) return;
  throw new CloacaError(
    "STORE_NEWER",
    `store ${file} has schema version ${version}, this scheduler knows up to ${newest}; run the newer scheduler that wrote it`,
  );
}

/** Before anything is written beside it: a file that is not SQLite's must stay as it is. */
function checkHeader(file: string, newest: number): void {
  if (!existsSync(file) || statSync(file).size === 0) return;
  const db = openReadonly(file);
  try {
    const applicationId = db.pragma("application_id", { simple: true });
    const tables = db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get();
    if (applicationId !== APPLICATION_ID && tables !== 0) {
      throw notADatabase(file, "it is the SQLite database of another program; name another file");
    }
    checkVersion(db, file, newest);
  } catch (error) {
    throw explain(error, file);
  } finally {
    db.close();
  }
}

function openReadonly(file: string): Database.Database {
  try {
    return new Database(file, { readonly: true, fileMustExist: true });
  } catch (error) {
    throw explain(error, file);
  }
}

/**
 * The lock is an open exclusive transaction on a file beside the store: the system ends it with the process, however that
 * dies, and the store itself stays readable for others.
 */
function lock(file: string, owner: string): () => void {
  const lockFile = `${file}.lock`;
  const ownerFile = `${file}.owner`;
  let db: Database.Database | null = null;
  try {
    db = new Database(lockFile, { timeout: 0 });
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db?.close();
    if (codeOf(error) !== "SQLITE_BUSY") throw explain(error, file);
    const who = existsSync(ownerFile) ? readFileSync(ownerFile, "utf8").trim() : "another process";
    throw new CloacaError("STORE_IN_USE", `store ${file} is in use by ${who}; stop that one or name another file`);
  }
  const held = db;
  try {
    writeFileSync(ownerFile, `pid ${process.pid}${owner === "" ? "" : `, ${owner}`}\n`);
  } catch (error) {
    held.close();
    throw explain(error, file);
  }
  return () => {
    rmSync(ownerFile, { force: true });
    if (held.open) held.close();
  };
}

function prepare(db: Database.Database, file: string, migrations: readonly Migration[]): void {
  db.pragma("journal_mode = WAL");
  // Who promises something of a commit syncs the log itself: `wal-file.ts`.
  db.pragma("synchronous = NORMAL");
  // A checkpoint stops the loop: 16 ms for 1,000 full pages, 48 ms for 4,000, which would be 5% faster in all.
  db.pragma("wal_autocheckpoint = 1000");
  // KiB. SQLite goes through its whole cache in a commit that has split pages: 64 MiB cost 7% of a busy scheduler's time.
  db.pragma("cache_size = -16384");
  db.pragma("temp_store = MEMORY");
  try {
    migrate(db, migrations);
  } catch (error) {
    throw explain(error, file);
  }
}

/** What an error of SQLite, or of the file system, means for who opens a store. */
export function explain(error: unknown, file: string): unknown {
  if (error instanceof CloacaError) return error;
  if (error instanceof DamagedRow) return notADatabase(file, `it is damaged, ${error.message}; restore it from a copy`);
  if (isSystemError(error)) return unavailable(file, error.message);
  const code = codeOf(error);
  if (code === null) return error;
  if (code === "SQLITE_NOTADB") return notADatabase(file, "it is not a SQLite database; name another file");
  if (code === "SQLITE_CORRUPT") return notADatabase(file, "it is damaged; restore it from a copy");
  const message = `${error instanceof Error ? error.message : String(error)} (${code})`;
  // A statement that does not fit what is there.
  if (code === "SQLITE_ERROR") {
    return notADatabase(file, `its tables are not those of a scheduler, ${message}; restore it from a copy`);
  }
  if (code === "SQLITE_CANTOPEN") {
    return unavailable(file, `${message}; may this user read and write it, and files beside it in its folder?`);
  }
  return unavailable(file, message);
}

/** A disk that is full or read-only, a folder that is not ours to write into, … */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "errno" in error;
}

function codeOf(error: unknown): string | null {
  const code = error instanceof Error && "code" in error ? error.code : null;
  return typeof code === "string" && code.startsWith("SQLITE_") ? code : null;
}
