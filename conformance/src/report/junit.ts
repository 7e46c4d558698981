/** Results for machines: JUnit's XML. */
import type { CaseResult } from "../run-cases.js";
import { type Tested, verdictOf } from "./table.js";

export function junit(tested: readonly Tested[], knownFailing: ReadonlySet<string>): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="cloaca-conformance" ${counts(tested, knownFailing)}>`,
    ...tested.flatMap((one) => [
      `  <testsuite name="${xml(one.name)}" ${counts([one], knownFailing)}>`,
      ...one.results.map((result) => testCase(result, knownFailing)),
      "  </testsuite>",
    ]),
    "</testsuites>",
    "",
  ].join("\n");
}

function counts(tested: readonly Tested[], knownFailing: ReadonlySet<string>): string {
  const verdicts = tested.flatMap(({ results }) => results.map((result) => verdictOf(result, knownFailing)));
  const failed = verdicts.filter(({ isFailure }) => isFailure).length;
  const known = verdicts.filter(({ word }) => word === "known").length;
  return `tests="${verdicts.length}" failures="${failed}" skipped="${known}"`;
}

function testCase(result: CaseResult, knownFailing: ReadonlySet<string>): string {
  const { name, group, rules, ms, failure } = result;
  const open = `    <testcase classname="${group}" name="${name} (${rules.join(", ")})" time="${ms / 1_000}"`;
  const why = failure ?? "it passes now: take it off the list of known failures";
  const { word, isFailure } = verdictOf(result, knownFailing);
  if (isFailure) return `${open}><failure message="${xml(why)}"/></testcase>`;
  return word === "known" ? `${open}><skipped message="${xml(why)}"/></testcase>` : `${open}/>`;
}

const NAMES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "&#10;",
};

function xml(text: string): string {
  // XML has no place for other control characters, not even escaped.
  return [...text]
    .filter((letter) => letter >= " " || letter === "\n")
    .map((letter) => NAMES[letter] ?? letter)
    .join("");
}
