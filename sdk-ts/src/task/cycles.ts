/** An edge that closes a cycle, and the cycle from the edge's target back to it: `[a, b, a]`. */
export interface Cycle {
  /** The node whose edge closes the cycle. */
  readonly from: number;
  /** Position of that edge among the node's edges. */
  readonly edge: number;
  /** The nodes along the cycle, the first one again at the end; `null` stands for nodes left out of a long one. */
  readonly path: readonly (number | null)[];
}

/** Nodes of a cycle that are shown before the middle is left out, and at each side of the gap then. */
const SHOWN = 12;
const SHOWN_AT_EACH_SIDE = 5;

/**
 * The cycles that a depth-first walk meets, each once: a graph without the closing edges has none left. (All elementary
 * cycles can be exponentially many.) `edges[n]` are the distinct targets of node n; loops to itself and targets that are not numbers
 * of nodes are passed over. With its own stack, because a chain may be as long as a workflow.
 */
export function* findCycles(edges: readonly (readonly number[])[]): Generator<Cycle> {
  const NEW = 0;
  const OPEN = 1;
  const DONE = 2;
  const state = new Uint8Array(edges.length);
  const depthOf = new Int32Array(edges.length);
  const stack: number[] = [];
  const nextEdge: number[] = [];
  for (let start = 0; start < edges.length; start++) {
    if (state[start] !== NEW) continue;
    stack.push(start);
    nextEdge.push(0);
    state[start] = OPEN;
    depthOf[start] = 0;
    while (stack.length > 0) {
      const depth = stack.length - 1;
      const node = stack[depth] ?? 0;
      const edge = nextEdge[depth] ?? 0;
      const target = edges[node]?.[edge];
      if (target === undefined) {
        state[node] = DONE;
        stack.pop();
        nextEdge.pop();
        continue;
      }
      nextEdge[depth] = edge + 1;
      if (target === node) continue;
      if (state[target] === OPEN) {
        yield { from: node, edge, path: cyclePath(stack, depthOf[target] ?? 0, target) };
      } else if (state[target] === NEW) {
        state[target] = OPEN;
        depthOf[target] = stack.length;
        stack.push(target);
        nextEdge.push(0);
      }
    }
  }
}

function cyclePath(stack: readonly number[], from: number, target: number): (number | null)[] {
  const length = stack.length - from;
  if (length <= SHOWN) return [...stack.slice(from), target];
  return [
    ...stack.slice(from, from + SHOWN_AT_EACH_SIDE),
    null,
    ...stack.slice(stack.length - SHOWN_AT_EACH_SIDE),
    target,
  ];
}
