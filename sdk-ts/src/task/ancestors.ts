/** Which tasks come before which: those that a task depends on, directly or through others. */
export class Ancestors {
  readonly #edges: readonly (readonly number[])[];
  /** By task: the last search that has seen it. */
  readonly #seen: Int32Array;
  #search = 0;

  /** @param edges the dependencies of each task; negative where one is a problem. Cycles are allowed */
  constructor(edges: readonly (readonly number[])[]) {
    this.#edges = edges;
    this.#seen = new Int32Array(edges.length);
  }

  /**
   * Which of the wanted tasks are ancestors of a task; `unknown` when some are not found and a dependency on the way is a
   * problem. Looks no further than it must, and always at the direct dependencies first.
   */
  among(task: number, wanted: ReadonlySet<number>): ReadonlySet<number> | "unknown" {
    const search = ++this.#search;
    const found = new Set<number>();
    const open = [task];
    let isWhole = true;
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const dependency of this.#edges[next] ?? []) {
        if (dependency < 0) isWhole = false;
        else if (this.#seen[dependency] !== search) {
          this.#seen[dependency] = search;
          if (wanted.has(dependency)) found.add(dependency);
          open.push(dependency);
        }
      }
      if (found.size === wanted.size) return found;
    }
    return isWhole ? found : "unknown";
  }
}
