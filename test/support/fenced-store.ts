/**
 * Some system downstream that checks `fence`, as a task's author would have it: one row for what a task run does, with the
 * highest fence that has written it. Who comes with a lower one is refused. It counts what must not happen.
 */
export type Verdict = "applied" | "stale" | "duplicate";

export class FencedStore {
  readonly #rows = new Map<string, number>();
  /** Writes of a lease that had written before: its code was executed twice. */
  duplicates = 0;
  /** Writes that came after one of a newer lease, and were refused. */
  refused = 0;
  /** Rows that a newer lease has written anew. */
  replaced = 0;

  get size(): number {
    return this.#rows.size;
  }

  /** The fence of the write that stands. */
  standing(taskRun: string): number | undefined {
    return this.#rows.get(taskRun);
  }

  write(taskRun: string, fence: number): Verdict {
    const standing = this.#rows.get(taskRun);
    if (standing === fence) {
      this.duplicates++;
      return "duplicate";
    }
    if (standing !== undefined && fence < standing) {
      this.refused++;
      return "stale";
    }
    if (standing !== undefined) this.replaced++;
    this.#rows.set(taskRun, fence);
    return "applied";
  }
}

/** The task run of a lease: `<run>.<task index>` of `<run>.<task index>.<fence>`. */
export function taskRunOf(leaseId: string): string {
  return leaseId.slice(0, leaseId.lastIndexOf("."));
}

/** The fence of a lease. */
export function fenceOf(leaseId: string): number {
  return Number(leaseId.slice(leaseId.lastIndexOf(".") + 1));
}
