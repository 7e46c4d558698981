import { CloacaError } from "../../core/errors.js";

/** What a group commit works on. */
export interface Committed {
  /** Writes the turn, all or nothing; throws when nothing was written. Returns what is told once it is on disk. */
  commit(): () => void;
  /** Brings to disk what was committed: null when it is there already. Throws or rejects when nobody knows what is there. */
  sync(): Promise<void> | null;
  /** Takes back everything since the last commit. */
  rollBack(): void;
}

/**
 * Group commit: operations apply at once and in order; what was applied in one turn is written in one commit, and their
 * promises resolve when it is on disk. When the commit fails, or an operation throws half way, all of it is taken back.
 *
 * While one commit is on its way to the disk the next may be made; they are told in order.
 */
export class GroupCommit {
  /** Resolves if what was committed may not be on disk: what is true is known only after the store is opened again. */
  readonly lost: Promise<CloacaError>;
  #group: Promise<void> | null = null;
  #broken: unknown = null;
  #syncing: Promise<void> | null = null;
  #lostBy: CloacaError | null = null;
  #lose: (error: CloacaError) => void = () => {};

  constructor(readonly target: Committed) {
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
  }

  /** Runs an operation as part of the current turn's commit. */
  stage<T>(operation: () => T): Promise<T> {
    if (this.#lostBy !== null) return Promise.reject(this.#lostBy);
    this.#group ??= Promise.resolve().then(() => this.#flush());
    let value: T;
    try {
      value = operation();
    } catch (error) {
      // A half-applied operation must not become durable, and what came with it cannot be told apart from it.
      this.#broken ??= error;
      return this.#group.then(() => Promise.reject(error));
    }
    return this.#group.then(() => value);
  }

  /** Reads once nothing is on its way: what is read then is on disk, and stays true whatever fails. */
  async read<T>(operation: () => T): Promise<T> {
    for (;;) {
      // What becomes of them is told to those who asked for them.
      if (this.#group !== null) await this.#group.catch(() => {});
      else if (this.#syncing !== null) await this.#syncing.catch(() => {});
      else break;
    }
    if (this.#lostBy !== null) throw this.#lostBy;
    return operation();
  }

  #flush(): Promise<void> | void {
    this.#group = null;
    const broken = this.#broken;
    this.#broken = null;
    let tell: () => void;
    try {
      if (broken !== null) throw broken;
      tell = this.target.commit();
    } catch (error) {
      this.target.rollBack();
      if (broken !== null) throw error;
      throw new CloacaError(
        "STORE_UNAVAILABLE",
        `the store could not commit: ${String(error)}; nothing of the turn has happened`,
      );
    }
    const syncing = this.#sync();
    if (syncing === null) {
      tell();
      return;
    }
    return syncing.then(tell);
  }

  /** After the one before it, so that commits are told in order. */
  #sync(): Promise<void> | null {
    let sync: Promise<void> | null;
    try {
      sync = this.target.sync();
    } catch (error) {
      sync = Promise.reject(error);
    }
    if (sync === null && this.#syncing === null) return null;
    const both = Promise.all([this.#syncing, sync])
      .catch((error: unknown) => Promise.reject(this.#losing(error)))
      .then(() => {})
      .finally(() => {
        if (this.#syncing === both) this.#syncing = null;
      });
    this.#syncing = both;
    return both;
  }

  /**
   * A disk that did not take what was written may have dropped it, and says "done" when it is asked again. So there is no
   * second try: https://wiki.postgresql.org/wiki/Fsync_Errors
   */
  #losing(error: unknown): CloacaError {
    this.#lostBy ??= new CloacaError(
      "STORE_UNAVAILABLE",
      `the store could not bring its last commit to disk: ${String(error)}; what is there is known when it is opened again: end this scheduler and start it anew`,
    );
    this.#lose(this.#lostBy);
    return this.#lostBy;
  }
}
