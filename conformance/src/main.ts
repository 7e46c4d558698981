/** The command `cloaca-conformance`. */
import { readFileSync, writeFileSync } from "node:fs";
import { Command, Option } from "commander";
import { LEVELS, type Level, upTo } from "./cases/case.js";
import { HOST_CASES } from "./cases/index.js";
import { junit } from "./report/junit.js";
import { line, matrix, summary, type Tested, verdictOf } from "./report/table.js";
import { type CaseResult, runCases } from "./run-cases.js";
import { runSchedulerCases, SCHEDULER_CASES } from "./scheduler/run-scheduler-cases.js";
import { commandProgram } from "./stage/host-program.js";

interface Options {
  readonly host: readonly string[];
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
  .option("--host <command>", "starts the host under test; may be repeated, with a name: go=./host", append, [])
  .option("--scheduler <address>", "the live scheduler under test, for example 127.0.0.1:7233")
  .addOption(new Option("--level <level>", "cases of this level and those below").choices(LEVELS).default("drain"))
  .option("--only <case>", "only this case; may be repeated", append, [])
  .option("--junit <file>", "writes the results as JUnit XML")
  .option("--known-failing <file>", "names of cases, one in a line, that may fail and must not pass")
  .option("--patience <ms>", "longest wait for anything that is owed", Number, 8_000)
  .option("--list", "lists the cases and ends");

function append(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

const code = await main(program.parse().opts<Options>());
// Node 20 may wait for ever while it takes down sockets that were broken in the midst of HTTP/2: end once all is written.
process.stdout.write("", () => process.exit(code));

async function main(options: Options): Promise<number> {
  const { level, only, patience: patienceMs, scheduler } = options;
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
  if (options.host.length === 0 && scheduler === undefined) {
    return wrong("--host, the command that starts the host under test, or --scheduler, the address of one, is missing");
  }
  const known = new Set(options.knownFailing === undefined ? [] : namesIn(options.knownFailing));
  const told = (result: CaseResult): void => console.log(line(result, known));
  const tested: Tested[] = [];
  for (const { name, command } of options.host.map(named)) {
    console.log(`\n${name}`);
    tested.push({ name, results: await runCases(hostCases, { start: commandProgram(command), patienceMs }, told) });
  }
  if (scheduler !== undefined) {
    console.log("\nscheduler");
    const results = await runSchedulerCases(schedulerCases, scheduler, patienceMs, told);
    tested.push({ name: "scheduler", results });
  }
  if (options.junit !== undefined) writeFileSync(options.junit, junit(tested, known));
  const all = tested.flatMap(({ results }) => results);
  if (tested.length > 1) console.log(`\n${matrix(tested, known)}`);
  console.log(`\n${summary(all, known)}`);
  return all.some((result) => verdictOf(result, known).isFailure) ? 1 : 0;
}

/** `go=./host` has a name; a command without one is its own. An assignment of the shell, `A=b ./host`, is no name. */
function named(host: string): { readonly name: string; readonly command: string } {
  const [, name, command] = /^([a-z][a-z0-9-]*)=(.+)$/.exec(host) ?? [];
  return name === undefined || command === undefined ? { name: host, command: host } : { name, command };
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
