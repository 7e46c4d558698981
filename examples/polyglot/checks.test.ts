import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunEventInfo, RunInfo, TaskRunInfo } from "cloaca";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventLog } from "../demo/testing.js";
import { temperatures } from "./archive.js";
import { checksOf, type Evidence } from "./checks.js";
import { decadesOf, measured, tableOf } from "./climate.js";
import { reportLines } from "./report.js";

const folder = mkdtempSync(join(tmpdir(), "cloaca-polyglot-checks-"));
const dataFile = join(folder, "co2.csv");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HOSTS = ["typescript", "python", "go"].map((hostId) => ({ hostId, sdk: `cloaca-x 0.1.0 (${hostId})` }));
const PLAIN = eventLog(
  [0, "TASK_LEASED", "fetch", "typescript"],
  [100, "TASK_SUCCEEDED", "fetch", "typescript"],
  [100, "TASK_LEASED", "transform", "python"],
  [200, "TASK_DEFERRED", "transform", "python"],
  [300, "TASK_RECLAIMING", "transform", "python"],
  [400, "TASK_RESUMED", "transform", "python"],
  [500, "TASK_SUCCEEDED", "transform", "python"],
  [500, "TASK_LEASED", "load", "go"],
  [600, "TASK_SUCCEEDED", "load", "go"],
);
const KILLED = [
  ...PLAIN.slice(0, 8),
  ...eventLog([550, "TASK_LOST", "load", "go"], [600, "TASK_LEASED", "load", "go"]).map((event) => ({
    ...event,
    eventSeq: event.eventSeq + 8,
    recovery: event.type === "TASK_LEASED" ? 1 : 0,
  })),
  ...PLAIN.slice(8),
];
const evidence: Evidence = {
  run: { status: "SUCCEEDED" } as RunInfo,
  taskRuns: ["fetch", "transform", "load"].map((task) => ({ task }) as TaskRunInfo),
  events: PLAIN,
  hosts: HOSTS,
  answeredAfter: 4,
  input: { dataFile, folder },
  killed: null,
};

beforeAll(async () => {
  const months = Array.from({ length: 10 }, (_, year) => `196${year}-06-01,32${year}.00,0`);
  // A decade that is not whole counts for nothing.
  writeFileSync(dataFile, ["Date,CO2,adjusted CO2", "1959-01-01,300,0", ...months].join("\n"));
  const [sixties] = decadesOf([...months.map((_, n) => [1960 + n, 320 + n] as const)], measured(await temperatures()));
  writeFileSync(join(folder, "climate.csv"), `decade,ppm,celsius\n1960,324.5,${sixties?.celsius.toFixed(2)}\n`);
  writeFileSync(join(folder, "requests.txt"), "temperatures, please\n");
});

async function failed(more: Partial<Evidence> = {}): Promise<readonly number[]> {
  const checks = await checksOf({ ...evidence, ...more });
  return checks.flatMap(({ ok }, index) => (ok ? [] : [index]));
}

const without = (type: string): RunEventInfo[] => PLAIN.filter((event) => event.type !== type);

it("finds nothing wrong where nothing is, with and without a host that was killed", async () => {
  expect(await failed()).toEqual([]);
  expect(await failed({ events: KILLED, killed: "go" })).toEqual([]);
});

it("finds a task that was executed elsewhere, and a run that has failed", async () => {
  const elsewhere = PLAIN.map((event) => (event.task === "load" ? { ...event, hostId: "python" } : event));
  expect(await failed({ events: elsewhere })).toEqual([0]);
  expect(await failed({ run: { status: "FAILED" } as RunInfo })).toEqual([0]);
  const impostor = HOSTS.map((host) => ({ ...host, sdk: "cloaca-ts 0.1.0 (typescript)" }));
  expect(await failed({ hosts: impostor })).toEqual([0]);
});

it("finds executions that should not be, and a kill that nobody noticed", async () => {
  expect(await failed({ events: KILLED })).toEqual([1]);
  expect(await failed({ killed: "go" })).toEqual([1]);
  expect(await failed({ events: KILLED, killed: "python" })).toEqual([1]);
  const retried = KILLED.map((event) => (event.recovery === 1 ? { ...event, recovery: 0, attempt: 2 } : event));
  expect(await failed({ events: retried, killed: "go" })).toEqual([1]);
});

it("finds a file that came too early or too late, or that nobody waited for", async () => {
  expect(await failed({ answeredAfter: 3 })).toEqual([2]);
  expect(await failed({ answeredAfter: 5 })).toEqual([2]);
  expect(await failed({ events: without("TASK_DEFERRED") })).toEqual([2]);
});

it("finds a second request, and a table that is wrong", async () => {
  const other = mkdtempSync(join(folder, "other-"));
  expect(await failed({ input: { dataFile, folder: other } })).toEqual([3, 4]);
  writeFileSync(join(other, "requests.txt"), "temperatures, please\ntemperatures, please\n");
  writeFileSync(join(other, "climate.csv"), "decade,ppm,celsius\n1960,324.7,-0.03\n");
  expect(await failed({ input: { dataFile, folder: other } })).toEqual([3, 4]);
});

it("reports what the table says", () => {
  const lines = reportLines(tableOf("decade,ppm,celsius\n1960,320.3,-0.03\n1970,330.9,0.03\n"));
  const text = lines.map((line) => line.map((span) => (typeof span === "string" ? span : span[0])).join("")).join("\n");
  expect(text).toMatch(/1960s {2}▇+ 320\.3 +−0\.03\n/);
  expect(text).toContain("From the 1960s to the 1970s: +10.6 ppm and +0.06 °C.");
  expect(reportLines([])).toEqual([["  there is no table"]]);
});
