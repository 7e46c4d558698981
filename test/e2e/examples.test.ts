import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { runProgram } from "../support/program.js";

const FOLDER = new URL("../../examples/ts/", import.meta.url);
const NAMES = readdirSync(FOLDER)
  // Tests are run where tests are, and the conformance kit runs its host.
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && file !== "conformance-host.ts")
  .map((file) => file.slice(0, -".ts".length));

/** What each example prints; a pattern stands where a line depends on the time, or all of them on the version of Node. */
const OUTPUT: Readonly<Record<string, readonly (string | RegExp)[] | RegExp>> = {
  callbacks: [
    'check succeeded with {"amount":20,"isLarge":false}',
    "pay succeeded",
    "shipped",
    'check succeeded with {"amount":2000,"isLarge":true}',
    "pay failed in attempt 1: RangeError: somebody has to sign this one",
    "pay FAILED somebody has to sign this one",
    "ship SKIPPED UPSTREAM_FAILED",
  ],
  "chain-and-patch": [
    "{",
    "  text: 'a slot given back is a slot gained',",
    "  count: 8,",
    "  longest: 'gained',",
    "  told: '8 words, the longest is \"gained\"'",
    "}",
  ],
  checkpoint: [
    "read page 1, lease 1",
    "read page 2, lease 1",
    "read page 3, lease 1",
    "the first host goes away",
    "read page 4, lease 2",
    "read page 5, lease 2",
    "read page 6, lease 2",
    "{ next: 7, pages: 6 }",
    "{ task: 'read_pages', hostId: 'second', fence: 2, attempt: 1 }",
  ],
  client: [
    "1 RUN_STARTED ",
    "2 TASK_READY count",
    "3 TASK_LEASED count",
    "4 TASK_SUCCEEDED count",
    "5 TASK_READY lift_off",
    "6 TASK_LEASED lift_off",
    "7 TASK_SUCCEEDED lift_off",
    "8 RUN_SUCCEEDED ",
    "is up: true",
    "cancel: CANCELLED",
    "CANCELLED bad weather",
    "SUCCEEDED ",
  ],
  decorators: [
    "total is attempt 1 and holds a slot: true",
    "total was accepted",
    "a client owes 660",
    "total is attempt 1 and holds a slot: false",
    "{ total: 100 }",
  ],
  defer: [
    "wait_for_file: has the slot, gives it back",
    "write_file: runs in that slot",
    "wait_for_file: goes on, has a slot again: true",
    "the sum is 10",
    "1 TASK_LEASED wait_for_file",
    "-1 TASK_DEFERRED wait_for_file",
    "1 TASK_LEASED write_file",
    "-1 TASK_SUCCEEDED write_file",
    "1 TASK_RESUMED wait_for_file",
    "-1 TASK_SUCCEEDED wait_for_file",
  ],
  "defer-timeout": ["DEFER_TIMEOUT: waited 300 ms for an answer with today's price, in vain", "42, from yesterday"],
  "fan-out": ["the sum of the first 200 squares is 2686700", /^202 tasks in \d+ ms, at most 8 at once$/],
  deploy: ["info host_connected", "3 bytes", "info host_draining", "the host has finished what it had"],
  fallback: [
    "alarm: 42",
    "the price is 42",
    "SUCCEEDED: ask SUCCEEDED, guess SKIPPED, alarm SUCCEEDED, report SUCCEEDED",
    "guesses, since the bourse says nothing",
    "the price is 30",
    "SUCCEEDED: ask FAILED, guess SUCCEEDED, alarm SKIPPED, report SUCCEEDED",
  ],
  hello: ["HELLO, WORLD!"],
  "node-test": /pass 1\n(.*\n)*.*fail 0\n/,
  retries: [
    "prepares, once",
    "send: the receiver is busy, so attempt 2 follows",
    "send: the line broke, so attempt 3 follows",
    "sent 3 rows in attempt 3",
    "-1 rows make no sense",
  ],
  "run-control": [
    "packs",
    "sends",
    "pack SUCCEEDED, send FAILED, tell SKIPPED",
    "begins anew: send, tell",
    "paused: WORKFLOW_PAUSED",
    "paused: RUN_PAUSED",
    "sends",
    "2 parcels are on their way",
  ],
  upgrade: ["new runs: in the archive", "the old one: in a cabinet", "still open with the old version: 0"],
  "remote-host": ["HELLO, REMOTE WORLD!", "greet ran at remote", "shout ran at remote"],
};

it.each(NAMES)("examples/ts/%s.ts ends by itself and prints what it should", async (name) => {
  const { code, stdout, stderr } = await runProgram(`examples/dist/ts/${name}.js`).ended;
  expect(stderr).toBe("");
  const told = OUTPUT[name] ?? [];
  if (told instanceof RegExp) expect(stdout).toMatch(told);
  else {
    const expected = told.map((line) => (typeof line === "string" ? line : expect.stringMatching(line)));
    expect(stdout.slice(0, -1).split("\n")).toEqual(expected);
  }
  expect(code).toBe(0);
});

it("each of them is short, and in the table of examples/README.md", () => {
  const readme = readFileSync(new URL("../README.md", FOLDER), "utf8");
  const listed = [...readme.matchAll(/^\| \[`([\w-]+)`\]\(ts\/\1\.ts\) +\|/gm)].map(([, name]) => name);
  expect(listed.toSorted()).toEqual(NAMES.toSorted());
  const long = NAMES.filter((name) => source(name).split("\n").length > 41);
  expect(long).toEqual([]);
});

it("serves the very workflow of hello.ts in remote-host.ts", () => {
  const workflowOf = (name: string): string => /export const hello = [\s\S]*?^}\);$/m.exec(source(name))?.[0] ?? name;
  expect(workflowOf("remote-host")).toBe(workflowOf("hello"));
});

it("npm run example names them all when none is named", async () => {
  const { code, stderr } = await runProgram("scripts/run.mjs", ["example"]).ended;
  expect(code).toBe(2);
  for (const name of NAMES) expect(stderr).toContain(`\n  ${name}`);
});

function source(name: string): string {
  return readFileSync(new URL(`${name}.ts`, FOLDER), "utf8");
}
