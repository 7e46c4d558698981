import type { Problem } from "./model.js";

/** Problems of one input that are listed; whoever sends more of them has one cause to look for, not a thousand. */
export const MAX_PROBLEMS = 1_000;

/** Collects the problems of an input; past the limit it only counts, so that hostile input cannot fill the memory. */
export class ProblemList {
  readonly #problems: Problem[] = [];
  #unlisted = 0;

  /** Whether nothing was found. */
  get empty(): boolean {
    return this.#problems.length === 0;
  }

  /** Whether further problems will only be counted, so that their texts need not be worked out. */
  get full(): boolean {
    return this.#problems.length >= MAX_PROBLEMS;
  }

  add(field: string, description: string): void {
    if (this.full) this.#unlisted += 1;
    else this.#problems.push({ field, description });
  }

  /** The problems in the order in which they were found; a last one, at `path`, says how many are not listed. */
  list(path: string): Problem[] {
    if (this.#unlisted === 0) return [...this.#problems];
    return [...this.#problems, { field: path, description: `${this.#unlisted} more problems are not listed` }];
  }
}
