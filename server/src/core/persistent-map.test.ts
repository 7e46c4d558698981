import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { PersistentMap } from "./persistent-map.js";

const key = fc.oneof(
  fc.integer({ min: 0, max: 60 }).map((n) => `k${n}`),
  fc.string({ maxLength: 3 }),
  fc.constant("__proto__"),
);
const entries = fc.array(fc.tuple(key, fc.integer({ min: 0, max: 3 })), { maxLength: 80, size: "max" });

describe("PersistentMap", () => {
  it("is the map of its entries", () => {
    fc.assert(
      fc.property(entries, key, (list, other) => {
        const plain = new Map(list);
        const map = PersistentMap.of(list);
        expect(new Map(map.entries())).toEqual(plain);
        for (const k of [...plain.keys(), other]) expect(map.get(k)).toBe(plain.get(k));
      }),
    );
  });

  it("merges as plain maps do, reports each key once, and changes neither map", () => {
    fc.assert(
      fc.property(entries, entries, (a, b) => {
        const [mine, theirs] = [PersistentMap.of(a), PersistentMap.of(b)];
        const added: string[] = [];
        const both: string[] = [];
        const merged = mine.merge(theirs, {
          added: (_, k) => added.push(k),
          both: (x, y, k) => {
            both.push(k);
            return Math.max(x, y);
          },
        });
        const [plainA, plainB] = [new Map(a), new Map(b)];
        const expected = new Map(plainA);
        for (const [k, v] of plainB) expected.set(k, Math.max(v, plainA.get(k) ?? v));
        expect(new Map(merged.entries())).toEqual(expected);
        for (const k of expected.keys()) expect(merged.get(k)).toBe(expected.get(k));
        expect(added.sort()).toEqual([...plainB.keys()].filter((k) => !plainA.has(k)).sort());
        expect(both.sort()).toEqual(
          [...plainB]
            .filter(([k, v]) => plainA.has(k) && plainA.get(k) !== v)
            .map(([k]) => k)
            .sort(),
        );
        expect(new Map(mine.entries())).toEqual(plainA);
        expect(new Map(theirs.entries())).toEqual(plainB);
      }),
      { numRuns: 500 },
    );
  });

  it("stays the same object when a merge changes nothing", () => {
    const keep = { added: () => undefined, both: (mine: number) => mine };
    for (const size of [0, 1, 16, 17, 500]) {
      const list = Array.from({ length: size }, (_, i) => [`k${i}`, i] as const);
      const map = PersistentMap.of(list);
      expect(map.merge(PersistentMap.of(list), keep)).toBe(map);
      expect(map.merge(PersistentMap.of<number>([]), keep)).toBe(map);
      expect(map.merge(PersistentMap.of(list.map(([k, v]) => [k, v + 1] as const)), keep)).toBe(map);
    }
  });

  it("passes over what two maps share", () => {
    const base = PersistentMap.of(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i] as const));
    const theirs = (_: number, value: number): number => value;
    const added = (): void => undefined;
    const left = base.merge(PersistentMap.of([["k1", -1]]), { added, both: theirs });
    const right = base.merge(PersistentMap.of([["k2", -2]]), { added, both: theirs });
    const asked: string[] = [];
    left.merge(right, {
      added,
      both: (mine, other, k) => {
        asked.push(k);
        return mine === 1 || other === 1 ? mine : other;
      },
    });
    expect(asked).toContain("k2");
    expect(asked.length).toBeLessThanOrEqual(2);
  });

  it("passes over what the other map shares with one that was seen", () => {
    const base = PersistentMap.of(Array.from({ length: 1_000 }, (_, i) => [`k${i}`, i] as const));
    const asked: string[] = [];
    const merging = {
      added: (_: number, k: string) => asked.push(k),
      both: (_: number, value: number, k: string) => {
        asked.push(k);
        return value;
      },
    };
    const other = base.merge(
      PersistentMap.of([
        ["k7", -7],
        ["new", 1],
      ]),
      { added: () => undefined, both: (_, value) => value },
    );
    const mine = PersistentMap.of(Array.from({ length: 1_000 }, (_, i) => [`k${i}`, i + 0.5] as const));
    const merged = mine.merge(other, merging, base);
    expect(asked.sort()).toEqual(["k7", "new"]);
    expect([merged.get("k7"), merged.get("k8"), merged.get("new")]).toEqual([-7, 8.5, 1]);
  });

  it("merges in turn maps that were made from one, with what was seen and without, to the same", () => {
    const keepMore = { added: () => undefined, both: (mine: number, theirs: number) => Math.max(mine, theirs) };
    const replace = { added: () => undefined, both: (_: number, theirs: number) => theirs };
    fc.assert(
      fc.property(entries, fc.array(entries, { maxLength: 5 }), (list, changes) => {
        const base = PersistentMap.of(list);
        const maps = [base, ...changes.map((change) => base.merge(PersistentMap.of(change), replace))];
        let [quick, plain, seen] = [base, base, base];
        for (const map of maps) {
          quick = quick.merge(map, keepMore, seen);
          plain = plain.merge(map, keepMore);
          seen = map;
        }
        expect(new Map(quick.entries())).toEqual(new Map(plain.entries()));
      }),
    );
  });
});
