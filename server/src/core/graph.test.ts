import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ancestors } from "./ancestors.js";
import { CloacaError } from "./errors.js";
import { checkDefinition, compileGraph } from "./graph.js";
import type { TaskDefinition, WorkflowDefinition } from "./model.js";
import { MAX_PROBLEMS } from "./problem-list.js";
import { NO_RETRIES } from "./retry.js";

const task = (id: string, dependencies: readonly string[] = [], timeoutMs = 0): TaskDefinition => ({
  id,
  dependencies,
  timeoutMs,
});

const workflow = (...tasks: readonly TaskDefinition[]): WorkflowDefinition => ({
  name: "etl",
  description: "",
  tags: {},
  tasks,
});

const chain = (length: number): TaskDefinition[] =>
  Array.from({ length }, (_, i) => task(`t${i}`, i === 0 ? [] : [`t${i - 1}`]));

const lines = (definition: WorkflowDefinition, path?: string): string[] =>
  checkDefinition(definition, path).map(({ field, description }) => `${field}: ${description}`);

/** A graph of up to ten tasks; tasks depend on tasks that stand anywhere in the declared order. */
const acyclic = fc
  .record({
    order: fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], { minLength: 1 }),
    edges: fc.array(fc.boolean(), { minLength: 100, maxLength: 100 }),
  })
  .map(({ order, edges }) =>
    workflow(
      ...order
        .map((id, rank) =>
          task(
            `t${id}`,
            order
              .slice(0, rank)
              .filter((other) => edges[id * 10 + other])
              .map((other) => `t${other}`),
          ),
        )
        .sort((a, b) => a.id.localeCompare(b.id)),
    ),
  );

