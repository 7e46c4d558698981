import { CloacaError } from "../../core/errors.js";

/**
 * Group commit: operations apply at once and in order; what was applied in one turn becomes durable in one commit, and
 * their promises resolve after it. When the commit fails, or an operation throws half way, all of it is taken back.
 */
export class GroupCommit {
  #group: Promise<void> | null = null;
  #broken: unknown = null;

  constructor(
    /** Makes the turn durable; throws when nothing was written. */
    readonly commit: () => void,
    readonly rollBack: () => void,
  ) {}

  /** Runs an operation as part of the current turn's commit. */
  stage<T>(operation: () => T): Promise<T> {
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

  #flush(): void {
    this.#group = null;
    const broken = this.#broken;
    this.#broken = null;
    try {
      if (broken !== null) throw broken;
      this.commit();
    } catch (error) {
      this.rollBack();
      if (broken !== null) throw error;
      throw new CloacaError(
        "STORE_UNAVAILABLE",
        `the store could not commit: ${String(error)}; nothing of the turn has happened`,
      );
    }
  }
}
