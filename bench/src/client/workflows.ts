import { DEFERRING } from "../host/raw-host.js";
import type { Workflow } from "./run-client.js";

export const ONE_TASK: Workflow = { name: "one", tasks: [{ id: "only" }] };
export const DEFERRING_TASK: Workflow = { name: DEFERRING, tasks: [{ id: "only" }] };

export function chain(steps: number): Workflow {
  const tasks = Array.from({ length: steps }, (_, n) => ({
    id: `step_${n}`,
    dependencies: n === 0 ? [] : [`step_${n - 1}`],
  }));
  return { name: "chain", tasks };
}

/** A task, `width` tasks that depend on it, and one that depends on those. */
export function fanOut(width: number): Workflow {
  const middle = Array.from({ length: width }, (_, n) => ({ id: `part_${n}`, dependencies: ["split"] }));
  return {
    name: "fan_out",
    tasks: [{ id: "split" }, ...middle, { id: "join", dependencies: middle.map((t) => t.id) }],
  };
}

/** Layers of tasks, each of which depends on two of the layer before. */
export function layered(layers: number, width: number): Workflow {
  const id = (layer: number, n: number): string => `task_${layer}_${n % width}`;
  const tasks = Array.from({ length: layers * width }, (_, index) => {
    const layer = Math.floor(index / width);
    const n = index % width;
    return { id: id(layer, n), dependencies: layer === 0 ? [] : [id(layer - 1, n), id(layer - 1, n + 1)] };
  });
  return { name: "layered", tasks };
}
