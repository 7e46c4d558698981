/** A node of a heap; the heap keeps its place, so that it can be removed in O(log n). */
export interface HeapNode {
  place: number;
}

/** A binary heap whose nodes can be removed. `before(a, b)` says whether a comes first. */
export class Heap<T extends HeapNode> {
  readonly #nodes: T[] = [];

  constructor(readonly before: (a: T, b: T) => boolean) {}

  get size(): number {
    return this.#nodes.length;
  }

  peek(): T | undefined {
    return this.#nodes[0];
  }

  push(node: T): void {
    this.#nodes.push(node);
    this.#up(node, this.#nodes.length - 1);
  }

  pop(): T | undefined {
    const first = this.#nodes[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Removing a node that is not in the heap does nothing. */
  remove(node: T): void {
    const at = node.place;
    if (at < 0 || this.#nodes[at] !== node) return;
    const last = this.#nodes.pop();
    node.place = -1;
    if (last === undefined || last === node) return;
    this.#down(last, at);
    if (last.place === at) this.#up(last, at);
  }

  #up(node: T, at: number): void {
    const nodes = this.#nodes;
    let place = at;
    while (place > 0) {
      const parentPlace = (place - 1) >> 1;
      const parent = nodes[parentPlace];
      if (parent === undefined || !this.before(node, parent)) break;
      nodes[place] = parent;
      parent.place = place;
      place = parentPlace;
    }
    nodes[place] = node;
    node.place = place;
  }

  #down(node: T, at: number): void {
    const nodes = this.#nodes;
    let place = at;
    for (;;) {
      let childPlace = 2 * place + 1;
      let child = nodes[childPlace];
      if (child === undefined) break;
      const right = nodes[childPlace + 1];
      if (right !== undefined && this.before(right, child)) {
        child = right;
        childPlace++;
      }
      if (!this.before(child, node)) break;
      nodes[place] = child;
      child.place = place;
      place = childPlace;
    }
    nodes[place] = node;
    node.place = place;
  }
}
