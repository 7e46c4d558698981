import type { Problem } from "../errors/problem.js";
import { buildWorkflow } from "./build-workflow.js";
import { collectTasks } from "./collect-tasks.js";
import type { Context } from "./context.js";
import type { OpenValues } from "./context-types.js";
import type { InputSchema, WorkflowDefinition } from "./definition.js";
import { describeValue, isClass } from "./describe-value.js";
import type { FunctionTaskOptions } from "./function-task.js";
import type { TaskHandle } from "./task-handle.js";
import { isFunction, taskOf, taskSpec } from "./task-spec.js";
import type { AnyTask, Dependency, MaybePromise, TaskResult } from "./task-types.js";
import { workflow } from "./workflow.js";
import { newDraft, type WorkflowDraft } from "./workflow-draft.js";

/**
 * Puts a workflow together, step by step. Nothing is checked before `build()`, which then tells all problems at once.
 *
 * ```ts
 * const etl = new WorkflowBuilder("etl").description("Loads the day").tag("team", "data").addTasks(new Etl()).build();
 * ```
 */
export class WorkflowBuilder<Input extends object = OpenValues> {
  /** The same as `workflow`: the tasks are declared in a function, with types that flow. */
  static readonly scope: typeof workflow = workflow;

  readonly #draft: WorkflowDraft;

  /** @param name letters, digits and `_ . -`, at most 128, beginning with a letter or `_`; unique within a namespace */
  constructor(name: string) {
    this.#draft = newDraft(name);
  }

  /** Free text for people. A later call replaces an earlier one. */
  description(text: string): this {
    this.#draft.description = text;
    return this;
  }

  /** A label, shown to people and copied to each lease. A later one of the same key replaces an earlier one. */
  tag(key: string, value: string): this {
    this.#draft.tags.set(key, value);
    return this;
  }

  /** What checks and completes the input of each run: any Standard Schema, as zod, valibot or arktype make them. */
  input<In extends object>(schema: InputSchema<In>): WorkflowBuilder<In> {
    this.#draft.input = schema;
    return this as WorkflowBuilder<object> as WorkflowBuilder<In>;
  }

  /** Adds a task: one that `task(options, fn)` made, or options and a function. */
  addTask(task: AnyTask): this;
  addTask(
    options: FunctionTaskOptions<readonly Dependency[]>,
    fn: (context: Context, handle: TaskHandle) => MaybePromise<TaskResult>,
  ): this;
  addTask(...args: readonly unknown[]): this {
    const [first, fn] = args;
    if (args.length > 1) {
      this.#draft.tasks.push({ spec: taskSpec(first, "function", fn), self: undefined, references: [] });
      return this;
    }
    const spec = taskOf(first);
    if (spec?.form === "function" && isFunction(first)) {
      this.#draft.tasks.push({ spec, self: undefined, references: [first] });
      return this;
    }
    if (spec === undefined)
      return this.#problem(`addTask was given ${describeValue(first)}; give it what task(options, fn) returned`);
    return this.#problem(`${spec.defaultId} is a method; write addTasks(…) with the instance that it belongs to`);
  }

  /**
   * Adds all tasks of an object: the decorated methods of an instance, those of its base classes first, which run with the
   * instance for `this`; the decorated static methods of a class; properties that hold tasks in function form.
   */
  addTasks(source: object): this {
    if (typeof source !== "object" && typeof source !== "function") {
      return this.#problem(
        `addTasks was given ${describeValue(source)}; give it an instance of a class with decorated methods`,
      );
    }
    const tasks = source === null ? [] : collectTasks(source);
    this.#draft.tasks.push(...tasks);
    if (tasks.length > 0) return this;
    const found = describeValue(source);
    const hint = isClass(source) ? "give it an instance: new …()" : "its tasks are methods decorated with @task(…)";
    return this.#problem(`addTasks was given ${found} that has no tasks; ${hint}`);
  }

  /**
   * The workflow: plain data, checked, frozen. The builder can go on afterwards; what was built does not change.
   *
   * @throws DefinitionError with all problems
   */
  build(): WorkflowDefinition<Input> {
    return buildWorkflow(this.#draft) as WorkflowDefinition<Input>;
  }

  #problem(message: string): this {
    const problem: Problem = { path: "tasks", message };
    this.#draft.problems.push(problem);
    return this;
  }
}
