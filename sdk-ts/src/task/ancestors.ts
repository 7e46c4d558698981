/** The bit of a row that says that not all ancestors are known. */
const INCOMPLETE = 0;

/**
 * Which tasks come before which, directly or through others. Asked for many tasks at once: each has a row of bits, one for each
 * task that is asked about, and a row is those of its dependencies together. A search for each task would take 10 s for a chain
 * of 20,000 that all name the first one.
 */
export class Ancestors {
  /** By task that is asked about: its bit. */
  readonly #bitOf = new Map<number, number>();
  readonly #words: number;
  readonly #rows: Uint32Array;

  /**
   * @param edges the dependencies of each task; negative where one is a problem. Cycles are allowed
   * @param targets the tasks that are asked about
   */
  constructor(edges: readonly (readonly number[])[], targets: Iterable<number>) {
    for (const target of targets) if (!this.#bitOf.has(target)) this.#bitOf.set(target, this.#bitOf.size + 1);
    this.#words = Math.ceil((this.#bitOf.size + 1) / 32);
    this.#rows = new Uint32Array(edges.length * this.#words);
    // What the walk does not reach is in a cycle, or after one.
    for (let task = 0; task < edges.length; task++) this.#set(task, INCOMPLETE);
    for (const task of inOrder(edges)) this.#fill(task, edges[task] ?? []);
  }

  /** Whether one task comes before another; null when a cycle, or a dependency that is a problem, leaves that open. */
  isBefore(target: number, task: number): boolean | null {
    const bit = this.#bitOf.get(target);
    if (bit !== undefined && this.#get(task, bit)) return true;
    return this.#get(task, INCOMPLETE) ? null : false;
  }

  #fill(task: number, dependencies: readonly number[]): void {
    const row = task * this.#words;
    this.#rows[row] = 0;
    for (const dependency of dependencies) {
      if (dependency < 0) {
        this.#set(task, INCOMPLETE);
        continue;
      }
      const other = dependency * this.#words;
      for (let word = 0; word < this.#words; word++) {
        this.#rows[row + word] = (this.#rows[row + word] ?? 0) | (this.#rows[other + word] ?? 0);
      }
      const bit = this.#bitOf.get(dependency);
      if (bit !== undefined) this.#set(task, bit);
    }
  }

  #set(task: number, bit: number): void {
    const at = task * this.#words + (bit >>> 5);
    this.#rows[at] = (this.#rows[at] ?? 0) | (1 << (bit & 31));
  }

  #get(task: number, bit: number): boolean {
    return ((this.#rows[task * this.#words + (bit >>> 5)] ?? 0) & (1 << (bit & 31))) !== 0;
  }
}

/** The tasks, each after all of its dependencies; without those in a cycle, or after one. */
function* inOrder(edges: readonly (readonly number[])[]): Generator<number> {
  const dependents: number[][] = edges.map(() => []);
  const open = new Int32Array(edges.length);
  edges.forEach((dependencies, task) => {
    for (const dependency of dependencies) {
      if (dependency < 0) continue;
      dependents[dependency]?.push(task);
      open[task] = (open[task] ?? 0) + 1;
    }
  });
  const ready = edges.flatMap((_, task) => (open[task] === 0 ? [task] : []));
  for (let task = ready.pop(); task !== undefined; task = ready.pop()) {
    yield task;
    for (const dependent of dependents[task] ?? []) {
      const left = (open[dependent] ?? 0) - 1;
      open[dependent] = left;
      if (left === 0) ready.push(dependent);
    }
  }
}
