/** The command `cloaca-conformance`. */
import { readFileSync, writeFileSync } from "node:fs";
import { Command, Option } from "commander";
import { LEVELS, type Level, upTo } from "./cases/case.js";
import { HOST_CASES } from "./cases/index.js";
import { junit } from "./report/junit.js";
import { line, summary, verdictOf } from "./report/table.js";
import { type CaseResult, runCases } from "./run-cases.js";
import { runSchedulerCases, SCHEDULER_CASES } from "./scheduler/run-scheduler-cases.js";
import { commandProgram } from "./stage/host-program.js";

interface Options {
  readonly host?: string;
  readonly scheduler?: string;
  readonly level: Level;
  readonly only: readonly string[];
  readonly junit?: string;
  readonly knownFailing?: string;
  readonly patience: number;
  readonly list?: true;
}

const program = new Command("cloaca-conformance")
  .description("Tests a task host, or a scheduler, against the rules of docs/PROTOCOL.md")
  .option("--host <command>", "starts the host under test; it finds the address in CLOACA_ADDRESS")
  .option("--scheduler <address>", "the live scheduler under test, for example 127.0.0.1:7233")
  .addOption(new Option("--level <level>", "cases of this level and those below").choices(LEVELS).default("drain"))
  .option("--only <case>", "only this case; may be repeated", (name: string, before: string[]) => [...before, name], [])
  .option("--junit <file>", "writes the results as JUnit XML")
  .option("--known-failing <file>", "names of cases, one in a line, that may fail and must not pass")
  .option("--patience <ms>", "longest wait for anything that is owed", Number, 8_000)
  .option("--list", "lists the cases and ends");

process.exitCode = await main(program.parse().opts<Options>());

async function main(options: Options): Promise<number> {
  const { level, only, patience: patienceMs, host, scheduler } = options;
  const isChosen = ({ name }: { readonly name: string }): boolean => only.length === 0 || only.includes(name);
  const hostCases = upTo(HOST_CASES, level).filter(isChosen);
  const schedulerCases = SCHEDULER_CASES.filter(isChosen);
  const unknown = only.filter((name) => ![...HOST_CASES, ...SCHEDULER_CASES].some((one) => one.name === name));
  if (unknown.length > 0) return wrong(`there is no case ${unknown.join(", ")}; --list names them`);
  if (!(patienceMs > 0)) return wrong("--patience is a number of milliseconds, over 0");
  if (options.list) {
    for (const { name, level: group, rules, title } of hostCases) list(group, name, rules, title);
    for (const { name, rules, title } of schedulerCases) list("scheduler", name, rules, title);
    return 0;
  }
  const known = new Set(options.knownFailing === undefined ? [] : namesIn(options.knownFailing));
  const told = (result: CaseResult): void => console.log(line(result, known));
  let results: CaseResult[];
  if (host !== undefined && scheduler === undefined) {
    results = await runCases(hostCases, { start: commandProgram(host), patienceMs }, told);
  } else if (scheduler !== undefined && host === undefined) {
    results = await runSchedulerCases(schedulerCases, scheduler, patienceMs, told);
  } else {
    return wrong("either --host, the command that starts the host under test, or --scheduler, the address of one");
  }
  if (options.junit !== undefined) writeFileSync(options.junit, junit(host ?? scheduler ?? "", results, known));
  console.log(`\n${summary(results, known)}`);
  return results.some((result) => verdictOf(result, known).isFailure) ? 1 : 0;
}

function list(group: string, name: string, rules: readonly string[], title: string): void {
  console.log(`${group.padEnd(9)} ${name.padEnd(24)} ${rules.join(" ").padEnd(16)} ${title}`);
}

/** One name in a line; what follows a `#` is for people. */
function namesIn(file: string): string[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.map((text) => text.replace(/#.*/, "").trim()).filter((name) => name !== "");
}

function wrong(what: string): number {
  console.error(`cloaca-conformance: ${what}`);
  return 2;
}
