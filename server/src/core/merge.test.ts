import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { compileGraph } from "./graph.js";
import {
  applyPatch,
  combinePatches,
  finalContext,
  foldViews,
  INPUT_WRITER,
  inputView,
  type View,
  viewToText,
} from "./merge.js";
import type { ContextText, Graph, Patch } from "./model.js";
import { contextBytes } from "./patch.js";

const set = (values: Record<string, string>, ...removed: string[]): Patch => ({ set: values, removed });
const remove = (...removed: string[]): Patch => ({ set: {}, removed });

/** A graph from `{ task: [dependencies] }`. */
function graphOf(edges: Readonly<Record<string, readonly string[]>>): Graph {
  const tasks = Object.entries(edges).map(([id, dependencies]) => ({ id, dependencies, timeoutMs: 0 }));
  return compileGraph({ name: "w", description: "", tags: {}, tasks });
}

/** The view that each task leaves behind when its patch is as given. */
function outputs(graph: Graph, input: ContextText, patches: Readonly<Record<string, Patch>>): View[] {
  const views: View[] = [];
  for (const index of graph.topological) {
    const task = graph.tasks[index];
    if (!task) throw new Error("no such task");
    const before =
      task.dependencies.length === 0
        ? inputView(input)
        : foldViews(
            graph,
            task.dependencies.map((dependency) => ({ task: dependency, view: viewAt(views, dependency) })),
          );
    views[index] = applyPatch(before, patches[task.id] ?? null, index);
  }
  return views;
}

function viewAt(views: readonly View[], index: number): View {
  const view = views[index];
  if (!view) throw new Error(`no view of task ${index}`);
  return view;
}

/** What task `id` leaves behind. */
function textOf(
  graph: Graph,
  id: string,
  input: ContextText,
  patches: Readonly<Record<string, Patch>>,
): Record<string, string> {
  return viewToText(viewAt(outputs(graph, input, patches), graph.indexOf.get(id) ?? -1));
}

const DIAMOND = { start: [], left: ["start"], right: ["start"], end: ["left", "right"] };

