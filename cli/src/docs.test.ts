/** docs/CLI.md against the command that it is about. */
import { readFileSync } from "node:fs";
import type { AuditReport } from "@cloaca/server/audit";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { allCommands } from "./commands/all.js";
import { EXIT } from "./exit-code.js";
import { auditJson } from "./json/audit-shape.js";
import { eventJson, hostJson, runJson, taskJson, wholeRunJson, workflowJson } from "./json/shapes.js";
import { makeProgram } from "./program.js";
import { serverCommand } from "./server-command.js";
import { host, log, run, task, workflow } from "./testing/fixtures.js";

const page = readFileSync(new URL("../../docs/CLI.md", import.meta.url), "utf8");
const server = serverCommand();
const program = makeProgram(allCommands(server), server);
/** `help` says what `--help` does. */
const described = program.commands.filter((command) => command.name() !== "help");
const commands = new Map(described.map((command) => [command.name(), command]));
const AUDIT: AuditReport = {
  runs: 0,
  events: 0,
  leases: 0,
  liveRuns: 0,
  heldSlots: 0,
  unknownSlots: 0,
  breaches: [],
  breachCount: 0,
  isCut: false,
  purgedRuns: null,
};
const EVERY = ["address", "namespace", "json", "no-color"];

/** Long flags that a command takes, without `--`. */
function flagsOf(command: Command): string[] {
  return command.options.flatMap(({ long }) => (long == null ? [] : [long.slice(2)]));
}

/** The part of the page under a heading, up to the next one. */
function section(heading: string): string {
  const [, rest = ""] = page.split(`\n### ${heading}\n`);
  return rest.split(/\n#{2,3} /)[0] ?? "";
}

function firstJson(text: string): object {
  const [, json = "{}"] = /```json\n([\s\S]*?)\n```/.exec(text) ?? [];
  return JSON.parse(json) as object;
}

describe("docs/CLI.md", () => {
  it("has a section for each command, and for nothing else", () => {
    const sections = [...page.matchAll(/^### `cloaca (\w+)`$/gm)].map(([, name]) => name);
    expect(sections.toSorted()).toEqual([...commands.keys(), "help"].toSorted());
  });

  it("names every flag of every command", () => {
    for (const [name, command] of commands) {
      // Those of the scheduler stand in OPERATIONS.md.
      if (name === "server") continue;
      const missing = flagsOf(command).filter(
        (flag) => !EVERY.includes(flag) && !section(`\`cloaca ${name}\``).includes(`--${flag}`),
      );
      expect([name, missing]).toEqual([name, []]);
    }
    for (const flag of EVERY) expect(page).toContain(`| \`--${flag}`);
  });

  it("shows no command and no flag that is not there, in commands and in what they propose", () => {
    const lines = [...page.matchAll(/^(?:\$| ) cloaca(.*)$/gm)].map(([, rest = ""]) => rest);
    expect(lines.length).toBeGreaterThan(30);
    for (const line of lines) {
      // What a proposal is for stands behind three spaces.
      const [words = ""] = line.split(/ {3}/);
      const name = /^ ([a-z]+)/.exec(words)?.[1];
      const command = name === undefined ? program : commands.get(name);
      expect(command, words).toBeInstanceOf(Command);
      const flags = [...words.matchAll(/ --([\w-]+)/g)].map(([, flag = ""]) => flag);
      expect(
        flags.filter((flag) => !["help", ...flagsOf(command ?? program)].includes(flag)),
        words,
      ).toEqual([]);
    }
  });

  it("has the exit codes, as the help has", () => {
    const [, table = ""] = page.split("\n## Exit codes\n");
    const codes = [...table.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
    expect(codes).toEqual(Object.values(EXIT));
  });

  it("has the shapes that are printed", () => {
    const [event] = log([0, "RUN_STARTED"]);
    expect(Object.keys(firstJson(section("A run")))).toEqual(Object.keys(runJson(run())));
    const whole = section("A run").split("By itself")[1] ?? "";
    expect([...Object.keys(runJson(run())), ...Object.keys(firstJson(whole))]).toEqual(
      Object.keys(wholeRunJson(run())),
    );
    expect(Object.keys(firstJson(section("A task")))).toEqual(Object.keys(taskJson(task("a"))));
    expect(Object.keys(firstJson(section("An event")))).toEqual(
      event === undefined ? [] : Object.keys(eventJson(event)),
    );
    expect(Object.keys(firstJson(section("A workflow")))).toEqual(Object.keys(workflowJson(workflow())));
    const ofAudit = page.split("\n`audit`; ")[1] ?? "";
    expect(Object.keys(firstJson(ofAudit))).toEqual(Object.keys(auditJson("copy.db", AUDIT)));
    expect(Object.keys(firstJson(section("A host")))).toEqual(Object.keys(hostJson(host())));
  });
});
