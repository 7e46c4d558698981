/** docs/REFERENCE.md names every test in here, and none that is not there. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const FOLDER = new URL("./", import.meta.url);
const PAGE = readFileSync(new URL("../../docs/REFERENCE.md", FOLDER), "utf8");
const ITSELF = "reference-table.test.ts";

/** `file: name` of each test, in the order of files and of tests. */
function testsThatExist(): string[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(".test.ts") && file !== ITSELF);
  return files.flatMap((file) => {
    const source = readFileSync(new URL(file, FOLDER), "utf8");
    // Names are literals: what is made at run time cannot be looked up by a reader either.
    return [...source.matchAll(/^it\("(.*)", (?:async )?\(\) => \{$/gm)].map(([, name]) => `${file}: ${name}`);
  });
}

/** `file: name` of each row. */
function testsInTheTable(): string[] {
  const rows = PAGE.matchAll(/^\|[^|]*\| \[([\w-]+)\]\(\.\.\/test\/reference\/\1\.test\.ts\): ([^|]+?) *\|[^|]*\|$/gm);
  return [...rows].map(([, file, name]) => `${file}.test.ts: ${name}`);
}

it("every test that the table names exists", () => {
  const existing = new Set(testsThatExist());
  expect(testsInTheTable().filter((test) => !existing.has(test))).toEqual([]);
});

it("every test of the folder is in the table, once", () => {
  expect(testsInTheTable().toSorted()).toEqual(testsThatExist().toSorted());
  expect(testsInTheTable().length).toBeGreaterThan(80);
});

it("every row of the table is one that is understood here", () => {
  const rows = PAGE.split("\n").filter((line) => line.startsWith("| ") && !/^\| (---|the reference says)/.test(line));
  expect(rows).toHaveLength(testsInTheTable().length);
});

it("no test of the folder is declared in a way that this file does not see", () => {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".test.ts"))) {
    const source = readFileSync(new URL(file, FOLDER), "utf8");
    const seen = file === ITSELF ? 4 : testsThatExist().filter((test) => test.startsWith(`${file}: `)).length;
    expect([file, source.match(/^\s*(it|test|describe)\b/gm)?.length ?? 0]).toEqual([file, seen]);
  }
});