describe("merging", () => {
  it("lets the later dependency win a conflict", () => {
    const patches = { left: set({ k: "1" }), right: set({ k: "2" }) };
    expect(textOf(graphOf(DIAMOND), "end", {}, patches)).toEqual({ k: "2" });
    expect(textOf(graphOf({ ...DIAMOND, end: ["right", "left"] }), "end", {}, patches)).toEqual({ k: "1" });
  });

  it("never overrides a change with a key that a branch left alone", () => {
    const graph = graphOf(DIAMOND);
    expect(textOf(graph, "end", { k: "0" }, { left: set({ k: "1" }) })).toEqual({ k: "1" });
    expect(textOf(graph, "end", {}, { start: set({ k: "0" }), left: set({ k: "1" }) })).toEqual({ k: "1" });
  });

  it("does not count a key that is set to what it is", () => {
    const patches = { start: set({ k: "0" }), left: set({ k: "1" }), right: set({ k: "0" }) };
    expect(textOf(graphOf(DIAMOND), "end", {}, patches)).toEqual({ k: "1" });
  });

  it("keeps a removed key removed, unless a later branch wrote it", () => {
    const graph = graphOf(DIAMOND);
    expect(textOf(graph, "end", { k: "0" }, { left: remove("k") })).toEqual({});
    expect(textOf(graph, "end", { k: "0" }, { right: remove("k") })).toEqual({});
    expect(textOf(graph, "end", { k: "0" }, { left: remove("k"), right: set({ k: "1" }) })).toEqual({ k: "1" });
    expect(textOf(graph, "end", { k: "0" }, { left: set({ k: "1" }), right: remove("k") })).toEqual({});
    expect(textOf(graph, "end", { k: "0" }, { left: remove("k"), end: set({ k: "0" }) })).toEqual({ k: "0" });
  });

  it("does not count the removal of a key that is not there", () => {
    expect(textOf(graphOf(DIAMOND), "end", {}, { left: set({ k: "1" }), right: remove("k") })).toEqual({ k: "1" });
  });

  it("does not open a resolved conflict again", () => {
    const edges = { a: [], b: [], resolved: ["b", "a"], end: ["resolved", "b"] };
    const patches = { a: set({ k: "1" }), b: set({ k: "2" }) };
    expect(textOf(graphOf(edges), "end", {}, patches)).toEqual({ k: "1" });
    expect(textOf(graphOf({ ...edges, end: ["b", "resolved"] }), "end", {}, patches)).toEqual({ k: "1" });
    expect(textOf(graphOf(edges), "end", {}, { ...patches, resolved: remove("k") })).toEqual({});
  });

  it("lets a task that redoes a key win over its own ancestor, in both orders", () => {
    const patches = { a: set({ k: "1" }), b: set({ k: "2" }) };
    for (const end of [
      ["a", "b"],
      ["b", "a"],
    ]) {
      expect(textOf(graphOf({ a: [], b: ["a"], end }), "end", {}, patches)).toEqual({ k: "2" });
    }
  });

  it("shares structure", () => {
    const graph = graphOf({ ...DIAMOND, next: ["end"] });
    const input = { k: "0" };
    const views = outputs(graph, input, { start: set({ k: "0" }), left: remove("x") });
    expect(new Set([inputView(input), ...views]).size).toBe(1);
    const start = inputView({ a: "1" });
    expect(applyPatch(start, null, 0)).toBe(start);
    expect(applyPatch(start, set({ a: "1" }, "b"), 0)).toBe(start);
    expect(foldViews(graph, [{ task: 1, view: start }])).toBe(start);
  });

  it("records the writer and the bytes", () => {
    const view = inputView({ ö: '"🙂"', b: "1" });
    expect(view.bytes).toBe(2 + 6 + 16 + 1 + 1 + 16);
    expect(view.entries.get("b")).toEqual({ value: "1", writer: INPUT_WRITER, bytes: 2 + 16 });
    const after = applyPatch(view, set({ c: "22" }, "ö"), 3);
    expect(after.bytes).toBe(2 + 3 + 2 * 16);
    expect(after.entries.get("ö")).toEqual({ value: null, writer: 3, bytes: 0 });
  });

  it("takes what JavaScript finds in every object for keys like any other", () => {
    const input = { constructor: "1", toString: "2" };
    const graph = graphOf(DIAMOND);
    expect(textOf(graph, "end", input, {})).toEqual(input);
    const patch = combinePatches(set(input), remove("toString"));
    expect(Object.entries(patch.set)).toEqual([["constructor", "1"]]);
    expect(Object.entries(textOf(graph, "end", { toString: "3" }, { left: patch }))).toEqual([["constructor", "1"]]);
    expect(textOf(graph, "end", input, { left: remove("constructor") })).toEqual({ toString: "2" });
  });

  it("folds the leaves in declared order into the final context", () => {
    const graph = graphOf({ a: [], b: [], c: ["a"] });
    const views = outputs(graph, {}, { b: set({ k: "b" }), c: set({ k: "c", l: "c" }) });
    const leaves = graph.leaves.map((task) => ({ task, view: viewAt(views, task) }));
    expect(viewToText(finalContext(graph, leaves))).toEqual({ k: "c", l: "c" });
    expect(viewToText(finalContext(graph, leaves.reverse()))).toEqual({ k: "c", l: "c" });
  });
});

describe("combinePatches", () => {
  it("does what both do, one after the other", () => {
    expect(combinePatches(null, set({ a: "1" }, "b"))).toEqual(set({ a: "1" }, "b"));
    expect(combinePatches(set({ a: "1", b: "2" }, "c", "d"), set({ b: "3", c: "4" }, "a", "d"))).toEqual(
      set({ b: "3", c: "4" }, "d", "a"),
    );
  });

  it("equals applying both in turn, for the context", () => {
    fc.assert(
      fc.property(contexts, patches, patches, (input, first, second) => {
        const start = inputView(input);
        const both = applyPatch(start, combinePatches(first, second), 0);
        const inTurn = applyPatch(applyPatch(start, first, 0), second, 0);
        expect(viewToText(both)).toEqual(viewToText(inTurn));
        expect(both.bytes).toBe(inTurn.bytes);
      }),
    );
  });
});

