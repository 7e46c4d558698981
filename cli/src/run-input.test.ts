import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runInput } from "./run-input.js";

describe("the input of a run", () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-input-"));
    file = join(folder, "input.json");
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it("takes what reads as JSON for JSON, and all else for text", () => {
    const context = { n: "3", list: "[1,2]", text: "world", day: "2026-11-24", quoted: '"3"', empty: "", no: "null" };
    expect(runInput({ context })).toEqual({
      n: 3,
      list: [1, 2],
      text: "world",
      day: "2026-11-24",
      quoted: "3",
      empty: "",
      no: null,
    });
  });

  it("puts --context over --json-context, and that over the file", () => {
    writeFileSync(file, '{"a": 1, "b": 1, "c": 1}');
    expect(runInput({ input: file, jsonContext: '{"b": 2, "c": 2}', context: { c: "3" } })).toEqual({
      a: 1,
      b: 2,
      c: 3,
    });
  });

  it.each<[string, string, RegExp]>([
    ["what is no JSON", "{a: 1}", /is not JSON/],
    ["a list", "[1]", /is a list; write an object/],
    ["null", "null", /is null; write an object/],
    [
      "a number that JavaScript would change",
      '{"deep": [{"id": 12345678901234567890}]}',
      /12345678901234567890 does not fit.*as a text/,
    ],
    ["a number out of range", '{"n": 1e999}', /1e999 does not fit/],
  ])("refuses %s", (_name, text, message) => {
    writeFileSync(file, text);
    expect(() => runInput({ input: file })).toThrow(message);
    expect(() => runInput({ jsonContext: text })).toThrow(message);
  });

  it("leaves digits in texts alone", () => {
    expect(runInput({ jsonContext: '{"id": "12345678901234567890", "\\"9999999999999999999": 1}' })).toMatchObject({
      id: "12345678901234567890",
    });
  });

  it("names a file that is not there", () => {
    expect(() => runInput({ input: join(folder, "none.json") })).toThrow(/--input: ENOENT.*none\.json/);
  });
});
