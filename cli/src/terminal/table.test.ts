import { describe, expect, it } from "vitest";
import { lineColumns, paint } from "./line.js";
import { type Column, table } from "./table.js";

interface Row {
  readonly id: string;
  readonly name: string;
  readonly count: number;
  readonly note: string;
}

const COLUMNS: Column<Row>[] = [
  { title: "ID", cell: ({ id }) => id },
  { title: "NAME", cell: ({ name }) => name, shrinksTo: 6 },
  { title: "COUNT", cell: ({ count }) => `${count}`, align: "right", goes: 1 },
  { title: "NOTE", cell: ({ note }) => note, shrinksTo: 4, goes: 2, isOptional: true },
];

const ROWS: Row[] = [
  { id: "r1", name: "a long name", count: 3, note: "a very long note" },
  { id: "r22", name: "日本語の名前", count: 12, note: "" },
];

const at = (width: number, rows = ROWS): string[] => table(COLUMNS, rows, width).map((line) => paint(line, 999, false));

describe("a table", () => {
  it("has all that fits", () => {
    expect(at(Number.POSITIVE_INFINITY)).toEqual([
      "ID   NAME          COUNT  NOTE",
      "r1   a long name       3  a very long note",
      "r22  日本語の名前     12",
    ]);
  });

  it("cuts the widest first, then lets columns go, and never cuts what must stay", () => {
    expect(at(34)).toEqual([
      "ID   NAME        COUNT  NOTE",
      "r1   a long na…      3  a very lo…",
      "r22  日本語の…      12",
    ]);
    expect(at(22)).toEqual(["ID   NAME        COUNT", "r1   a long na…      3", "r22  日本語の…      12"]);
    expect(at(14)).toEqual(["ID   NAME", "r1   a long n…", "r22  日本語の…"]);
    expect(at(3)).toEqual(["ID   NAME", "r1   a lon…", "r22  日本…"]);
  });

  it("is never wider than it may be, as long as there is room for what must stay", () => {
    for (let width = 11; width < 60; width++) {
      for (const line of table(COLUMNS, ROWS, width)) expect(lineColumns(line)).toBeLessThanOrEqual(width);
    }
  });

  it("leaves out an optional column in which nothing stands", () => {
    expect(at(80, [{ id: "r1", name: "n", count: 0, note: "" }])).toEqual(["ID  NAME  COUNT", "r1  n         0"]);
  });
});
