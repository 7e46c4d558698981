/** What the demo claims, checked against the event log, the scheduler's books and the data set. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostInfo, RunEventInfo, RunInfo, TaskRunInfo } from "cloaca";
import type { Check } from "../demo/checks.js";
import { temperatures } from "./archive.js";
import { carbonDioxide, type Decade, decadesOf, measured, tableOf } from "./climate.js";
import { type ClimateInput, PLACES, REQUESTS_FILE, TABLE_FILE } from "./climate-workflow.js";

export type Place = (typeof PLACES)[keyof typeof PLACES];

export interface Evidence {
  readonly run: RunInfo;
  readonly taskRuns: readonly TaskRunInfo[];
  readonly events: readonly RunEventInfo[];
  readonly hosts: readonly Pick<HostInfo, "hostId" | "sdk">[];
  readonly answeredAfter: number;
  readonly input: ClimateInput;
  /** The host that was killed. */
  readonly killed: Place | null;
}

export async function checksOf(evidence: Evidence): Promise<Check[]> {
  const { run, taskRuns, events, hosts, answeredAfter, input, killed } = evidence;
  return [
    inThreeLanguages(run, events, hosts),
    killed === null ? eachOnce(taskRuns, events) : outlived(killed, taskRuns, events),
    waited(events, answeredAfter),
    await askedOnce(input),
    await loaded(input),
  ];
}

function inThreeLanguages({ status }: RunInfo, events: readonly RunEventInfo[], hosts: Evidence["hosts"]): Check {
  const succeeded = events.filter(({ type }) => type === "TASK_SUCCEEDED");
  const languageOf = (id: string): string => hosts.find(({ hostId }) => hostId === id)?.sdk ?? "nothing";
  const found = succeeded.map(({ task, hostId }) => `${task} in ${hostId}`).join(", ");
  const isRight = Object.entries(PLACES).every(
    ([task, place]) =>
      languageOf(place).toLowerCase().includes(place) &&
      succeeded.filter((event) => event.task === task && event.hostId === place).length === 1,
  );
  const ok = status === "SUCCEEDED" && isRight && succeeded.length === 3;
  const spoken = hosts.map(({ hostId, sdk }) => `${hostId} speaks ${sdk}`).join(", ");
  return { ok, found: ok ? `3 of 3 tasks succeeded: ${found}` : `the run is ${status}: ${found}; ${spoken}` };
}

function leasesOf(task: string, events: readonly RunEventInfo[]): readonly RunEventInfo[] {
  return events.filter((event) => event.type === "TASK_LEASED" && event.task === task);
}

function eachOnce(taskRuns: readonly TaskRunInfo[], events: readonly RunEventInfo[]): Check {
  const ok = taskRuns.every(({ task }) => leasesOf(task, events).length === 1);
  return { ok, found: ok ? "each was executed once" : "one was executed more than once" };
}

/** The task was lost with its host and executed again: a recovery of the same attempt, not a retry. The others know nothing. */
function outlived(killed: Place, taskRuns: readonly TaskRunInfo[], events: readonly RunEventInfo[]): Check {
  const lost = Object.entries(PLACES).find(([, place]) => place === killed)?.[0] ?? "";
  const others = taskRuns.filter(({ task }) => task !== lost);
  const losses = events.filter(({ type, task, hostId }) => type === "TASK_LOST" && task === lost && hostId === killed);
  const [first, second, ...more] = leasesOf(lost, events);
  const isRecovery = first?.recovery === 0 && second?.recovery === 1 && second.attempt === 1 && more.length === 0;
  const ok = losses.length === 1 && isRecovery && others.every(({ task }) => leasesOf(task, events).length === 1);
  const leases = leasesOf(lost, events).length;
  const found = `${lost} was lost with its host and recovered, without a retry; the others ran once`;
  return { ok, found: ok ? found : `${lost} was lost ${losses.length} times, and leased ${leases} times` };
}

function waited(events: readonly RunEventInfo[], answeredAfter: number): Check {
  const deferred = events.findLast(({ type }) => type === "TASK_DEFERRED");
  const reclaim = events.findLast(({ type }) => type === "TASK_RECLAIMING");
  const isDeferred = deferred !== undefined && deferred.slotDelta === -1 && deferred.eventSeq <= answeredAfter;
  const ok = isDeferred && reclaim !== undefined && answeredAfter < reclaim.eventSeq;
  const found = "transform held no slot while the archive searched, and asked for one once its file had come";
  return { ok, found: ok ? found : "transform did not wait for its file without a slot" };
}

/** What was set before a deferral is committed with it: an execution after a loss knows that the archive was asked. */
async function askedOnce({ folder }: ClimateInput): Promise<Check> {
  const requests = await readFile(join(folder, REQUESTS_FILE), "utf8").catch(() => "");
  const times = requests.split("\n").length - 1;
  return {
    ok: times === 1,
    found: times === 1 ? "the archive was asked once" : `the archive was asked ${times} times`,
  };
}

/** Computed once more, in one go, in one language. */
async function loaded({ dataFile, folder }: ClimateInput): Promise<Check> {
  const table = await readFile(join(folder, TABLE_FILE), "utf8").catch(() => null);
  if (table === null) return { ok: false, found: "there is no table" };
  const expected = decadesOf(await carbonDioxide(dataFile), measured(await temperatures()));
  const found = tableOf(table);
  const ok = found.length === expected.length && expected.every((decade, index) => isSame(found[index], decade));
  return { ok, found: `the table ${ok ? "says" : "does not say"} what the data sets say when they are asked directly` };
}

/** The table has one digit of the one, and two of the other. */
function isSame(found: Decade | undefined, { decade, ppm, celsius }: Decade): boolean {
  if (found?.decade !== decade) return false;
  return Math.abs(found.ppm - ppm) < 0.051 && Math.abs(found.celsius - celsius) < 0.0051;
}
