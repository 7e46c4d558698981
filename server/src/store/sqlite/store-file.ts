/** Where a store's file is, under one name: its lock, its owner and its log stand beside it, and SQLite follows links. */
import { existsSync, lstatSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { CloacaError } from "../../core/errors.js";

/**
 * The file that a path leads to, links followed; it may not be there yet.
 *
 * @throws CloacaError `STORE_UNAVAILABLE` where there can be none: no folder, a link that leads nowhere, a file of several names;
 *   `STORE_NOT_A_DATABASE` when it is something else
 */
export function storeFile(path: string): string {
  const named = resolve(path);
  const folder = dirname(named);
  if (!existsSync(folder)) throw unavailable(named, `the folder ${folder} does not exist; create it first`);
  if (!existsSync(named)) {
    if (isThere(named)) throw unavailable(named, "it is a link to a file that is not there; name the file itself");
    return join(realpathSync(folder), basename(named));
  }
  const file = realpathSync(named);
  const about = statSync(file);
  if (!about.isFile()) throw notADatabase(file, "it is not a file");
  if (about.nlink > 1) {
    const why = `it has ${about.nlink} names (hard links), and its log stands beside one of them alone`;
    throw unavailable(file, `${why}; remove the others, or copy it with sqlite3 ".backup"`);
  }
  return file;
}

/** Something that is no store of ours, or not whole. */
export function notADatabase(file: string, why: string): CloacaError {
  return new CloacaError("STORE_NOT_A_DATABASE", `store ${file}: ${why}`);
}

/** Something that may be a store, but not here or not now. */
export function unavailable(file: string, why: string): CloacaError {
  return new CloacaError("STORE_UNAVAILABLE", `store ${file}: ${why}`);
}

/** Whether there is something of this name, if only a link. */
function isThere(name: string): boolean {
  return lstatSync(name, { throwIfNoEntry: false }) !== undefined;
}
