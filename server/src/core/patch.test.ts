import { create, toBinary } from "@bufbuild/protobuf";
import { PatchSchema } from "@cloaca/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Patch } from "./model.js";
import { checkContext, checkPatch, patchBytes, patchDigest } from "./patch.js";

const patch = (set: Record<string, string>, removed: string[] = []): Patch => ({ set, removed });

describe("patchBytes", () => {
  it("counts UTF-8 bytes of keys and values set and keys removed, and 16 for each key", () => {
    expect(patchBytes(patch({}))).toBe(0);
    expect(patchBytes(patch({ a: "1", ö: '"🙂"' }, ["bc", "é"]))).toBe(1 + 1 + 2 + 6 + 2 + 2 + 4 * 16);
  });

  it("is never less than the wire takes: for tiny keys, and for the longest lengths", () => {
    const wire = ({ set, removed }: Patch): number =>
      toBinary(PatchSchema, create(PatchSchema, { set, removed: [...removed] })).length;
    const many = (length: number): string[] => Array.from({ length }, (_, n) => n.toString(36));
    const tiny = patch(Object.fromEntries(many(10_000).map((key) => [key, "1"])), many(10_000));
    const texts = [...Object.entries(tiny.set).flat(), ...tiny.removed].join("").length;
    expect(wire(tiny)).toBeGreaterThan(2 * texts);
    expect(wire(tiny)).toBeLessThanOrEqual(patchBytes(tiny));
    const huge = patch({ ["€".repeat(256)]: `"${"x".repeat(2 ** 21)}"` });
    expect(wire(huge)).toBeLessThanOrEqual(patchBytes(huge));
    const anyPatch = fc.record({ set: fc.dictionary(fc.string(), fc.string()), removed: fc.array(fc.string()) });
    fc.assert(fc.property(anyPatch, (any) => wire(any) <= patchBytes(any)));
  });
});

