import { describe, expect, it } from "vitest";
import { TaskResultInvalidError } from "../errors/task-errors.js";
import { Context } from "./context.js";
import { contextFromWire, takePatch } from "./context-wire.js";
import { resultContext, resultToPatch } from "./result.js";

function running(): Context {
  const context = contextFromWire({ a: "1", b: "2" });
  return context.set("mine", true).remove("b") as Context;
}

function errorOf(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("expected an error");
}

const written = { set: { mine: "true" }, removed: ["b"] };

describe("resultToPatch", () => {
  it.each([undefined, null])("takes what was written when %s was returned", (returned) => {
    expect(resultToPatch(running(), returned)).toEqual(written);
  });

  it("takes what was written when the context was returned", () => {
    const context = running();
    expect(resultToPatch(context, context)).toEqual(written);
  });

  it("sets a plain object on top of what was written", () => {
    const patch = resultToPatch(running(), { b: 5, mine: [1], __proto__x: 1 });
    expect(patch).toEqual({ set: { mine: "[1]", b: "5", __proto__x: "1" }, removed: [] });
  });

  it("sets nothing on top for an empty object", () => {
    expect(resultToPatch(running(), {})).toEqual(written);
  });

  it("takes the difference to another context: its values are all that there is then", () => {
    expect(resultToPatch(running(), new Context({ a: 1, other: 2 }))).toEqual({ set: { other: "2" }, removed: ["b"] });
    expect(resultToPatch(running(), new Context())).toEqual({ set: {}, removed: ["a", "b"] });
  });

  it("sees no difference in other spaces, only in other values", () => {
    const context = contextFromWire({ a: '{ "x": 1.0 }', id: "9223372036854775807" });
    const other = contextFromWire({ a: '{"x":1}', id: "9223372036854775807" });
    expect(resultToPatch(context, other)).toEqual({ set: {}, removed: [] });
    const changed = contextFromWire({ a: '{"x":2}', id: "9223372036854775808" });
    expect(resultToPatch(context, changed).set).toEqual({ a: '{"x":2}', id: "9223372036854775808" });
  });

  it("counts from the last checkpoint", () => {
    const context = running();
    takePatch(context);
    expect(resultToPatch(context, context)).toEqual({ set: {}, removed: [] });
    expect(resultToPatch(context, new Context({ a: 1 }))).toEqual({ set: {}, removed: ["mine"] });
  });

  it.each([
    ["a string", "done", 'the task returned the string "done"; return the context, nothing, or a plain object'],
    ["a number", 1, "the number 1"],
    ["a boolean", true, "the boolean true"],
    ["an array", [1], "an array"],
    ["a Map", new Map(), "a Map"],
    ["a Date", new Date(), "a Date"],
    ["a function", () => {}, "a function"],
    ["a class instance", new (class Report {})(), "a Report"],
    ["an error", new Error("x"), "an Error"],
    ["a promise", Promise.resolve(), "a Promise"],
  ])("refuses %s", (_name, returned, found) => {
    expect(() => resultToPatch(running(), returned)).toThrow(TaskResultInvalidError);
    expect(() => resultToPatch(running(), returned)).toThrow(found);
  });

  it("says where a value of the object is none of JSON", () => {
    expect(() => resultToPatch(running(), { at: { when: new Date() } })).toThrow("$.at.when: is a Date");
  });

  it("lists all that is wrong with the object", () => {
    const key = { path: '$[""]', message: "the key is empty; a context key is a string of 1 to 256 UTF-16 units" };
    const a = { path: "$.a", message: "is NaN, which JSON does not have; use null or a string" };
    const b = { path: "$.b", message: "is undefined, which JSON does not have; leave the key out, or use null" };
    const error = errorOf(() => resultToPatch(running(), { "": 1, a: Number.NaN, ok: 1, b: undefined }));
    expect(error).toMatchObject({ code: "CONTEXT_VALUE_INVALID", path: "$.a", problem: a.message });
    expect(error).toMatchObject({ problems: [key, a, b] });
    expect(error.message).toBe(
      `the context: 3 problems\n- $[""]: ${key.message}\n- $.a: ${a.message}\n- $.b: ${b.message}`,
    );
  });

  it("has the code of a key where only keys are wrong", () => {
    const error = errorOf(() => resultToPatch(running(), { "": 1, ["__proto__"]: 2 }));
    expect(error).toMatchObject({ code: "CONTEXT_KEY_INVALID", key: "" });
    expect(error.message).toMatch(
      /2 problems\n- \$\[""\]: the key is empty.*\n- \$\.__proto__: the key .* is reserved/,
    );
    const only = errorOf(() => resultToPatch(running(), { ["__proto__"]: 2 }));
    expect(only).toMatchObject({ code: "CONTEXT_KEY_INVALID", key: "__proto__" });
  });
});

describe("resultContext", () => {
  it("is what callbacks see; the task's own context stays as it was", () => {
    const context = running();
    expect(resultContext(context, { n: 1 }).toJSON()).toEqual({ a: 1, mine: true, n: 1 });
    expect(context.toJSON()).toEqual({ a: 1, mine: true });
    expect(resultContext(context, new Context({ x: 1 })).toJSON()).toEqual({ x: 1 });
  });
});
