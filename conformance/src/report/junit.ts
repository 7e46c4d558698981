/** Results for machines: JUnit's XML. */
import type { CaseResult } from "../run-cases.js";
import { verdictOf } from "./table.js";

export function junit(subject: string, results: readonly CaseResult[], knownFailing: ReadonlySet<string>): string {
  const verdicts = results.map((result) => ({ result, verdict: verdictOf(result, knownFailing) }));
  const failed = verdicts.filter(({ verdict }) => verdict.isFailure).length;
  const known = verdicts.filter(({ verdict }) => verdict.word === "known").length;
  const counts = `tests="${results.length}" failures="${failed}" skipped="${known}"`;
  const lines = verdicts.map(({ result: { name, group, rules, ms, failure }, verdict }) => {
    const open = `    <testcase classname="${group}" name="${name} (${rules.join(", ")})" time="${ms / 1_000}"`;
    const why = failure ?? "it passes now: take it off the list of known failures";
    if (verdict.isFailure) return `${open}><failure message="${xml(why)}"/></testcase>`;
    return verdict.word === "known" ? `${open}><skipped message="${xml(why)}"/></testcase>` : `${open}/>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="cloaca-conformance" ${counts}>`,
    `  <testsuite name="${xml(subject)}" ${counts}>`,
    ...lines,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
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
