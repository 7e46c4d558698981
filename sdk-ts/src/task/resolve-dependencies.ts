import type { Problem } from "../errors/problem.js";
import { findCycles } from "./cycles.js";
import { describeValue } from "./describe-value.js";
import { didYouMean, nearest } from "./nearest.js";
import { quote } from "./quote.js";
import { type AnyFunction, isFunction, taskOf } from "./task-spec.js";
import type { DraftTask } from "./workflow-draft.js";

/** Words compared in search of nearest matches for one workflow: 20,000 wrong ids among 20,000 must not cost seconds. */
const NEAREST_BUDGET = 200_000;

/** Stands for a dependency that is none of the workflow's tasks. */
const UNRESOLVED = -1;

/** The dependencies of a task, as it wrote them down. */
type Written = readonly unknown[];

/**
 * Finds the tasks that each task depends on: `edges[task][n]` is the position of its n-th dependency, or -1 where that is a
 * problem.
 *
 * @param ids of the tasks; undefined where an id is a problem already
 */
export function resolveDependencies(
  tasks: readonly DraftTask[],
  ids: readonly (string | undefined)[],
): { readonly edges: readonly (readonly number[])[]; readonly problems: readonly Problem[] } {
  const resolver = new Resolver(tasks, ids);
  const edges = tasks.map((task, position) => resolver.resolve(task, position));
  resolver.reportCycles(edges);
  return { edges, problems: resolver.problems };
}

class Resolver {
  readonly problems: Problem[] = [];
  readonly #ids: readonly (string | undefined)[];
  readonly #byId = new Map<string, number>();
  readonly #byFunction = new Map<AnyFunction, number>();
  #nearestBudget = NEAREST_BUDGET;

  constructor(tasks: readonly DraftTask[], ids: readonly (string | undefined)[]) {
    this.#ids = ids;
    ids.forEach((id, position) => {
      if (id !== undefined && !this.#byId.has(id)) this.#byId.set(id, position);
    });
    tasks.forEach(({ references }, position) => {
      for (const reference of references) {
        if (!this.#byFunction.has(reference)) this.#byFunction.set(reference, position);
      }
    });
  }

  resolve(task: DraftTask, position: number): number[] {
    const written = this.#written(task, position);
    const firstAt = new Map<number, number>();
    return written.map((dependency, index) => {
      const target = this.#target(dependency);
      if (typeof target === "string") return this.#report(position, index, target, dependency);
      if (target === position) return this.#report(position, index, "a task cannot depend on itself");
      const first = firstAt.get(target);
      if (first !== undefined) {
        return this.#report(position, index, `${this.#name(target)} is already dependencies[${first}]; name it once`);
      }
      firstAt.set(target, index);
      return target;
    });
  }

  /** Reports each cycle at the dependency that closes it. */
  reportCycles(edges: readonly (readonly number[])[]): void {
    for (const { from, edge, path } of findCycles(edges)) {
      const names = path.map((position) => (position === null ? "…" : this.#name(position)));
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

  /** The position of the task that is meant, or what is wrong. */
  #target(dependency: unknown): number | string {
    if (typeof dependency === "string") {
      return this.#byId.get(dependency) ?? `${quote(dependency)} is not a task of this workflow`;
    }
    if (!isFunction(dependency)) return `is ${describeValue(dependency)}; a dependency is a task or the id of one`;
    const position = this.#byFunction.get(dependency);
    if (position !== undefined) return position;
    const other = taskOf(dependency);
    if (other === undefined) return `the function ${quote(dependency.name)} is not a task; make it one with task(…)`;
    return `the task ${quote(other.options.id ?? other.defaultId)} has not been added to this workflow`;
  }

  #report(position: number, index: number | undefined, message: string, dependency?: unknown): typeof UNRESOLVED {
    const near = typeof dependency === "string" ? this.#nearest(dependency) : undefined;
    const place = index === undefined ? "dependencies" : `dependencies[${index}]`;
    this.problems.push({
      path: `tasks[${position}].${place}`,
      message: `${labelOf(this.#ids[position])}${message}${didYouMean(near)}`,
      ...(typeof dependency === "string" ? { found: dependency } : {}),
      ...(near === undefined ? {} : { nearest: near }),
    });
    return UNRESOLVED;
  }

  #nearest(word: string): string | undefined {
    if (this.#nearestBudget <= 0) return undefined;
    this.#nearestBudget -= this.#byId.size;
    return nearest(word, this.#byId.keys());
  }

  #name(position: number): string {
    const id = this.#ids[position];
    return id === undefined ? `tasks[${position}]` : quote(id);
  }
}

/** `task "load": ` to begin a problem's message with; nothing when the task has no id. */
export function labelOf(id: string | undefined): string {
  return id === undefined ? "" : `task ${quote(id)}: `;
}
