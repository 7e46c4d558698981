import { describe, expect, it } from "vitest";

import { contextKeyProblem, DEFAULT_NAMESPACE, NAME_PATTERN, nameProblem } from "./names.js";

describe("nameProblem", () => {
  it.each(["a", "_", "fetch_data", "Etl.load-2", "__proto__", `a${"b".repeat(127)}`, DEFAULT_NAMESPACE])(
    "allows %s",
    (name) => {
      expect(nameProblem(name)).toBeNull();
      expect(name).toMatch(NAME_PATTERN);
    },
  );

  it.each([
    ["", "is empty; a name starts with a letter or _"],
    ["1st", '"1st" starts with "1"; a name starts with'],
    ["a b", '"a b" contains " "; a name starts with'],
    ["a\n", '"a\\n" contains "\\n"'],
    ["größe", '"größe" contains "ö"'],
    ["🙂x", '"🙂x" starts with "🙂"'],
    ["a🙂", '"a🙂" contains "🙂"'],
    ["a".repeat(129), "is 129 long"],
  ])("refuses %j and says what is wrong", (name, message) => {
    expect(nameProblem(name)).toContain(message);
    expect(name).not.toMatch(NAME_PATTERN);
  });

  it("does not repeat a huge name", () => {
    expect(nameProblem("x".repeat(1_000_000))?.length).toBeLessThan(400);
  });
});

describe("contextKeyProblem", () => {
  it.each(["a", " ", "größe 🙂", "__proto", "constructor", "x".repeat(256)])("allows %j", (key) => {
    expect(contextKeyProblem(key)).toBeNull();
  });

  it.each([
    ["", "the key is empty"],
    ["x".repeat(257), "the key is 257 UTF-16 units long"],
    ["a\ud800", "lone surrogate"],
    ["\udc00b", "lone surrogate"],
    ["__proto__", 'the key "__proto__" is reserved'],
  ])("refuses %j", (key, message) => {
    expect(contextKeyProblem(key)).toContain(message);
  });
});
