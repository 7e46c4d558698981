/** `cloaca`, or `cloaca status`: how the scheduler is, and three commands to go on with. */
import type { Client, RunInfo } from "@cloaca/sdk/client";
import { Command } from "commander";
import { hostJson, runJson } from "../json/shapes.js";
import { runCommand, type Session } from "../session.js";
import { RUN_STATUSES } from "../views/look.js";
import { type Count, proposals, type SchedulerStatus, statusPage } from "../views/status-page.js";

const PAGE = 1_000;
/** Runs of a status that are counted. */
const MOST_COUNTED = 10_000;
/** Runs that go on and whose tasks are counted. */
const MOST_LOOKED_AT = 100;

type Status = (typeof RUN_STATUSES)[number];

export function statusCommand(): Command {
  return new Command("status")
    .description("show the scheduler: runs, hosts, slots, what waits; as cloaca alone does")
    .action((_flags: unknown, command: Command) => runCommand(command, showStatus));
}

export async function showStatus(session: Session): Promise<void> {
  const status = await readStatus(session);
  const { runs, newest, hosts, workflows, tasks, runsLeftOut, address, namespace } = status;
  const hints = proposals(status);
  session.show(
    () => ({
      address,
      namespace,
      runs: Object.fromEntries(RUN_STATUSES.map((name) => [name, runs[name].count])),
      countedToTheEnd: RUN_STATUSES.every((name) => !runs[name].isMore),
      newest: Object.fromEntries(Object.entries(newest).map(([name, one]) => [name, runJson(one)])),
      tasks,
      runsLeftOut,
      hosts: hosts.map(hostJson),
      workflows: new Set(workflows.map(({ name }) => name)).size,
      next: hints.map(({ command }) => session.command(command)),
    }),
    () => [...statusPage(status), [], ...session.next(hints)],
  );
}

async function readStatus({ client, settings }: Session): Promise<SchedulerStatus> {
  const [counts, hosts, workflows] = await Promise.all([
    Promise.all(RUN_STATUSES.map((status) => countRuns(client, status))),
    client.hosts(),
    client.workflows(),
  ]);
  const byStatus = new Map(counts.map((count) => [count.status, count]));
  const live = (["RUNNING", "PENDING", "PAUSED"] as const).flatMap((status) => byStatus.get(status)?.first ?? []);
  const lookedAt = await Promise.all(live.slice(0, MOST_LOOKED_AT).map(({ runId }) => client.get(runId)));
  const tasks: Record<string, number> = {};
  for (const { taskCounts } of lookedAt) {
    for (const [state, count] of Object.entries(taskCounts)) tasks[state] = (tasks[state] ?? 0) + count;
  }
  return {
    address: settings.address,
    namespace: settings.namespace,
    runs: Object.fromEntries(counts.map(({ status, count, isMore }) => [status, { count, isMore }])) as Record<
      Status,
      Count
    >,
    newest: Object.fromEntries(
      counts.flatMap(({ status, first: [run] }) => (run === undefined ? [] : [[status, run]])),
    ),
    hosts,
    workflows,
    tasks,
    runsLeftOut: live.length - lookedAt.length,
  };
}

async function countRuns(client: Client, status: Status): Promise<Count & { status: Status; first: RunInfo[] }> {
  const first: RunInfo[] = [];
  let count = 0;
  let pageToken = "";
  do {
    const page = await client.list({ statuses: [status], pageSize: PAGE, pageToken });
    if (count === 0) first.push(...page.runs);
    count += page.runs.length;
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && count < MOST_COUNTED);
  return { status, count, isMore: pageToken !== "", first };
}
