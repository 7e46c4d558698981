import { describe, expect, it } from "vitest";

import { CloacaError, ERROR_CODES } from "./errors.js";

describe("CloacaError", () => {
  it("carries code, problems, retry delay and cause", () => {
    const cause = new Error("disk full");
    const problems = [{ field: "name", description: "is empty" }];
    const error = new CloacaError("STORE_UNAVAILABLE", "could not commit", { problems, retryAfterMs: 500, cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "CloacaError",
      code: "STORE_UNAVAILABLE",
      message: "could not commit",
      problems,
      retryAfterMs: 500,
      cause,
    });
  });

  it("has no problems, retry delay or cause unless told", () => {
    const error = new CloacaError("RUN_NOT_FOUND", "no run");
    expect(error.problems).toEqual([]);
    expect(error.retryAfterMs).toBeUndefined();
    expect("cause" in error).toBe(false);
  });

  it("lists problems in its message, and only the first of very many", () => {
    const one = CloacaError.fromProblems("DEFINITION_INVALID", 'workflow "etl"', [
      { field: "name", description: "is empty" },
    ]);
    expect(one.message).toBe('workflow "etl": name: is empty');
    const many = Array.from({ length: 12 }, (_, i) => ({ field: `tasks[${i}].id`, description: "is empty" }));
    const error = CloacaError.fromProblems("DEFINITION_INVALID", 'workflow "etl"', many);
    expect(error.problems).toHaveLength(12);
    expect(error.message.split("\n")).toHaveLength(12);
    expect(error.message).toMatch(/^workflow "etl": 12 problems\n- tasks\[0\]\.id: is empty\n[\s\S]*\n- and 2 more$/);
  });

  it("recognises the instances of another copy of the package by their brand", () => {
    const foreign = Object.assign(new Error("x"), { [Symbol.for("@cloaca/server/CloacaError")]: true });
    expect(foreign).toBeInstanceOf(CloacaError);
    for (const other of [new Error("x"), null, undefined, "x", {}]) expect(other instanceof CloacaError).toBe(false);
  });

  it("leaves subclasses their ordinary meaning", () => {
    class Special extends CloacaError {}
    expect(new Special("INTERNAL", "x")).toBeInstanceOf(Special);
    expect(new Special("INTERNAL", "x")).toBeInstanceOf(CloacaError);
    expect(new CloacaError("INTERNAL", "x")).not.toBeInstanceOf(Special);
  });

  it("is the one door for what was thrown", () => {
    const own = new CloacaError("LEASE_STALE", "x");
    expect(CloacaError.from(own)).toBe(own);
    const plain = new TypeError("boom");
    expect(CloacaError.from(plain)).toMatchObject({ code: "INTERNAL", message: "boom", cause: plain });
    expect(CloacaError.from("boom").message).toBe("boom");
    expect(CloacaError.from({ a: 1 }).message).toBe('thrown: {"a":1}');
    expect(CloacaError.from(undefined)).toMatchObject({ code: "INTERNAL", message: "thrown: undefined" });
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    expect(CloacaError.from(cycle).message).toBe("thrown: [object Object]");
  });

  it("has a sentence for every code", () => {
    for (const [code, { doc }] of Object.entries(ERROR_CODES)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(doc, code).toMatch(/^[A-Z].*\.$/);
    }
  });
});
