import { describe, expect, it } from "vitest";
import { cut, type Line, lineColumns, paint, wrap } from "./line.js";
import { columnsOf, fit, oneLine } from "./text.js";

describe("text of anybody", () => {
  it("loses what a terminal would obey, and its line ends", () => {
    expect(oneLine("a\nb\r\nc\td")).toBe("a ⏎ b ⏎ c d");
    expect(oneLine("\x1b]0;title\x07\x1b[31mred\u202e")).toBe("�]0;title��[31mred�");
  });

  it("is measured in columns, and never cut within a character", () => {
    expect(columnsOf("日本")).toBe(4);
    expect(columnsOf("👩‍👩‍👧")).toBe(2);
    expect(fit("日本語", 5)).toBe("日本");
    expect(fit("a👩‍👩‍👧b", 2)).toBe("a");
    expect(fit("é́x", 1)).toBe("é́");
  });
});

describe("a line", () => {
  const line: Line = ["ab", ["cdef", "red"], "gh"];

  it("is cut with an ellipsis, within a span or between two", () => {
    expect(paint(line, 8, false)).toBe("abcdefgh");
    expect(paint(line, 7, false)).toBe("abcdef…");
    expect(paint(line, 5, false)).toBe("abcd…");
    expect(paint(line, 1, false)).toBe("…");
    expect(paint(line, 0, false)).toBe("");
    for (let width = 0; width < 10; width++) expect(lineColumns(cut(line, width))).toBeLessThanOrEqual(width);
  });

  it("has colours only where they are wanted, and none for what is blank", () => {
    expect(paint(line, 80, true)).toBe("ab\x1b[31mcdef\x1b[39mgh");
    expect(paint([["  ", "red"], "x"], 80, true)).toBe("  x");
    expect(paint(line, 80, false)).not.toContain("\x1b");
  });

  it("breaks at words", () => {
    expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
    expect(wrap("incomprehensible yes", 4)).toEqual(["incomprehensible", "yes"]);
    expect(wrap("", 4)).toEqual([""]);
  });
});
