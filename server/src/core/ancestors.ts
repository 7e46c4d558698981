import { Bitset } from "./bitset.js";
import type { Graph } from "./model.js";

/** Memory that the sets of one graph may take before they are forgotten and worked out anew, in bytes. */
const MAX_REMEMBERED_BYTES = 8 * 1024 * 1024;

interface Remembered {
  readonly sets: Map<number, Bitset>;
  bytes: number;
}

const rememberedFor = new WeakMap<Graph, Remembered>();

/** The tasks that a task depends on, directly or not, itself excluded. Worked out when first asked for; not to be changed. */
export function ancestors(graph: Graph, task: number): Bitset {
  const remembered = rememberedOf(graph);
  const known = remembered.sets.get(task);
  if (known) return known;
  const found = new Bitset(graph.tasks.length);
  const open = [task];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const dependency of graph.tasks[next]?.dependencies ?? []) {
      if (found.has(dependency)) continue;
      found.add(dependency);
      // Whoever walks down a graph asks for each task in turn; with the sets from before, a new one costs a union and few steps.
      const theirs = remembered.sets.get(dependency);
      if (theirs) found.addAll(theirs);
      else open.push(dependency);
    }
  }
  if (remembered.bytes + found.byteLength > MAX_REMEMBERED_BYTES) {
    remembered.sets.clear();
    remembered.bytes = 0;
  }
  remembered.sets.set(task, found);
  remembered.bytes += found.byteLength;
  return found;
}

function rememberedOf(graph: Graph): Remembered {
  const known = rememberedFor.get(graph);
  if (known) return known;
  const fresh = { sets: new Map<number, Bitset>(), bytes: 0 };
  rememberedFor.set(graph, fresh);
  return fresh;
}
