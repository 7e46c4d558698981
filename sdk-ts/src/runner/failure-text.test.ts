import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ErrorRecord } from "../errors/index.js";
import { cutText, failureOf } from "./failure-text.js";

const bytes = (text: string): number => Buffer.byteLength(text);

describe("cutText", () => {
  it.each([
    ["abc", 3, "abc"],
    ["abcd", 3, "…"],
    ["abcde", 4, "a…"],
    ["ééé", 6, "ééé"],
    ["éééé", 7, "éé…"],
    // Half an é does not fit, and no half of it stays.
    ["éééé", 6, "é…"],
    ["😀😀", 8, "😀😀"],
    ["😀😀😀", 8, "😀…"],
    ["abcd", 2, ""],
    ["abcd", 0, ""],
    ["", 0, ""],
  ])("cuts %s to %i bytes: %s", (text, most, cut) => {
    expect(cutText(text, most)).toBe(cut);
  });

  it("never makes more bytes than it may, and cuts nothing that fits", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat(60), (text, most) => {
        const cut = cutText(text, most);
        expect(bytes(cut)).toBeLessThanOrEqual(most);
        if (bytes(text) <= most) expect(cut).toBe(text);
        else expect(text.startsWith(cut.replace(/…$/u, ""))).toBe(true);
      }),
    );
  });
});

describe("failureOf (P10)", () => {
  const record = (message: string, stack: string): ErrorRecord =>
    ErrorRecord.from(Object.assign(new TypeError(message), { stack }));

  it("cuts the stack before the message", () => {
    const failure = failureOf(record("m".repeat(10), "s".repeat(100)), 20);
    expect(failure).toMatchObject({ code: "TASK_FAILED", type: "TypeError", message: "m".repeat(10) });
    expect(bytes(failure.stack)).toBeLessThanOrEqual(10);
    expect(failure.stack).toMatch(/^s+…$/);
    const long = failureOf(record("m".repeat(100), "s".repeat(100)), 20);
    expect([bytes(long.message), long.stack]).toEqual([20, ""]);
  });
});
