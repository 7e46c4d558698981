import { checkRule } from "./check-rule.js";
import { findCycles } from "./cycles.js";
import { CloacaError } from "./errors.js";
import { entryPath, fieldPath } from "./field-path.js";
import type {
  CompiledRule,
  Graph,
  GraphTask,
  Problem,
  RetryPolicy,
  TaskDefinition,
  WorkflowDefinition,
} from "./model.js";
import { nameProblem } from "./names.js";
import { didYouMean } from "./nearest.js";
import { Precedence } from "./precedence.js";
import { ProblemList } from "./problem-list.js";
import { quote } from "./quote.js";
import { MAX_RETRY_ATTEMPTS, NO_RETRIES } from "./retry.js";
import { withTaskIds } from "./task-problems.js";
import { compileRule, namedFailures } from "./trigger-rule.js";
import { definitionVersion } from "./version.js";

/** Tasks that a workflow may have unless the scheduler is told otherwise. */
export const DEFAULT_MAX_TASKS = 20_000;

/** Largest `timeoutMs`. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Words compared in search of nearest matches for one definition: 20,000 wrong ids among 20,000 must not cost seconds. */
const NEAREST_BUDGET = 200_000;

/** Edges by position: `edges[task][n]` is the index of the n-th dependency, or `UNRESOLVED`. */
type Edges = number[][];
const UNRESOLVED = -1;

/**
 * All problems of a definition, each with its path; none when it can be compiled.
 *
 * @param path where the definition stands in the request, for example `workflows[2]`; put before each problem's field
 * @param maxTasks the most tasks that a workflow may have
 */
export function checkDefinition(definition: WorkflowDefinition, path = "", maxTasks = DEFAULT_MAX_TASKS): Problem[] {
  return check(definition, path, maxTasks).problems;
}

/**
 * Checks a definition and resolves its edges. 10,000 tasks take about 20 ms, the version included.
 *
 * @throws CloacaError DEFINITION_INVALID with all problems
 */
export function compileGraph(definition: WorkflowDefinition, maxTasks = DEFAULT_MAX_TASKS): Graph {
  const { problems, edges, indexOf } = check(definition, "", maxTasks);
  if (problems.length > 0) {
    throw CloacaError.fromProblems("DEFINITION_INVALID", `workflow ${quote(definition.name)}`, problems);
  }
  const dependents: number[][] = edges.map(() => []);
  edges.forEach((dependencies, task) => {
    for (const dependency of dependencies) dependents[dependency]?.push(task);
  });
  const rules = definition.tasks.map((task) => compileRule(task.rule, indexOf));
  const handlers = handlersOf(rules);
  const tasks = definition.tasks.map(
    (task, index): GraphTask => ({
      id: task.id,
      index,
      dependencies: edges[index] ?? [],
      dependents: dependents[index] ?? [],
      timeoutMs: task.timeoutMs,
      retry: task.retry ?? NO_RETRIES,
      rule: rules[index] ?? null,
      handlers: handlers.get(index) ?? NOBODY,
    }),
  );
  const roots = tasks.filter((task) => task.dependencies.length === 0).map((task) => task.index);
  return {
    definition,
    version: definitionVersion(definition),
    tasks,
    indexOf,
    roots,
    leaves: tasks.filter((task) => task.dependents.length === 0).map((task) => task.index),
    topological: topologicalOrder(tasks, roots),
  };
}

const NOBODY: readonly number[] = [];

/** By the task that fails: the tasks whose rules name its failure. */
function handlersOf(rules: readonly (CompiledRule | null)[]): Map<number, number[]> {
  const handlers = new Map<number, number[]>();
  rules.forEach((rule, index) => {
    for (const failed of rule === null ? [] : namedFailures(rule)) {
      const known = handlers.get(failed);
      if (known === undefined) handlers.set(failed, [index]);
      else known.push(index);
    }
  });
  return handlers;
}

interface Checked {
  readonly problems: Problem[];
  readonly edges: Edges;
  readonly indexOf: ReadonlyMap<string, number>;
}

function check(definition: WorkflowDefinition, path: string, maxTasks: number): Checked {
  const problems = new ProblemList();
  checkHead(definition, path, maxTasks, problems);
  const indexOf = checkTasks(definition.tasks, path, problems);
  const edges = resolveEdges(definition.tasks, indexOf, path, problems);
  reportCycles(definition.tasks, edges, path, problems);
  checkRules(definition.tasks, edges, indexOf, path, problems);
  return { problems: withTaskIds(problems.list(path), definition.tasks, path), edges, indexOf };
}

function checkHead(definition: WorkflowDefinition, path: string, maxTasks: number, problems: ProblemList): void {
  const name = nameProblem(definition.name);
  if (name !== null) problems.add(fieldPath(path, "name"), name);
  for (const [key, value] of Object.entries<unknown>(definition.tags)) {
    if (typeof value === "string") continue;
    problems.add(entryPath(fieldPath(path, "tags"), key), `is ${typeof value}; a tag's value is text`);
  }
  const count = definition.tasks.length;
  if (count === 0) problems.add(fieldPath(path, "tasks"), "is empty; a workflow has at least one task");
  if (count > maxTasks) problems.add(fieldPath(path, "tasks"), `has ${count} tasks; at most ${maxTasks} are allowed`);
}

