import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ancestors } from "./ancestors.js";

/** Graphs whose tasks depend on earlier ones, as lists of dependencies. */
const graphs = fc
  .array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 40, size: "max" })
  .map((drawn) => drawn.map((from, task) => (task === 0 ? [] : [...new Set(from.map((n) => n % task))])));

/** The slow way. */
function comesBefore(edges: readonly (readonly number[])[], target: number, task: number): boolean {
  return (edges[task] ?? []).some((dependency) => dependency === target || comesBefore(edges, target, dependency));
}

describe("ancestors", () => {
  it("are found through any graph", () => {
    fc.assert(
      fc.property(graphs, fc.nat(), fc.nat(), (edges, a, b) => {
        const [target, task] = [a % edges.length, b % edges.length];
        const ancestors = new Ancestors(edges, [target, target, ...edges.keys()]);
        expect(ancestors.isBefore(target, task)).toBe(comesBefore(edges, target, task));
      }),
    );
  });

  it("are left open after a dependency that is a problem, and in and after a cycle", () => {
    //     0 → 1 (and a problem) → 2;  3 ⇄ 4 → 5;  6
    const edges = [[], [0, -1], [1], [4], [3], [4], []];
    const ancestors = new Ancestors(edges, [0, 6]);
    const answers = edges.map((_, task) => [ancestors.isBefore(0, task), ancestors.isBefore(6, task)]);
    expect(answers).toEqual([
      [false, false],
      [true, null],
      [true, null],
      [null, null],
      [null, null],
      [null, null],
      [false, false],
    ]);
  });
});
