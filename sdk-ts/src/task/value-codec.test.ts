import { readFileSync } from "node:fs";
import vm from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ContextValueError } from "../errors/context-errors.js";
import { decodeValue, encodeValue, MAX_VALUE_DEPTH } from "./value-codec.js";

interface Fixture {
  readonly texts: readonly {
    readonly name: string;
    readonly text: string;
    readonly canonical?: string;
    readonly unsafe?: boolean;
    readonly invalid?: boolean;
  }[];
}

const fixture: Fixture = JSON.parse(
  readFileSync(new URL("../../../test/fixtures/context-values.json", import.meta.url), "utf8"),
);

function errorOf(run: () => unknown): ContextValueError {
  try {
    run();
  } catch (error) {
    if (error instanceof ContextValueError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("the shared fixture of values", () => {
  const good = fixture.texts.filter(({ unsafe, invalid }) => !unsafe && !invalid);
  const unsafe = fixture.texts.filter((text) => text.unsafe);
  const invalid = fixture.texts.filter((text) => text.invalid);

  it.each(good)("$name: reads, and writes the canonical text", ({ text, canonical = text }) => {
    expect(encodeValue(decodeValue(text, "key"), "key")).toBe(canonical);
    expect(encodeValue(decodeValue(canonical, "key"), "key")).toBe(canonical);
  });

  it.each(unsafe)("$name: is refused, not rounded", ({ text }) => {
    expect(errorOf(() => decodeValue(text, "key"))).toMatchObject({ code: "CONTEXT_NUMBER_UNSAFE", path: "$.key" });
  });

  it.each(invalid)("$name: is refused", ({ text }) => {
    expect(errorOf(() => decodeValue(text, "key")).code).toBe("CONTEXT_VALUE_INVALID");
  });
});

class Point {
  x = 1;
}

const cycle: Record<string, unknown> = {};
cycle["self"] = [cycle];

const withSymbol = { [Symbol("s")]: 1 };
const holes = Object.assign(new Array(3), { 0: 1, 2: 3 });

describe("encodeValue", () => {
  it.each<[string, unknown, string]>([
    ["undefined", undefined, "$.key: is undefined, which JSON does not have; leave the key out, or use null"],
    ["undefined within", { a: [undefined] }, "$.key.a[0]: is undefined"],
    ["NaN", Number.NaN, "$.key: is NaN, which JSON does not have; use null or a string"],
    ["infinity", [1, Number.POSITIVE_INFINITY], "$.key[1]: is Infinity"],
    ["negative infinity", Number.NEGATIVE_INFINITY, "is -Infinity"],
    ["a bigint", 5n, "is the bigint 5n, which JSON does not have; use String(value)"],
    ["a symbol", Symbol("x"), "is a symbol, which JSON does not have"],
    ["a function", () => {}, "is a function, which JSON does not have"],
    ["a class", Point, "is a class, which JSON does not have"],
    ["a Date", { at: new Date() }, "$.key.at: is a Date, which JSON does not have; use value.toISOString()"],
    ["a Map", new Map(), "is a Map, which JSON does not have; use Object.fromEntries(value)"],
    ["a Set", new Set(), "is a Set, which JSON does not have; use [...value]"],
    ["a class instance", new Point(), "is a Point, which JSON does not have; use a plain object with what matters"],
    ["a promise", Promise.resolve(1), "is a Promise, which JSON does not have; await it first"],
    ["an error", new TypeError("x"), "is a TypeError, which JSON does not have; use value.message"],
    ["a typed array", new Uint8Array(2), "is an Uint8Array, which JSON does not have; use Array.from(value)"],
    ["a boxed string", Object("x"), "is a String, which JSON does not have; use the plain string"],
    ["a cycle", cycle, "$.key.self[0]: refers back to an object that contains it"],
    ["a hole", holes, "$.key[1]: is a hole in an array; use null"],
    ["a property of an array", Object.assign([1], { extra: 1 }), 'is an array with the property "extra"'],
    ["a symbol for a key", withSymbol, "has the symbol Symbol(s) for a key"],
    ["a lone surrogate", "a\ud83d", "$.key: the string holds a lone surrogate"],
    ["a lone surrogate in a key", { "\ud83d": 1 }, "the key holds a lone surrogate"],
    ["a key that needs quotes", { "a b": undefined }, '$.key["a b"]: is undefined'],
  ])("refuses %s and says where and what instead", (_name, value, message) => {
    const error = errorOf(() => encodeValue(value, "key"));
    expect(error.code).toBe("CONTEXT_VALUE_INVALID");
    expect(error.message).toContain(message);
  });

  it("takes plain objects of any realm, and those without a prototype", () => {
    expect(encodeValue(vm.runInNewContext("({ a: [1] })"), "key")).toBe('{"a":[1]}');
    expect(encodeValue(Object.assign(Object.create(null), { a: 1 }), "key")).toBe('{"a":1}');
  });

  it("takes the same object twice, where it is no cycle", () => {
    const shared = { a: 1 };
    expect(encodeValue([shared, shared], "key")).toBe('[{"a":1},{"a":1}]');
  });

  it("does not ask toJSON: what a value says of itself could be anything", () => {
    expect(errorOf(() => encodeValue({ a: 1, toJSON: () => 2 }, "key")).path).toBe("$.key.toJSON");
  });

  it("ignores what Object.keys does not list", () => {
    const value = Object.defineProperty({ a: 1 }, "hidden", { value: undefined });
    expect(encodeValue(value, "key")).toBe('{"a":1}');
  });

  it("refuses what is nested too deep, whatever its size", () => {
    const nest = (depth: number): unknown => Array.from({ length: depth }).reduce<unknown>((inner) => [inner], 1);
    expect(encodeValue(nest(MAX_VALUE_DEPTH), "key")).toContain("1");
    expect(errorOf(() => encodeValue(nest(MAX_VALUE_DEPTH + 1), "key")).message).toContain("deeper than 100 levels");
    expect(errorOf(() => encodeValue(nest(100_000), "key")).message).toContain("deeper than 100 levels");
  });

  it("keeps __proto__ a key like any other", () => {
    const value = JSON.parse('{"__proto__":{"polluted":true}}');
    const back = decodeValue(encodeValue(value, "key"), "key");
    expect(Object.keys(Object(back))).toEqual(["__proto__"]);
    expect(Object(back).polluted).toBeUndefined();
  });

  it("brings every JSON value back as it was", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: "binary" }), (value) => {
        const text = encodeValue(value, "key");
        expect(encodeValue(decodeValue(text, "key"), "key")).toBe(text);
        // -0 is 0 in JSON.
        expect(JSON.stringify(decodeValue(text, "key"))).toBe(JSON.stringify(value));
      }),
    );
  });
});

describe("decodeValue", () => {
  it("gives a fresh value each time", () => {
    expect(decodeValue("[1]", "key")).not.toBe(decodeValue("[1]", "key"));
  });

  it("does not repeat a huge number", () => {
    expect(errorOf(() => decodeValue("9".repeat(100_000), "key")).message.length).toBeLessThan(200);
  });

  it("finds the place of half a surrogate pair", () => {
    expect(errorOf(() => decodeValue('{"a":["x","\\ud800"]}', "key")).path).toBe("$.key.a[1]");
  });
});
