/** `cloaca runs`: a page of runs, newest first. */
import type { RunInfo } from "@cloaca/sdk/client";
import { Command, Option } from "commander";
import type { Hint } from "../command-error.js";
import { runJson } from "../json/shapes.js";
import { oneOf, wholeNumber } from "../options.js";
import { runCommand, type Session } from "../session.js";
import type { Line } from "../terminal/line.js";
import { RUN_STATUSES } from "../views/look.js";
import { runsTable } from "../views/tables.js";

type Status = (typeof RUN_STATUSES)[number];

interface RunsFlags {
  readonly workflow?: string;
  readonly status: readonly Status[];
  readonly limit: number;
  readonly page: string;
}

const MOST = 10_000;
const PAGE = 1_000;

export function runsCommand(): Command {
  return new Command("runs")
    .description("list runs, newest first")
    .option("--workflow <name>", "only runs of this workflow")
    .addOption(
      new Option("--status <status>", "only runs with this status; repeat it, or write several with commas")
        .default([], "all")
        .argParser(oneOf(RUN_STATUSES)),
    )
    .addOption(new Option("--limit <number>", "how many").default(20).argParser(wholeNumber(1, MOST)))
    .addOption(
      new Option("--page <token>", "go on where the page before has ended; it says the token").default("", "the first"),
    )
    .addHelpText(
      "after",
      `
Examples:
  cloaca runs --status failed,cancelled
  cloaca runs --workflow etl --limit 100
  cloaca runs --json --limit 1000 | jq -r '.runs[] | select(.status == "FAILED") | .runId'`,
    )
    .action((flags: RunsFlags, command: Command) => runCommand(command, (session) => listRuns(session, flags)));
}

async function listRuns(session: Session, flags: RunsFlags): Promise<void> {
  const { workflow, status, limit } = flags;
  const runs: RunInfo[] = [];
  let pageToken = flags.page;
  do {
    const pageSize = Math.min(PAGE, limit - runs.length);
    const filter = workflow === undefined ? {} : { workflow };
    const page = await session.client.list({ ...filter, statuses: status, pageSize, pageToken });
    runs.push(...page.runs);
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && runs.length < limit);
  session.show(
    () => ({ runs: runs.map(runJson), nextPageToken: pageToken }),
    () => lines(session, runs, pageToken, flags),
  );
}

function lines(session: Session, runs: readonly RunInfo[], pageToken: string, flags: RunsFlags): Line[] {
  const { workflow, status, limit, page } = flags;
  const filters = [
    ...(workflow === undefined ? [] : ["--workflow", workflow]),
    ...(status.length === 0 ? [] : ["--status", status.join(",").toLowerCase()]),
  ];
  if (runs.length === 0) {
    const isFiltered = filters.length > 0 || page !== "";
    const hint: Hint = isFiltered
      ? { what: "see all runs", command: "cloaca runs" }
      : { what: "see what can be run", command: "cloaca workflows" };
    return [[[isFiltered ? "no run is like that" : "there is no run yet", "dim"]], ...session.next([hint])];
  }
  const more: Hint = {
    what: "the next page",
    command: ["cloaca", "runs", ...filters, "--limit", limit, "--page", pageToken].join(" "),
  };
  const { width } = session.screen;
  return [...runsTable(runs, { width, now: Date.now() }), ...(pageToken === "" ? [] : [[], ...session.next([more])])];
}
