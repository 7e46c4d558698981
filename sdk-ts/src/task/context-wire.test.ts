import { describe, expect, it } from "vitest";
import { contextFromWire, contextToWire, isEmptyPatch, patchOf, takePatch } from "./context-wire.js";

describe("contextFromWire", () => {
  it("carries texts that nobody reads as they came", () => {
    const input = { id: "9223372036854775807", spaced: ' { "a" : 1.0 } ', broken: "not JSON at all" };
    const context = contextFromWire(input);
    context.set("n", 1);
    expect(contextToWire(context)).toEqual({ ...input, n: "1" });
    expect(patchOf(context)).toEqual({ set: { n: "1" }, removed: [] });
  });

  it("lays the checkpoint on top of the input, with an empty patch", () => {
    const context = contextFromWire({ a: "1", b: "2" }, { set: { b: "3", c: "4" }, removed: ["a"] });
    expect(contextToWire(context)).toEqual({ b: "3", c: "4" });
    expect(isEmptyPatch(patchOf(context))).toBe(true);
  });

  it("does not touch what it was given", () => {
    const input = Object.freeze({ a: "1" });
    contextFromWire(input).set("b", 1).remove("a");
    expect(input).toEqual({ a: "1" });
  });

  it("reads the key __proto__, should it ever come in, and takes it away", () => {
    const context = contextFromWire(JSON.parse('{"__proto__":"1"}'));
    expect(context.get("__proto__")).toBe(1);
    expect(Object.entries(contextToWire(context))).toEqual([["__proto__", "1"]]);
    expect(patchOf(context.remove("__proto__"))).toEqual({ set: {}, removed: ["__proto__"] });
  });
});

describe("patchOf", () => {
  it("has what was set, also to the same value, and what was removed", () => {
    const context = contextFromWire({ a: "1", b: "2", c: "3" });
    context.set("a", 1).set("d", 4).remove("b").remove("not there").set("e", 5).remove("e");
    expect(patchOf(context)).toEqual({ set: { a: "1", d: "4" }, removed: ["b"] });
  });

  it("has a key once: the last change counts", () => {
    const context = contextFromWire({ a: "1" });
    context.remove("a").set("a", 2);
    expect(patchOf(context)).toEqual({ set: { a: "2" }, removed: [] });
    context.remove("a");
    expect(patchOf(context)).toEqual({ set: {}, removed: ["a"] });
  });
});

describe("takePatch", () => {
  it("starts a new patch; what was taken is part of the input from then on", () => {
    const context = contextFromWire({ a: "1" });
    context.set("b", 2).remove("a");
    expect(takePatch(context)).toEqual({ set: { b: "2" }, removed: ["a"] });
    expect(patchOf(context)).toEqual({ set: {}, removed: [] });
    expect(context.toJSON()).toEqual({ b: 2 });
    // Committed before: now its removal has to be told.
    context.remove("b").set("a", 3);
    expect(takePatch(context)).toEqual({ set: { a: "3" }, removed: ["b"] });
    expect(takePatch(context)).toEqual({ set: {}, removed: [] });
  });
});
