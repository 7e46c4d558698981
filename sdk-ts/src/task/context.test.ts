import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  ContextKeyExistsError,
  ContextKeyInvalidError,
  ContextKeyMissingError,
  ContextValueError,
} from "../errors/context-errors.js";
import { Context } from "./context.js";
import { contextFromWire } from "./context-wire.js";

describe("Context", () => {
  it("gets what was set, and undefined or the default for what is not there", () => {
    const context = new Context({ day: "monday", nothing: null }).set("n", 1);
    expect(context.get("day")).toBe("monday");
    expect(context.get("n")).toBe(1);
    expect(context.get<string>("other")).toBeUndefined();
    expect(context.get("other", 3)).toBe(3);
    expect(context.get("day", "friday")).toBe("monday");
    expect(context.get("nothing", 1)).toBeNull();
  });

  it("gives a fresh copy each time: changing it changes nothing until it is set", () => {
    const context = new Context({ list: [1] });
    context.get("list").push(2);
    expect(context.get("list")).toEqual([1]);
    expect(context.require("list")).not.toBe(context.require("list"));
  });

  it("writes a value down when it is set: later changes of the object have no effect", () => {
    const list = [1];
    const context = new Context().set("list", list);
    list.push(2);
    expect(context.get("list")).toEqual([1]);
  });

  it("returns itself from whatever changes it", () => {
    const context: Context = new Context();
    expect(context.set("a", 1)).toBe(context);
    expect(context.insert("b", 1)).toBe(context);
    expect(context.update("b", 2)).toBe(context);
    expect(context.remove("a")).toBe(context);
    expect(context.toJSON()).toEqual({ b: 2 });
  });

  it("requires: throws with the keys that are there and the nearest", () => {
    const context: Context = new Context({ raw_data: 1, day: "x" });
    const error = errorOf(() => context.require("rawData"));
    expect(error).toBeInstanceOf(ContextKeyMissingError);
    expect(error).toMatchObject({ code: "CONTEXT_KEY_MISSING", key: "rawData", keys: ["raw_data", "day"] });
    expect(String(error)).toBe(
      'ContextKeyMissingError: the context has no key "rawData"; there are "raw_data", "day"; did you mean "raw_data"?',
    );
    expect(String(errorOf(() => new Context().require<string>("x")))).toContain("the context is empty");
  });

  it("inserts only what is not there, updates only what is", () => {
    const context: Context = new Context({ a: 1 });
    expect(errorOf(() => context.insert("a", 2))).toBeInstanceOf(ContextKeyExistsError);
    expect(errorOf(() => context.update("b", 2))).toBeInstanceOf(ContextKeyMissingError);
    expect(context.toJSON()).toEqual({ a: 1 });
    expect(context.remove("a").insert("a", 3).toJSON()).toEqual({ a: 3 });
    expect(errorOf(() => context.remove("a").update("a", 4))).toBeInstanceOf(ContextKeyMissingError);
  });

  it("lists the keys of the input first, then those that were set since", () => {
    const context: Context = new Context({ a: 1, b: 2 });
    context.set("c", 1).remove("a").set("b", 3).set("a", 1);
    expect(context.keys()).toEqual(["a", "b", "c"]);
    expect(context.has("c")).toBe(true);
    expect(context.remove("c").has("c")).toBe(false);
  });

  it("does not change when a value is refused", () => {
    const context: Context = new Context({ a: 1 });
    const error = errorOf(() => context.set("a", { at: [new Map()] as unknown }));
    expect(error).toMatchObject({ code: "CONTEXT_VALUE_INVALID", path: "$.a.at[0]" });
    expect(context.get("a")).toBe(1);
  });

  it.each([
    ["", "the key is empty"],
    ["x".repeat(257), "the key is 257 UTF-16 units long"],
    ["a\ud800", "lone surrogate"],
    [undefined as unknown as string, "the key is undefined"],
    [1 as unknown as string, "the key is number"],
  ])("refuses the key %j", (key, message) => {
    const set = errorOf(() => (new Context() as Context).set(key, 1));
    const insert = errorOf(() => (new Context() as Context).insert(key, 1));
    for (const error of [set, insert]) {
      expect(error).toBeInstanceOf(ContextKeyInvalidError);
      expect(String(error)).toContain(message);
    }
  });

  it("refuses such keys in the constructor, too", () => {
    expect(errorOf(() => new Context({ "": 1 }))).toBeInstanceOf(ContextKeyInvalidError);
  });

  it("lists in the constructor all values that are none of JSON", () => {
    const error = errorOf(() => new Context({ a: Number.NaN, ok: 1, b: { at: new Date() } }));
    expect(error).toMatchObject({ code: "CONTEXT_VALUE_INVALID", problems: [{ path: "$.a" }, { path: "$.b.at" }] });
  });

  it("takes the longest key, and any text for a key", () => {
    const context: Context = new Context();
    for (const key of ["x".repeat(256), " ", "größe 🙂", "constructor", "toString"]) {
      expect(context.has(key)).toBe(false);
      expect(context.set(key, key).get(key)).toBe(key);
    }
  });

  it.each<[string, (context: Context) => unknown]>([
    ["set", (context) => context.set("__proto__", 1)],
    ["insert", (context) => context.insert("__proto__", 1)],
    ["fromJSON", () => Context.fromJSON('{"__proto__":1}')],
  ])("refuses the key __proto__, which would be lost on the way: %s", (_name, use) => {
    const context: Context = new Context();
    const error = errorOf(() => use(context));
    expect(error).toBeInstanceOf(ContextKeyInvalidError);
    expect(error).toMatchObject({ code: "CONTEXT_KEY_INVALID", key: "__proto__" });
    expect(context.has("__proto__")).toBe(false);
    expect(context.remove("__proto__").keys()).toEqual([]);
  });

  it("keeps __proto__ within a value a key like any other", () => {
    const value: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
    const context = new Context({ value });
    expect(Object.keys(Object(context.get("value")))).toEqual(["__proto__"]);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  it("goes to JSON and back", () => {
    const context = new Context({ a: [1, { b: null }] });
    expect(JSON.stringify(context)).toBe('{"a":[1,{"b":null}]}');
    expect(Context.fromJSON(JSON.stringify(context)).toJSON()).toEqual(context.toJSON());
    expect(Context.fromJSON(context.toJSON()).get("a")).toEqual([1, { b: null }]);
  });

  it.each([
    ["[1]", "an array"],
    ["1", "the number 1"],
    ["null", "null"],
  ])("reads no context from %s", (json, found) => {
    const error = errorOf(() => Context.fromJSON(json));
    expect(error).toBeInstanceOf(ContextValueError);
    expect(String(error)).toContain(`is ${found}; a context is an object`);
  });

  it("says where in the values of the constructor one is refused", () => {
    expect(errorOf(() => new Context({ a: { b: Number.NaN } }))).toMatchObject({ path: "$.a.b" });
  });

  it("refuses an unsafe number only when somebody reads it", () => {
    const context = contextFromWire({ id: "9223372036854775807", name: '"x"' });
    expect(context.get("name")).toBe("x");
    expect(errorOf(() => context.get("id"))).toMatchObject({ code: "CONTEXT_NUMBER_UNSAFE", path: "$.id" });
    expect(errorOf(() => context.get("id", 1))).toMatchObject({ code: "CONTEXT_NUMBER_UNSAFE" });
    expect(errorOf(() => context.toJSON())).toMatchObject({ code: "CONTEXT_NUMBER_UNSAFE" });
  });

  it("shows its values to console.log", () => {
    expect(inspect(new Context({ a: [1] }).set("b", "x"))).toBe('Context { "a": [1], "b": "x" }');
    expect(inspect(new Context())).toBe("Context {}");
  });
});

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