describe("checkDefinition", () => {
  it("finds nothing wrong with a good definition", () => {
    expect(lines(workflow(task("b", ["a"], 2 ** 31 - 1), task("a"), task("__proto__", ["b", "a"])))).toEqual([]);
  });

  it("lists all problems at once, with their paths", () => {
    const definition = {
      name: "1etl",
      description: "",
      tags: { team: 7 as unknown as string },
      tasks: [
        task("load"),
        task("load", ["laod"]),
        task("a b", ["load", "report", "load"], -1),
        task("report", ["report", "nowhere"], 1.5),
        task("c d", ["c d"]),
        task("end", [], 2 ** 31),
      ],
    };
    expect(lines(definition)).toEqual([
      expect.stringMatching(/^name: "1etl" starts with "1"; a name /),
      'tags["team"]: is number; a tag\'s value is text',
      'tasks[1].id: "load" is already the id of tasks[0]; ids are unique within a workflow',
      expect.stringMatching(/^tasks\[2\]\.id: "a b" contains " "; a name /),
      "tasks[2].timeoutMs: is -1; allowed are whole milliseconds from 0 (no limit) to 2147483647",
      'tasks[3].timeoutMs: task "report": is 1.5; allowed are whole milliseconds from 0 (no limit) to 2147483647',
      expect.stringMatching(/^tasks\[4\]\.id: "c d" contains " "; a name /),
      'tasks[5].timeoutMs: task "end": is 2147483648; allowed are whole milliseconds from 0 (no limit) to 2147483647',
      'tasks[1].dependencies[0]: task "load": there is no task "laod"',
      'tasks[2].dependencies[2]: "load" is already tasks[2].dependencies[0]; each dependency is named once',
      'tasks[3].dependencies[0]: task "report": "report" is the task itself; a task depends on others',
      'tasks[3].dependencies[1]: task "report": there is no task "nowhere"',
      'tasks[4].dependencies[0]: "c d" is the task itself; a task depends on others',
    ]);
  });

  it("names the nearest task, and never the task itself", () => {
    expect(lines(workflow(task("fetch_data"), task("report", ["fetchData", "rport"])))).toEqual([
      'tasks[1].dependencies[0]: task "report": there is no task "fetchData"; did you mean "fetch_data"?',
      'tasks[1].dependencies[1]: task "report": there is no task "rport"',
    ]);
  });

  it("puts the path of the definition before each field", () => {
    expect(lines({ ...workflow(task("a"), task("a")), name: "" }, "workflows[2]")).toEqual([
      expect.stringMatching(/^workflows\[2\]\.name: is empty; /),
      'workflows[2].tasks[1].id: "a" is already the id of workflows[2].tasks[0]; ids are unique within a workflow',
    ]);
    expect(lines(workflow(), "w")).toEqual(["w.tasks: is empty; a workflow has at least one task"]);
  });

  it("limits the number of tasks", () => {
    expect(checkDefinition(workflow(...chain(20_000)))).toEqual([]);
    expect(lines(workflow(...chain(20_001)))).toEqual(["tasks: has 20001 tasks; at most 20000 are allowed"]);
    expect(checkDefinition(workflow(task("a"), task("b")), "", 1)).toHaveLength(1);
  });

  it("prints each cycle once", () => {
    expect(lines(workflow(task("a", ["b"]), task("b", ["a"])))).toEqual([
      'tasks[1].dependencies[0]: task "b": closes a cycle of dependencies: a -> b -> a',
    ]);
    expect(
      lines(
        workflow(
          task("a", ["x", "c"]),
          task("x"),
          task("b", ["a"]),
          task("c", ["x", "b"]),
          task("d", ["a", "e"]),
          task("e", ["d"]),
        ),
      ),
    ).toEqual([
      'tasks[2].dependencies[0]: task "b": closes a cycle of dependencies: a -> c -> b -> a',
      'tasks[5].dependencies[0]: task "e": closes a cycle of dependencies: d -> e -> d',
    ]);
  });

  it("prints a long cycle without its middle", () => {
    const tasks = chain(20_000);
    tasks[0] = task("t0", ["t19999"]);
    expect(lines(workflow(...tasks))).toEqual([
      'tasks[1].dependencies[0]: task "t1": closes a cycle of dependencies: t0 -> t19999 -> t19998 -> t19997 -> t19996 -> … -> t5 -> t4 -> t3 -> t2 -> t1 -> t0',
    ]);
  });

  it("finds a cycle exactly when there is one; without the closing edges there is none", () => {
    const edge = fc.tuple(fc.nat({ max: 7 }), fc.nat({ max: 7 })).filter(([a, b]) => a !== b);
    fc.assert(
      fc.property(fc.uniqueArray(edge, { maxLength: 20, selector: String, size: "max" }), (edges) => {
        const tasks = Array.from({ length: 8 }, (_, i) =>
          task(
            `t${i}`,
            edges.filter(([from]) => from === i).map(([, to]) => `t${to}`),
          ),
        );
        const problems = checkDefinition(workflow(...tasks));
        expect(problems.length > 0).toBe(reaches(edges, 8).some((reached, i) => reached.has(i)));
        expect(new Set(problems.map((problem) => problem.description)).size).toBe(problems.length);
        const closing = new Set(problems.map((problem) => problem.field));
        const cut = tasks.map((t, i) => ({
          ...t,
          dependencies: t.dependencies.filter((_, j) => !closing.has(`tasks[${i}].dependencies[${j}]`)),
        }));
        expect(checkDefinition(workflow(...cut))).toEqual([]);
      }),
    );
  });

  it("stays quick and small when nearly everything is wrong", () => {
    const prefix = "x".repeat(115);
    const tasks = Array.from({ length: 20_000 }, (_, i) =>
      task(`${prefix}${i}`, [`${prefix}_${i}`, `${prefix}_${i}`, "y"]),
    );
    const problems = checkDefinition(workflow(...tasks));
    expect(problems).toHaveLength(MAX_PROBLEMS + 1);
    expect(problems.at(-1)).toEqual({ field: "", description: "59000 more problems are not listed" });
  });
});