const KEYS = ["a", "b", "c", "constructor"];
const contexts = fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom("0", "1", '"ö"'));
const patches = fc
  .record({ set: contexts, removed: fc.subarray(KEYS) })
  .map((patch): Patch => ({ set: patch.set, removed: patch.removed.filter((key) => !Object.hasOwn(patch.set, key)) }));

/** A graph of 1 to 8 tasks with dependencies in any order, an input, and a patch or none for each task. */
const runs = fc
  .record({
    size: fc.integer({ min: 1, max: 8 }),
    edges: fc.array(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { maxLength: 4 }), { minLength: 8, maxLength: 8 }),
    input: contexts,
    patches: fc.array(fc.option(patches), { minLength: 8, maxLength: 8 }),
  })
  .map(({ size, edges, input, patches: all }) => {
    const graph = graphOf(
      Object.fromEntries(
        Array.from({ length: size }, (_, i) => [`t${i}`, (edges[i] ?? []).filter((d) => d < i).map((d) => `t${d}`)]),
      ),
    );
    const byId: Record<string, Patch> = {};
    all.slice(0, size).forEach((patch, i) => {
      if (patch) byId[`t${i}`] = patch;
    });
    return { graph, input, patches: byId };
  });

describe("merging, for any run", () => {
  it("does what the rule says, read literally", () => {
    fc.assert(
      fc.property(runs, ({ graph, input, patches: all }) => {
        const views = outputs(graph, input, all);
        const expected = oracle(graph, input, all);
        graph.tasks.forEach(({ index }) => {
          const view = viewAt(views, index);
          const entries = new Map(
            [...view.entries.entries()].map(([key, { value, writer }]) => [key, { value, writer }]),
          );
          expect(entries).toEqual(expected[index]);
          expect(view.bytes).toBe(contextBytes(viewToText(view)));
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it("shows every task the only change of a key that is upstream of it", () => {
    fc.assert(
      fc.property(runs, fc.nat(), ({ graph, patches: all }, pick) => {
        const writer = pick % graph.tasks.length;
        // All other tasks leave the key alone.
        const patched: Record<string, Patch> = { ...all, [`t${writer}`]: set({ only: "new" }) };
        const views = outputs(graph, { only: "old" }, patched);
        const above = upstream(graph);
        graph.tasks.forEach(({ index }) => {
          const sees = index === writer || above[index]?.has(writer);
          expect(viewToText(viewAt(views, index))["only"]).toBe(sees ? "new" : "old");
        });
      }),
    );
  });

  it("keeps what a task settled, for all who depend on it and only on what is upstream of it", () => {
    fc.assert(
      fc.property(runs, fc.nat(), fc.nat(), ({ graph, input, patches: all }, pick, place) => {
        const settler = pick % graph.tasks.length;
        const others = [...(upstream(graph)[settler] ?? [])];
        const dependencies = others.map((other) => `t${other}`);
        dependencies.splice(place % (dependencies.length + 1), 0, `t${settler}`);
        const edges = Object.fromEntries(graph.definition.tasks.map(({ id, dependencies: own }) => [id, own]));
        const extended = graphOf({ ...edges, last: dependencies });
        const patched = { ...all, [`t${settler}`]: set({ a: '"settled"' }, "b") };
        const text = textOf(extended, "last", { ...input, b: "9" }, patched);
        expect(text["a"]).toBe('"settled"');
      }),
    );
  });
});

describe("merging at size", () => {
  const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `t${i}`);

  it("walks a chain of 10,000 tasks that set the same key, or each its own", () => {
    const graph = graphOf(Object.fromEntries(ids(10_000).map((id, i) => [id, i === 0 ? [] : [`t${i - 1}`]])));
    const same = outputs(graph, {}, Object.fromEntries(ids(10_000).map((id, i) => [id, set({ k: `${i}` })])));
    expect(viewToText(viewAt(same, 9_999))).toEqual({ k: "9999" });
    const own = outputs(graph, {}, Object.fromEntries(ids(10_000).map((id) => [id, set({ [id]: "1" })])));
    expect(viewAt(own, 9_999).bytes).toBe(ids(10_000).join("").length + 10_000 * (1 + 16));
    expect(viewToText(viewAt(own, 99))).toEqual(Object.fromEntries(ids(100).map((id) => [id, "1"])));
  });

  it("folds 10,000 branches of 10 keys, one of them in conflict", () => {
    const edges = Object.fromEntries([
      ["start", []],
      ...ids(10_000).map((id) => [id, ["start"]] as const),
      ["end", ids(10_000)],
    ]);
    const graph = graphOf(edges);
    const input = Object.fromEntries(ids(8).map((id) => [id, "0"]));
    const patched = Object.fromEntries(ids(10_000).map((id) => [id, set({ last: `"${id}"`, [`own_${id}`]: "1" })]));
    const text = textOf(graph, "end", input, patched);
    expect(Object.keys(text)).toHaveLength(8 + 1 + 10_000);
    expect(text["last"]).toBe('"t9999"');
  });

  it("folds 10,000 branches of a large context at the cost of what they changed", () => {
    const edges = Object.fromEntries([
      ["start", []],
      ...ids(10_000).map((id) => [id, ["start"]] as const),
      ["end", ids(10_000)],
    ]);
    const input = Object.fromEntries(ids(15_000).map((id) => [`in_${id}`, "0"]));
    const patched = Object.fromEntries(ids(10_000).map((id) => [id, set({ [`in_${id}`]: "1" })]));
    const text = textOf(graphOf(edges), "end", input, patched);
    expect(Object.values(text).filter((value) => value === "1")).toHaveLength(10_000);
    expect(Object.keys(text)).toHaveLength(15_000);
  });

  it("folds a ladder of 3,000 conflicts", () => {
    const edges: Record<string, string[]> = { top0: [] };
    for (let i = 0; i < 3_000; i++) {
      edges[`a${i}`] = [`top${i}`];
      edges[`b${i}`] = [`top${i}`];
      edges[`top${i + 1}`] = [`b${i}`, `a${i}`];
    }
    const patched = Object.fromEntries(Object.keys(edges).map((id) => [id, set({ k: `"${id}"` })]));
    expect(textOf(graphOf(edges), "top3000", {}, { ...patched, top3000: set({}) })).toEqual({ k: '"a2999"' });
  });
});

interface PlainEntry {
  readonly value: string | null;
  readonly writer: number;
}

/** The rule as the design states it, without any cleverness. */
function oracle(graph: Graph, input: ContextText, all: Readonly<Record<string, Patch>>): Map<string, PlainEntry>[] {
  const above = upstream(graph);
  const views: Map<string, PlainEntry>[] = [];
  graph.tasks.forEach(({ id, index, dependencies }) => {
    const view = new Map<string, PlainEntry>();
    if (dependencies.length === 0)
      for (const [key, value] of Object.entries(input)) view.set(key, { value, writer: -1 });
    dependencies.forEach((dependency, position) => {
      const earlier = dependencies.slice(0, position);
      for (const [key, entry] of views[dependency] ?? []) {
        const decided =
          (entry.writer === -1 && position > 0) ||
          earlier.some((other) => other === entry.writer || above[other]?.has(entry.writer));
        if (!decided) view.set(key, entry);
      }
    });
    const patch = all[id];
    for (const key of patch?.removed ?? [])
      if ((view.get(key)?.value ?? null) !== null) view.set(key, { value: null, writer: index });
    for (const [key, value] of Object.entries(patch?.set ?? {})) {
      if (view.get(key)?.value !== value) view.set(key, { value, writer: index });
    }
    views.push(view);
  });
  return views;
}

/** The ancestors of each task, whose dependencies all come before it in declared order. */
function upstream(graph: Graph): Set<number>[] {
  const above: Set<number>[] = [];
  for (const { dependencies } of graph.tasks)
    above.push(new Set(dependencies.flatMap((d) => [d, ...(above[d] ?? [])])));
  return above;
}
