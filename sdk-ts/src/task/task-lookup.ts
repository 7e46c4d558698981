import { nearest } from "../errors/nearest.js";
import { quote } from "../errors/quote.js";
import { describeValue } from "./describe-value.js";
import { type AnyFunction, isFunction, taskOf } from "./task-spec.js";
import type { DraftTask } from "./workflow-draft.js";

/** Words compared in search of nearest matches for one workflow: 20,000 wrong ids among 20,000 must not cost seconds. */
const NEAREST_BUDGET = 200_000;

/** The tasks of one workflow, by what others name them by: their ids, and the functions that stand for them. */
export class TaskLookup {
  readonly #ids: readonly (string | undefined)[];
  readonly #byId = new Map<string, number>();
  readonly #byFunction = new Map<AnyFunction, number>();
  #nearestBudget = NEAREST_BUDGET;

  /** @param ids of the tasks; undefined where an id is a problem already */
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

  /** The position of the task that is meant, or what is wrong. */
  find(named: unknown): number | string {
    if (typeof named === "string") return this.#byId.get(named) ?? `${quote(named)} is not a task of this workflow`;
    if (!isFunction(named)) return `is ${describeValue(named)}; write a task or the id of one`;
    const position = this.#byFunction.get(named);
    if (position !== undefined) return position;
    const other = taskOf(named);
    if (other === undefined) return `the function ${quote(named.name)} is not a task; make it one with task(…)`;
    return `the task ${quote(other.options.id ?? other.defaultId)} has not been added to this workflow`;
  }

  /** The id that was most likely meant by something that names no task. */
  nearest(named: unknown): string | undefined {
    if (typeof named !== "string" || this.#nearestBudget <= 0) return undefined;
    this.#nearestBudget -= this.#byId.size;
    return nearest(named, this.#byId.keys());
  }

  /** The id of the task at a position; undefined where it is a problem. */
  idOf(position: number): string | undefined {
    return this.#ids[position];
  }

  /** How a message names the task at a position. */
  name(position: number): string {
    const id = this.#ids[position];
    return id === undefined ? `tasks[${position}]` : quote(id);
  }

  /** `task "load": ` to begin a problem's message with; nothing when the task has no id. */
  label(position: number): string {
    return labelOf(this.#ids[position]);
  }
}

/** `task "load": ` to begin a problem's message with; nothing when the task has no id. */
export function labelOf(id: string | undefined): string {
  return id === undefined ? "" : `task ${quote(id)}: `;
}
