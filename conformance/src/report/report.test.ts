import { expect, it } from "vitest";
import type { CaseResult } from "../run-cases.js";
import { junit } from "./junit.js";
import { line, matrix, summary } from "./table.js";

const result = (name: string, failure: string | null = null): CaseResult => ({
  name,
  group: "basic",
  rules: ["P1.1", "C.1"],
  title: "does it",
  ms: 12,
  failure,
});

const RESULTS = [
  result("good"),
  result("bad", 'expected <1>,\nfound "2"\u0001'),
  result("old", "known"),
  result("mended"),
];
const KNOWN = new Set(["old", "mended"]);

it("counts what is known to fail apart, and what passes against its listing as a failure", () => {
  expect(summary(RESULTS, KNOWN)).toBe("1 passed, 2 failed, 1 known to fail");
  expect(summary([result("good")], new Set())).toBe("1 passed, 0 failed");
});

it("tells of each case its rules, and why it failed", () => {
  expect(line(result("good"), KNOWN)).toBe(
    "ok     basic     good                     P1.1 C.1             12 ms  does it",
  );
  expect(line(result("bad", "one\ntwo"), KNOWN)).toMatch(/^FAILED .*\n {9}one\n {9}two$/);
  expect(line(result("old", "known"), KNOWN)).toMatch(/^known /);
  expect(line(result("mended"), KNOWN)).toMatch(/^MENDED .*\n {9}it passes now/);
});

it("puts hosts side by side, with a dash where a case is not theirs", () => {
  const tested = [
    { name: "typescript", results: [result("good"), result("bad", "no")] },
    { name: "go", results: [result("good")] },
  ];
  expect(matrix(tested, new Set()).split("\n")).toEqual([
    "                typescript  go    ",
    "basic     good  ok          ok",
    "basic     bad   FAILED      -",
  ]);
});

it("writes JUnit's XML", () => {
  const text = junit([{ name: "a & b", results: RESULTS }], KNOWN);
  expect(text).toContain('<testsuite name="a &amp; b" tests="4" failures="2" skipped="1">');
  expect(text).toContain('<testcase classname="basic" name="good (P1.1, C.1)" time="0.012"/>');
  expect(text).toContain('<failure message="expected &lt;1&gt;,&#10;found &quot;2&quot;"/>');
  expect(text).toContain('<skipped message="known"/>');
});
