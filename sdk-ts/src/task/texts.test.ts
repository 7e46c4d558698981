// What messages are made of.
import vm from "node:vm";
import { describe, expect, it } from "vitest";
import { didYouMean, nearest } from "../errors/nearest.js";
import { quote } from "../errors/quote.js";
import { describeValue, isPlainObject } from "./describe-value.js";
import { contextKeyProblem, nameProblem } from "./names.js";
import { valuePath } from "./value-path.js";

describe("nearest", () => {
  it.each([
    ["fetch_dta", ["load", "fetch_data"], "fetch_data"],
    ["fetchData", ["fetch_data", "fetch_dato"], "fetch_data"],
    ["timeoutMS", ["timeoutMs"], "timeoutMs"],
    ["dependancies", ["dependencies", "id"], "dependencies"],
    ["ab", ["ba"], undefined],
    ["xyz", ["load"], undefined],
    ["handel", ["handle"], "handle"],
    ["", ["a"], undefined],
    ["expo", ["fixed", "linear", "exponential"], "exponential"],
    ["expo", ["exponential", "exposed"], undefined],
    ["ex", ["exponential"], undefined],
  ])("of %j in %j is %j", (word, candidates, expected) => {
    expect(nearest(word, candidates)).toBe(expected);
  });

  it("ends a message", () => {
    expect(didYouMean("load")).toBe('; did you mean "load"?');
    expect(didYouMean(undefined)).toBe("");
  });
});

describe("nameProblem", () => {
  it.each(["a", "_", "fetch_data", "Etl.load-2", "__proto__", `a${"b".repeat(127)}`])("allows %s", (name) => {
    expect(nameProblem(name)).toBeNull();
  });

  it.each([
    ["", "is empty"],
    ["1st", '"1st" starts with "1"'],
    ["a b", '"a b" contains " "'],
    ["a\n", '"a\\n" contains "\\n"'],
    ["🙂", 'starts with "🙂"'],
    ["a".repeat(129), "is 129 long"],
    [undefined, "is undefined, not a string"],
    [null, "is null, not a string"],
  ])("refuses %j", (name, message) => {
    expect(nameProblem(name)).toContain(message);
  });
});

describe("contextKeyProblem", () => {
  it("counts UTF-16 units", () => {
    expect(contextKeyProblem("🙂".repeat(128))).toBeNull();
    expect(contextKeyProblem(`${"🙂".repeat(128)}x`)).toContain("257 UTF-16 units");
  });

  it("reserves one name", () => {
    expect(contextKeyProblem("__proto__")).toBe(
      'the key "__proto__" is reserved: objects in JavaScript lose it; use another name',
    );
    for (const key of ["__proto", "__proto___", "constructor", "prototype"]) expect(contextKeyProblem(key)).toBeNull();
  });
});

describe("describeValue", () => {
  it.each<[unknown, string]>([
    ["x".repeat(1000), `the string "${"x".repeat(80)}…"`],
    [1n, "the bigint 1n"],
    [Object.create({ constructor: { name: "" } }), "an instance of a class"],
    [Object.create(null), "an object"],
    [new Error("x"), "an Error"],
    [class {}, "a class"],
    [null, "null"],
  ])("%#", (value, expected) => {
    expect(describeValue(value)).toBe(expected);
  });
});

describe("isPlainObject", () => {
  it("is what braces make, in any realm", () => {
    expect([{}, Object.create(null), vm.runInNewContext("({})")].map(isPlainObject)).toEqual([true, true, true]);
    const none = [[], new Date(), new (class {})(), Object.create({}), vm.runInNewContext("[]"), null, "x"];
    expect(none.map(isPlainObject)).toEqual(none.map(() => false));
  });
});

describe("quote and valuePath", () => {
  it("cut and escape", () => {
    expect(quote('a"b\n')).toBe('"a\\"b\\n"');
    expect(valuePath(["a", 1, "b c", "ü"])).toBe('$.a[1]["b c"]["ü"]');
    expect(valuePath([])).toBe("$");
  });
});
