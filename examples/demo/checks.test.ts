import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunInfo, TaskRunInfo } from "cloaca";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checksOf, type Evidence, endedWell } from "./checks.js";
import { reportOf } from "./report.js";
import { eventLog, HAND_OVER } from "./testing.js";
import { climateOf, daysOf } from "./weather.js";

const CSV = "Seattle,2012-01-01,0.0,1\nSeattle,2012-01-02,10.9,1\nNew York,2012-01-01,2,1\nNew York,2012-01-02,0,1";
const TASKS = ["wait", "other", "one", "two"];
let folder: string;
let evidence: Evidence;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "cloaca-checks-"));
  const dataFile = join(folder, "weather.csv");
  writeFileSync(dataFile, CSV);
  writeFileSync(
    join(folder, "report.txt"),
    reportOf(climateOf(daysOf("Seattle", CSV)), climateOf(daysOf("New York", CSV))),
  );
  evidence = {
    run: { status: "SUCCEEDED" } as RunInfo,
    taskRuns: TASKS.map((task) => ({ task, state: "SUCCEEDED" }) as TaskRunInfo),
    events: HAND_OVER,
    hosts: ["a", "b"],
    answeredAfter: 8,
    input: { dataFile, folder },
  };
});

afterAll(() => rmSync(folder, { recursive: true }));

async function failuresOf(changed: Partial<Evidence>): Promise<string[]> {
  const checks = await checksOf({ ...evidence, ...changed });
  return checks.filter(({ ok }) => !ok).map(({ found }) => found);
}

it("finds nothing wrong where nothing is", async () => {
  expect(await failuresOf({})).toEqual([]);
});

it.each<[string, (good: Evidence) => Partial<Evidence>, RegExp]>([
  ["a run that failed", () => ({ run: { status: "FAILED" } as RunInfo }), /the run is FAILED/],
  ["a task that ran twice", ({ events }) => ({ events: [...events, ...leaseOf("one")] }), /in 5 leases/],
  ["a slot that nobody used", ({ events }) => ({ events: events.filter(isNot("one", "two")) }), /nothing ran in it/],
  ["no deferral", ({ events }) => ({ events: events.filter(isNot("wait")) }), /^0 deferrals, not 1$/],
  ["a host that held two", ({ events }) => ({ events: [...leaseOf("x"), ...events] }), /a held up to 2/],
  ["a host without work", () => ({ hosts: ["a", "b", "c"] }), /c held up to 0/],
  ["a file that came after all", () => ({ answeredAfter: 12 }), /before its file came/],
  ["no report", ({ input }) => ({ input: { ...input, folder: join(folder, "nowhere") } }), /there is no report/],
])("notices %s", async (_what, change, found) => {
  expect(await failuresOf(change(evidence))).toEqual(expect.arrayContaining([expect.stringMatching(found)]));
});

it("notices a report that says something else", async () => {
  const other = mkdtempSync(join(folder, "other-"));
  writeFileSync(join(other, "report.txt"), "it never rains");
  expect(await failuresOf({ input: { ...evidence.input, folder: other } })).toEqual([
    "the report does not say what the data set says when it is asked directly",
  ]);
});

it("notices a process that did not end in order", () => {
  const exits = [
    { name: "host-a", code: 0, signal: null },
    { name: "host-b", code: null, signal: "SIGKILL" as const },
  ];
  expect(endedWell(exits)).toEqual({ ok: false, found: "host-b ended by SIGKILL" });
});

function leaseOf(task: string) {
  return eventLog([0, "TASK_LEASED", task, "a"]);
}

function isNot(...tasks: readonly string[]) {
  return ({ task }: { readonly task: string }): boolean => !tasks.includes(task);
}
