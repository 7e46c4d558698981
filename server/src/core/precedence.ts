/** Which of some tasks come before which tasks, directly or through others. Pure. */

/**
 * Asked for many tasks at once: each task has a row of bits, one for each task that is asked about, and a row is those of its
 * dependencies together. A search for each question takes 4 s for a chain of 20,000 that all name the first task.
 */
export class Precedence {
  readonly #bitOf = new Map<number, number>();
  readonly #words: number;
  readonly #rows: Uint32Array;
  /** Tasks that are in a cycle, or after one, are not reached. */
  readonly #reached: Uint8Array;

  /**
   * @param edges the dependencies of each task; negative where one is not known
   * @param targets the tasks that are asked about
   */
  constructor(edges: readonly (readonly number[])[], targets: Iterable<number>) {
    for (const target of targets) if (!this.#bitOf.has(target)) this.#bitOf.set(target, this.#bitOf.size);
    this.#words = Math.ceil(this.#bitOf.size / 32);
    this.#rows = new Uint32Array(edges.length * this.#words);
    this.#reached = new Uint8Array(edges.length);
    for (const task of dependenciesFirst(edges)) {
      this.#reached[task] = 1;
      for (const dependency of edges[task] ?? []) if (dependency >= 0) this.#inherit(task, dependency);
    }
  }

  /** Whether `target` comes before `task`; null where a cycle leaves that open. */
  isBefore(target: number, task: number): boolean | null {
    if (this.#reached[task] === 0) return null;
    const bit = this.#bitOf.get(target);
    if (bit === undefined) return false;
    return ((this.#rows[task * this.#words + (bit >>> 5)] ?? 0) & (1 << (bit & 31))) !== 0;
  }

  #inherit(task: number, dependency: number): void {
    const row = task * this.#words;
    const other = dependency * this.#words;
    for (let word = 0; word < this.#words; word++) {
      this.#rows[row + word] = (this.#rows[row + word] ?? 0) | (this.#rows[other + word] ?? 0);
    }
    const bit = this.#bitOf.get(dependency);
    if (bit === undefined) return;
    const at = row + (bit >>> 5);
    this.#rows[at] = (this.#rows[at] ?? 0) | (1 << (bit & 31));
  }
}

function dependenciesFirst(edges: readonly (readonly number[])[]): number[] {
  const dependents: number[][] = edges.map(() => []);
  const missing = Int32Array.from(edges, (dependencies) => dependencies.filter((d) => d >= 0).length);
  edges.forEach((dependencies, task) => {
    for (const dependency of dependencies) dependents[dependency]?.push(task);
  });
  const order: number[] = [];
  missing.forEach((count, task) => {
    if (count === 0) order.push(task);
  });
  for (const task of order) {
    for (const dependent of dependents[task] ?? []) {
      const left = (missing[dependent] ?? 0) - 1;
      missing[dependent] = left;
      if (left === 0) order.push(dependent);
    }
  }
  return order;
}
