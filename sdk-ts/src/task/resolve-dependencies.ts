import { didYouMean } from "../errors/nearest.js";
import type { Problem } from "../errors/problem.js";
import { findCycles } from "./cycles.js";
import { describeValue } from "./describe-value.js";
import type { TaskLookup } from "./task-lookup.js";
import { isFunction } from "./task-spec.js";
import type { DraftTask } from "./workflow-draft.js";

/** Stands for a dependency that is none of the workflow's tasks. */
export const UNRESOLVED = -1;

/** The dependencies of a task, as it wrote them down. */
type Written = readonly unknown[];

/**
 * Finds the tasks that each task depends on: `edges[task][n]` is the position of its n-th dependency, or `UNRESOLVED` where
 * that is a problem.
 */
export function resolveDependencies(
  tasks: readonly DraftTask[],
  lookup: TaskLookup,
): { readonly edges: readonly (readonly number[])[]; readonly problems: readonly Problem[] } {
  const resolver = new Resolver(lookup);
  const edges = tasks.map((task, position) => resolver.resolve(task, position));
  resolver.reportCycles(edges);
  return { edges, problems: resolver.problems };
}

class Resolver {
  readonly problems: Problem[] = [];

  constructor(readonly lookup: TaskLookup) {}

  resolve(task: DraftTask, position: number): number[] {
    const written = this.#written(task, position);
    const firstAt = new Map<number, number>();
    return written.map((dependency, index) => {
      const target = this.lookup.find(dependency);
      if (typeof target === "string") return this.#report(position, index, target, dependency);
      if (target === position) return this.#report(position, index, "a task cannot depend on itself");
      const first = firstAt.get(target);
      if (first !== undefined) {
        const name = this.lookup.name(target);
        return this.#report(position, index, `${name} is already dependencies[${first}]; name it once`);
      }
      firstAt.set(target, index);
      return target;
    });
  }

  /** Reports each cycle at the dependency that closes it. */
  reportCycles(edges: readonly (readonly number[])[]): void {
    for (const { from, edge, path } of findCycles(edges)) {
      const names = path.map((position) => (position === null ? "…" : this.lookup.name(position)));
      this.#report(from, edge, `closes a cycle: ${names.join(" needs ")}`);
    }
  }

  #written({ spec, self }: DraftTask, position: number): Written {
    const { dependencies } = spec.options;
    if (Array.isArray(dependencies)) return dependencies;
    if (!isFunction(dependencies)) return [];
    let answer: unknown;
    try {
      answer = Reflect.apply(dependencies, self, [self]);
    } catch (error) {
      this.#report(position, undefined, `the function threw ${String(error)}; let it return an array of tasks or ids`);
      return [];
    }
    if (Array.isArray(answer)) return answer;
    this.#report(
      position,
      undefined,
      `the function returned ${describeValue(answer)}; let it return an array of tasks or ids`,
    );
    return [];
  }

  #report(position: number, index: number | undefined, message: string, dependency?: unknown): typeof UNRESOLVED {
    const near = this.lookup.nearest(dependency);
    const place = index === undefined ? "dependencies" : `dependencies[${index}]`;
    this.problems.push({
      path: `tasks[${position}].${place}`,
      message: `${this.lookup.label(position)}${message}${didYouMean(near)}`,
      ...(typeof dependency === "string" ? { found: dependency } : {}),
      ...(near === undefined ? {} : { nearest: near }),
    });
    return UNRESOLVED;
  }
}
