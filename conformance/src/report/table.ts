/** Results for people. */
import type { CaseResult } from "../run-cases.js";

/** A host or scheduler, and how it did. */
export interface Tested {
  readonly name: string;
  readonly results: readonly CaseResult[];
}

export interface Verdict {
  readonly word: "ok" | "FAILED" | "known" | "MENDED";
  readonly isFailure: boolean;
}

/** What is known to fail may; what is known to fail and passes is to be taken off the list. */
export function verdictOf({ name, failure }: CaseResult, knownFailing: ReadonlySet<string>): Verdict {
  if (knownFailing.has(name)) {
    return failure === null ? { word: "MENDED", isFailure: true } : { word: "known", isFailure: false };
  }
  return failure === null ? { word: "ok", isFailure: false } : { word: "FAILED", isFailure: true };
}

export function line(result: CaseResult, knownFailing: ReadonlySet<string>): string {
  const { name, group, rules, title, ms, failure } = result;
  const { word } = verdictOf(result, knownFailing);
  const row = `${word.padEnd(6)} ${group.padEnd(9)} ${name.padEnd(24)} ${rules.join(" ").padEnd(16)} ${String(ms).padStart(6)} ms  ${title}`;
  const why = word === "MENDED" ? "it passes now: take it off the list of known failures" : failure;
  return why === null ? row : `${row}\n${why.replace(/^/gm, "         ")}`;
}

/** `N passed, N failed`, and how many of those that passed were known to fail. */
export function summary(results: readonly CaseResult[], knownFailing: ReadonlySet<string>): string {
  const verdicts = results.map((result) => verdictOf(result, knownFailing));
  const failed = verdicts.filter(({ isFailure }) => isFailure).length;
  const known = verdicts.filter(({ word }) => word === "known").length;
  return `${results.length - failed - known} passed, ${failed} failed${known > 0 ? `, ${known} known to fail` : ""}`;
}

/** Cases by those that were tested: a column each, narrow. */
export function matrix(tested: readonly Tested[], knownFailing: ReadonlySet<string>): string {
  const cases = new Map(tested.flatMap(({ results }) => results.map((r) => [`${r.group.padEnd(9)} ${r.name}`, r])));
  const width = Math.max(...[...cases.keys()].map((name) => name.length));
  const head = ["".padEnd(width), ...tested.map(({ name }) => short(name))];
  const rows = [...cases].map(([label, { group, name }]) => {
    const cells = tested.map(({ name: column, results }) => {
      const found = results.find((result) => result.group === group && result.name === name);
      return (found === undefined ? "-" : verdictOf(found, knownFailing).word).padEnd(short(column).length);
    });
    return [label.padEnd(width), ...cells].join("  ").trimEnd();
  });
  return [head.join("  "), ...rows].join("\n");
}

const short = (name: string): string => name.slice(-12).padEnd(6);