function checkTasks(tasks: readonly TaskDefinition[], path: string, problems: ProblemList): Map<string, number> {
  const indexOf = new Map<string, number>();
  tasks.forEach((task, index) => {
    const name = nameProblem(task.id);
    const first = indexOf.get(task.id);
    if (name !== null) problems.add(taskPath(path, index, "id"), name);
    if (first === undefined) indexOf.set(task.id, index);
    else if (name === null) {
      problems.add(
        taskPath(path, index, "id"),
        `${quote(task.id)} is already the id of ${taskPath(path, first)}; ids are unique within a workflow`,
      );
    }
    if (!isMs(task.timeoutMs)) {
      problems.add(
        taskPath(path, index, "timeoutMs"),
        `is ${task.timeoutMs}; allowed are whole milliseconds from 0 (no limit) to ${MAX_TIMEOUT_MS}`,
      );
    }
    if (task.retry !== undefined) checkRetry(task.retry, taskPath(path, index, "retry"), problems);
  });
  return indexOf;
}

function checkRetry(retry: RetryPolicy, path: string, problems: ProblemList): void {
  const { attempts } = retry;
  if (!Number.isInteger(attempts) || attempts < 0 || attempts > MAX_RETRY_ATTEMPTS) {
    problems.add(fieldPath(path, "attempts"), `is ${attempts}; allowed are 0 (no retries) to ${MAX_RETRY_ATTEMPTS}`);
  }
  for (const name of ["delayMs", "maxDelayMs"] as const) {
    if (isMs(retry[name])) continue;
    problems.add(
      fieldPath(path, name),
      `is ${retry[name]}; allowed are whole milliseconds from 0 to ${MAX_TIMEOUT_MS}`,
    );
  }
}

function isMs(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_TIMEOUT_MS;
}

/** A rule may name ancestors alone: what they are is settled when the rule is asked. */
function checkRules(
  tasks: readonly TaskDefinition[],
  edges: Edges,
  indexOf: ReadonlyMap<string, number>,
  path: string,
  problems: ProblemList,
): void {
  let budget = NEAREST_BUDGET;
  if (!tasks.some(({ rule }) => rule !== undefined)) return;
  const precedence = new Precedence(edges, namedTasks(tasks, indexOf));
  tasks.forEach(({ rule }, index) => {
    if (rule === undefined) return;
    const named = (task: string): string | null => {
      const target = indexOf.get(task);
      if (target === undefined) {
        budget -= indexOf.size;
        return `there is no task ${quote(task)}${budget < 0 ? "" : didYouMean(task, indexOf.keys())}`;
      }
      // What a cycle leaves open is a problem already.
      if (precedence.isBefore(target, index) !== false) return null;
      const why = `task ${quote(task)} is ${target === index ? "the task itself" : "not an ancestor of it"}`;
      return `${why}; a rule names tasks that the task depends on, directly or not`;
    };
    checkRule(rule, taskPath(path, index, "triggerRule"), named, problems);
  });
}

/** Indexes of the tasks that the rules name, as far as they are there. */
function* namedTasks(tasks: readonly TaskDefinition[], indexOf: ReadonlyMap<string, number>): Generator<number> {
  for (const { rule } of tasks) {
    const open = rule === undefined ? [] : [rule];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if ("rules" in next) open.push(...next.rules);
      else if ("task" in next) {
        const target = indexOf.get(next.task);
        if (target !== undefined) yield target;
      }
    }
  }
}

function resolveEdges(
  tasks: readonly TaskDefinition[],
  indexOf: ReadonlyMap<string, number>,
  path: string,
  problems: ProblemList,
): Edges {
  let budget = NEAREST_BUDGET;
  return tasks.map((task, index) => {
    const firstAt = new Map<string, number>();
    return task.dependencies.map((id, position) => {
      const target = indexOf.get(id);
      const field = taskPath(path, index, `dependencies[${position}]`);
      const earlier = firstAt.get(id);
      if (earlier !== undefined) {
        const first = taskPath(path, index, `dependencies[${earlier}]`);
        problems.add(field, `${quote(id)} is already ${first}; each dependency is named once`);
        return UNRESOLVED;
      }
      firstAt.set(id, position);
      if (id === task.id) {
        problems.add(field, `${quote(id)} is the task itself; a task depends on others`);
        return UNRESOLVED;
      }
      if (target !== undefined) return target;
      let hint = "";
      if (!problems.full && budget >= indexOf.size) {
        budget -= indexOf.size;
        hint = didYouMean(id, without(task.id, indexOf.keys()));
      }
      problems.add(field, `there is no task ${quote(id)}${hint}`);
      return UNRESOLVED;
    });
  });
}

function* without(excluded: string, ids: Iterable<string>): Generator<string> {
  for (const id of ids) if (id !== excluded) yield id;
}

function reportCycles(tasks: readonly TaskDefinition[], edges: Edges, path: string, problems: ProblemList): void {
  for (const { from, edge, path: nodes } of findCycles(edges)) {
    const shown = nodes.map((node) => (node === null ? "…" : (tasks[node]?.id ?? ""))).join(" -> ");
    problems.add(taskPath(path, from, `dependencies[${edge}]`), `closes a cycle of dependencies: ${shown}`);
    if (problems.full) return;
  }
}

/** Kahn's algorithm, first come first served, so the order is a function of the definition. */
function topologicalOrder(tasks: readonly GraphTask[], roots: readonly number[]): number[] {
  const missing = Int32Array.from(tasks, (task) => task.dependencies.length);
  const order = [...roots];
  for (const index of order) {
    for (const dependent of tasks[index]?.dependents ?? []) {
      const left = (missing[dependent] ?? 0) - 1;
      missing[dependent] = left;
      if (left === 0) order.push(dependent);
    }
  }
  return order;
}

function taskPath(path: string, index: number, field?: string): string {
  const task = fieldPath(path, `tasks[${index}]`);
  return field === undefined ? task : `${task}.${field}`;
}
