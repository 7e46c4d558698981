/** What the demo claims, checked against the event log, the scheduler's books and the data set. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunEventInfo, RunInfo, TaskRunInfo } from "cloaca";
import type { Exit } from "./children.js";
import { seconds } from "./look.js";
import type { Line } from "./paint.js";
import { type RainInput, REPORT_FILE } from "./rain-workflow.js";
import { reportOf } from "./report.js";
import { handOversOf, slotsOf } from "./run-view.js";
import { climateOf, daysOf } from "./weather.js";

export interface Check {
  readonly ok: boolean;
  /** What was found. */
  readonly found: string;
}

/** A line for each check. */
export function checkLines(checks: readonly Check[]): Line[] {
  return checks.map(({ ok, found }) => ["  ", ok ? ["✓ ", "green"] : ["✗ ", "red"], ok ? found : [found, "red"]]);
}

/** What was found where it should not be so; null when all is well. */
export function failureOf(checks: readonly Check[]): string | null {
  const failed = checks.filter(({ ok }) => !ok);
  return failed.length === 0 ? null : failed.map(({ found }) => found).join("; ");
}

export interface Evidence {
  readonly run: RunInfo;
  readonly taskRuns: readonly TaskRunInfo[];
  readonly events: readonly RunEventInfo[];
  readonly hosts: readonly string[];
  readonly answeredAfter: number;
  readonly input: RainInput;
}

export async function checksOf({ run, taskRuns, events, hosts, answeredAfter, input }: Evidence): Promise<Check[]> {
  return [
    ranOnce(run, taskRuns, events),
    keptToTheirSlots(events, hosts),
    handedOver(events),
    waited(events, answeredAfter),
    await reported(input),
  ];
}

function ranOnce({ status }: RunInfo, taskRuns: readonly TaskRunInfo[], events: readonly RunEventInfo[]): Check {
  const succeeded = taskRuns.filter(({ state }) => state === "SUCCEEDED").length;
  const leases = events.filter(({ type }) => type === "TASK_LEASED").length;
  const ok = status === "SUCCEEDED" && succeeded === taskRuns.length && leases === taskRuns.length;
  const words = ok ? "each executed once" : `in ${leases} leases, and the run is ${status}`;
  return { ok, found: `${succeeded} of ${taskRuns.length} tasks succeeded, ${words}` };
}

function keptToTheirSlots(events: readonly RunEventInfo[], hosts: readonly string[]): Check {
  const slots = slotsOf(events);
  const books = hosts.map((host) => ({ host, ...(slots.get(host) ?? { held: 0, most: 0 }) }));
  const ok = books.every(({ most, held }) => most === 1 && held === 0);
  const strange = books.map(({ host, most, held }) => `${host} held up to ${most}, and now ${held}`);
  return { ok, found: ok ? "both hosts had work, and never held more than their one slot" : strange.join("; ") };
}

function handedOver(events: readonly RunEventInfo[]): Check {
  const handOvers = handOversOf(events);
  const [first] = handOvers;
  if (first === undefined || handOvers.length > 1) return { ok: false, found: `${handOvers.length} deferrals, not 1` };
  const { task, from, to, reusedBy } = first;
  const gone = to === null ? "and never had one again" : `for ${seconds(to - from)}`;
  const ran = reusedBy.length === 0 ? "nothing ran in it" : `${reusedBy.join(" and ")} ran in it`;
  return { ok: to !== null && reusedBy.length > 0, found: `${task} gave its slot back ${gone}: ${ran}` };
}

function waited(events: readonly RunEventInfo[], answeredAfter: number): Check {
  const deferred = events.find(({ type }) => type === "TASK_DEFERRED");
  const reclaim = events.find(({ type }) => type === "TASK_RECLAIMING");
  const asked = deferred !== undefined && deferred.eventSeq <= answeredAfter;
  const ok = asked && reclaim !== undefined && answeredAfter < reclaim.eventSeq;
  return {
    ok,
    found: `it asked for a slot again ${ok ? "after its file had come, not before" : "before its file came"}`,
  };
}

/** Computed once more, in one go, without the workflow. */
async function reported({ dataFile, folder }: RainInput): Promise<Check> {
  const csv = await readFile(dataFile, "utf8");
  const expected = reportOf(climateOf(daysOf("Seattle", csv)), climateOf(daysOf("New York", csv)));
  const report = await readFile(join(folder, REPORT_FILE), "utf8").catch(() => null);
  if (report === null) return { ok: false, found: "there is no report" };
  const ok = report === expected;
  return { ok, found: `the report ${ok ? "says" : "does not say"} what the data set says when it is asked directly` };
}

export function endedWell(exits: readonly (Exit & { readonly name: string })[]): Check {
  const bad = exits.filter(({ code }) => code !== 0);
  const words = bad.map(
    ({ name, code, signal }) => `${name} ended ${signal === null ? `with ${code}` : `by ${signal}`}`,
  );
  return {
    ok: bad.length === 0,
    found: bad.length === 0 ? "scheduler and hosts ended when told to" : words.join("; "),
  };
}