describe("checkPatch", () => {
  it.each([
    "0",
    "-1.5e10",
    "1E+2",
    "true",
    "false",
    "null",
    '""',
    '"hällo 🙂"',
    '"a\\nb"',
    "[]",
    '{"a":[1,{"b":null}]}',
    " [1] ",
    '"\\ud83d\\ude42"',
    '"\\\\ud800"',
  ])("takes %s", (text) => {
    expect(checkPatch(patch({ key: text }), "complete.patch")).toEqual([]);
  });

  it.each([
    ["hello", 'is hello, which is not JSON; write "hello" if it is text'],
    ["'hello'", "is 'hello', which is not JSON; write \"hello\" if it is text"],
    ["", 'is empty, which is not JSON; an empty text is "" in JSON, nothing is null'],
    ["True", 'is True, which is not JSON; write true, or "True" if it is text'],
    ["None", 'is None, which is not JSON; write null, or "None" if it is text'],
    ["NaN", 'is NaN, which JSON does not have; write null, or "NaN" if it is text'],
    ["-Infinity", 'is -Infinity, which JSON does not have; write null, or "-Infinity" if it is text'],
    ["01", 'is 01, which is not JSON; write "01" if it is text'],
    ["1.", 'is 1., which is not JSON; write "1." if it is text'],
    ["toString", 'is toString, which is not JSON; write "toString" if it is text'],
    ['"a\ud800"', "holds a lone surrogate; JSON is text that UTF-8 can carry"],
    ['"a\\ud800"', "escapes a lone surrogate (\\ud800 to \\udfff without its partner), which UTF-8 cannot carry"],
    ['"\\ude42\\ud83d"', "escapes a lone surrogate (\\ud800 to \\udfff without its partner), which UTF-8 cannot carry"],
    ['["\\\\\\uDC00"]', "escapes a lone surrogate (\\ud800 to \\udfff without its partner), which UTF-8 cannot carry"],
  ])("refuses %j and says what is right", (text, description) => {
    expect(checkPatch(patch({ key: text }), "complete.patch")).toEqual([
      { field: 'complete.patch.set["key"]', description },
    ]);
  });

  it.each(["[1,]", '{"a":1', '"a\nb"', "{a:1}"])("says where the document %j breaks", (text) => {
    expect(checkPatch(patch({ key: text }))[0]?.description).toMatch(/^is not JSON: .+/);
  });

  it("survives a document that is nested deeply", () => {
    expect(checkPatch(patch({ key: "[".repeat(500_000) }))).toHaveLength(1);
  });

  it("agrees with the parser on every text", () => {
    const text = fc.oneof(fc.json(), fc.string(), fc.string({ unit: fc.constantFrom(...'-0123.eE+"\\tnul[]{}:, ') }));
    fc.assert(
      fc.property(text, (value) => {
        expect(checkPatch(patch({ key: value })).length === 0).toBe(isJson(value));
      }),
      { numRuns: 2_000 },
    );
  });

  it("lists all problems at once", () => {
    const set = JSON.parse('{"__proto__":"1","":"1","ok":"2","both":"y"}') as Record<string, string>;
    const problems = checkPatch(patch(set, ["both", "", "fine", "x".repeat(300), "__proto__"]), "p");
    expect(problems.map((problem) => problem.field)).toEqual([
      'p.set["__proto__"]',
      'p.set[""]',
      'p.set["both"]',
      "p.removed[0]",
      "p.removed[1]",
      "p.removed[3]",
      "p.removed[4]",
    ]);
    expect(problems[0]?.description).toContain("is reserved");
    expect(problems[3]?.description).toBe('"both" is set as well, at p.set["both"]; a patch sets a key or removes it');
  });

  it("stops listing when there are very many", () => {
    const set = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, "?"]));
    const problems = checkPatch(patch(set), "p");
    expect(problems).toHaveLength(1_001);
    expect(problems.at(-1)).toEqual({ field: "p", description: "4000 more problems are not listed" });
  });

  it("checks a context in the same way", () => {
    expect(checkContext({ a: "1" }, "context")).toEqual([]);
    expect(checkContext({ a: "one", "": "1" }, "context").map((problem) => problem.field)).toEqual([
      'context["a"]',
      'context[""]',
    ]);
  });
});

describe("patchDigest", () => {
  it("is the same for the same patch, whatever the order", () => {
    expect(patchDigest(patch({ a: "1", b: "2" }, ["x", "y"]))).toBe(
      patchDigest(patch({ b: "2", a: "1" }, ["y", "x", "y"])),
    );
    expect(patchDigest(null)).toBe(patchDigest(patch({})));
  });

  it("never changes, because stores keep it", () => {
    expect(patchDigest(null)).toBe("");
    expect(patchDigest(patch({ b: "2", a: '"x"' }, ["c"]))).toBe('+1:a3:"x"+1:b1:2-1:c');
    expect(patchDigest(patch({ a: `"${"x".repeat(100)}"` }))).toBe("#JgjGeY5RQQXs0Z5uZxtsQzWrE2MAwrbz-ZfYySbV4dU");
  });

  it("tells different patches apart", () => {
    const key = fc.string({ unit: fc.constantFrom("a", "1", ":", "+", "-"), maxLength: 4 });
    const any = fc.record({
      set: fc.dictionary(key, key, { maxKeys: 3 }),
      removed: fc.uniqueArray(key, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(patchDigest(a) === patchDigest(b)).toBe(meaning(a) === meaning(b));
      }),
      { numRuns: 2_000 },
    );
  });
});

function isJson(text: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) !== undefined && !/[\uD800-\uDFFF]/u.test(text);
  } catch {
    return false;
  }
}

function meaning({ set, removed }: Patch): string {
  return JSON.stringify([Object.entries(set).sort(([a], [b]) => (a < b ? -1 : 1)), [...removed].sort()]);
}