/** A task that names neither retries nor a rule. */
const PLAIN = { retry: NO_RETRIES, rule: null, handlers: [] };

describe("compileGraph", () => {
  it("resolves edges by index, in declared order", () => {
    const definition = workflow(
      task("report", ["check", "load"], 500),
      task("load"),
      task("check", ["load"]),
      task("alone"),
    );
    const graph = compileGraph(definition);
    expect(graph.definition).toBe(definition);
    expect(graph.version).toMatch(/^[0-9a-f]{20}$/);
    expect(graph.tasks).toEqual([
      { id: "report", index: 0, dependencies: [2, 1], dependents: [], timeoutMs: 500, ...PLAIN },
      { id: "load", index: 1, dependencies: [], dependents: [0, 2], timeoutMs: 0, ...PLAIN },
      { id: "check", index: 2, dependencies: [1], dependents: [0], timeoutMs: 0, ...PLAIN },
      { id: "alone", index: 3, dependencies: [], dependents: [], timeoutMs: 0, ...PLAIN },
    ]);
    expect([...graph.indexOf]).toEqual([
      ["report", 0],
      ["load", 1],
      ["check", 2],
      ["alone", 3],
    ]);
    expect(graph.roots).toEqual([1, 3]);
    expect(graph.leaves).toEqual([0, 3]);
    expect(graph.topological).toEqual([1, 3, 2, 0]);
  });

  it("throws all problems", () => {
    const compile = (): unknown => compileGraph(workflow(task("a", ["b"]), task("a")));
    expect(compile).toThrow(CloacaError);
    expect(compile).toThrow(
      expect.objectContaining({
        code: "DEFINITION_INVALID",
        problems: [
          expect.objectContaining({ field: "tasks[1].id" }),
          expect.objectContaining({ field: "tasks[0].dependencies[0]" }),
        ],
      }),
    );
  });

  it("orders tasks after their dependencies", () => {
    fc.assert(
      fc.property(acyclic, (definition) => {
        const graph = compileGraph(definition);
        const place = new Map(graph.topological.map((index, position) => [index, position]));
        expect(place.size).toBe(graph.tasks.length);
        for (const { index, dependencies } of graph.tasks) {
          for (const dependency of dependencies) expect(place.get(dependency)).toBeLessThan(place.get(index) ?? -1);
        }
      }),
    );
  });
});

describe("ancestors", () => {
  it("are all tasks upstream, in whatever order they are asked for", () => {
    fc.assert(
      fc.property(acyclic, fc.infiniteStream(fc.nat()), (definition, picks) => {
        const graph = compileGraph(definition);
        const expected = reaches(
          graph.tasks.flatMap((t) => t.dependencies.map((d) => [t.index, d] as const)),
          graph.tasks.length,
        );
        for (const pick of picks.take(15)) {
          const index = pick % graph.tasks.length;
          expect([...ancestors(graph, index)]).toEqual([...(expected[index] ?? [])].sort((a, b) => a - b));
        }
      }),
    );
  });

  it("walk a chain of 20,000 without recursion, and are remembered", () => {
    const graph = compileGraph(workflow(...chain(20_000)));
    const last = ancestors(graph, 19_999);
    expect([...last]).toHaveLength(19_999);
    expect(ancestors(graph, 19_999)).toBe(last);
    for (const { index } of graph.tasks) {
      const found = ancestors(graph, index);
      expect(found.has(index - 1)).toBe(index > 0);
      expect(found.has(index)).toBe(false);
    }
  });
});

/** For each node what can be reached from it, by brute force. */
function reaches(edges: readonly (readonly [number, number])[], nodes: number): Set<number>[] {
  const reached = Array.from({ length: nodes }, () => new Set<number>());
  for (let round = 0; round < nodes; round++) {
    for (const [from, to] of edges) {
      reached[from]?.add(to);
      for (const far of reached[to] ?? []) reached[from]?.add(far);
    }
  }
  return reached;
}
