/** docs/PROTOCOL.md and the cases agree: each MUST has a case that cites it, and each case cites rules that are there. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { SCHEDULER_CASES } from "../scheduler/run-scheduler-cases.js";
import { upTo } from "./case.js";
import { CONTEXT_TEXTS } from "./context-texts.js";
import { HOST_CASES } from "./index.js";

const file = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

/** Numbers of the rules of hosts, with their levels. */
const RULES = [...file("docs/PROTOCOL.md").matchAll(/^- \*\*([A-Z]\d*\.\d+)\*\* \((\w+)\) (.*)$/gm)].map(
  ([, number = "", level = "", text = ""]) => ({ number, level, text }),
);

it("each rule says MUST, once and under one number", () => {
  expect(RULES.length).toBeGreaterThan(50);
  expect(new Set(RULES.map(({ number }) => number)).size).toBe(RULES.length);
  expect(RULES.filter(({ text }) => !/\bMUST\b/.test(text))).toEqual([]);
});

it("no MUST stands without a number", () => {
  const others = file("docs/PROTOCOL.md")
    .split("\n")
    .filter((line) => /\bMUST\b/.test(line) && !/^- \*\*[A-Z]\d*\.S?\d+\*\* /.test(line));
  expect(others).toEqual([expect.stringMatching(/^MUST and SHOULD mean/)]);
});

it("each rule of hosts has a case that cites it, at its level or a higher one", () => {
  const uncited = RULES.filter(({ number }) => !HOST_CASES.some(({ rules }) => rules.includes(number)));
  expect(uncited).toEqual([]);
});

it("each rule of schedulers has a case that cites it, and no case cites another", () => {
  const numbers = [...file("docs/PROTOCOL.md").matchAll(/^- \*\*(P\d+\.S\d+)\*\* .*\bMUST\b/gm)].map(
    ([, number]) => number,
  );
  const cited = SCHEDULER_CASES.flatMap(({ rules }) => rules);
  expect(numbers.length).toBeGreaterThan(15);
  expect([...new Set(cited)].sort()).toEqual(numbers.sort());
});

it("no case asks more than its level does", () => {
  const order = ["basic", "deferral", "resume", "drain"];
  const known = new Map(RULES.map(({ number, level }) => [number, level]));
  for (const { name, rules, level } of HOST_CASES) {
    for (const rule of rules) {
      expect(known.has(rule), `${name} cites ${rule}`).toBe(true);
      expect(order.indexOf(known.get(rule) ?? ""), `${name} cites ${rule}`).toBeLessThanOrEqual(order.indexOf(level));
    }
  }
});

it("cases have names of their own, and levels include those below", () => {
  expect(new Set(HOST_CASES.map(({ name }) => name)).size).toBe(HOST_CASES.length);
  expect(upTo(HOST_CASES, "drain")).toEqual(HOST_CASES);
  expect(new Set(upTo(HOST_CASES, "deferral").map(({ level }) => level))).toEqual(new Set(["basic", "deferral"]));
});

it("the texts of contexts are those of the shared fixture", () => {
  const { texts } = JSON.parse(file("test/fixtures/context-values.json")) as { texts: unknown };
  expect(CONTEXT_TEXTS).toEqual(texts);
});
