/** `cloaca show <run>`: one run on a page. */
import { type Client, RemoteError, type RunInfo, type TaskRunInfo } from "@cloaca/sdk/client";
import { Command } from "commander";
import type { Hint } from "../command-error.js";
import { taskJson, wholeRunJson } from "../json/shapes.js";
import { resolveRun } from "../resolve-run.js";
import { runCommand, type Session } from "../session.js";
import type { Line } from "../terminal/line.js";
import { isOver } from "../views/look.js";
import { emptyLog, type RunLog, withEvents } from "../views/run-log.js";
import { runPage } from "../views/run-page.js";

interface ShowFlags {
  readonly all?: boolean;
}

/** Tasks on a page, unless all are asked for. */
const ROWS = 50;
/** Events that a time line is made of. */
const MOST_EVENTS = 50_000;

export function showCommand(): Command {
  return new Command("show")
    .description("show a run: its tasks, time line, failures and final context")
    .argument("<run>", "its id, the beginning of it, or last")
    .option("--all", "all tasks, whole values and stack traces")
    .action((run: string, { all = false }: ShowFlags, command: Command) =>
      runCommand(command, (session) => showRun(session, run, all)),
    );
}

async function showRun(session: Session, text: string, isWhole: boolean): Promise<void> {
  const run = await resolveRun(session.client, text);
  if (session.settings.isJson) {
    const tasks = await session.client.tasks(run.runId);
    session.show(
      () => ({ run: wholeRunJson(run), tasks: tasks.map(taskJson) }),
      () => [],
    );
    return;
  }
  session.screen.print(await pageOf(session, run, { isWhole }));
}

/** The page of a run, with what to do next. */
export async function pageOf(
  session: Session,
  run: RunInfo,
  { isWhole }: { readonly isWhole: boolean },
): Promise<Line[]> {
  const { client, screen } = session;
  const tasks = await client.tasks(run.runId);
  const log = await readLog(client, run.runId, tasks);
  const waits = isOver(run.status) ? new Map<string, string>() : await explained(client, run.runId);
  const rows = isWhole ? Number.POSITIVE_INFINITY : ROWS;
  const page = runPage({ run, tasks, log }, { width: screen.width, now: Date.now(), rows, isWhole, waits });
  return [...page, [], ...session.next(hintsFor(run))];
}

/** The log as far as it goes now: each read begins where the one before ended, until one finds nothing more. */
async function readLog(client: Client, runId: string, tasks: readonly TaskRunInfo[]): Promise<RunLog> {
  let log = emptyLog(tasks.map(({ task }) => task));
  let cursor = "";
  for (let read = 0; read < MOST_EVENTS; ) {
    const aborter = new AbortController();
    const answer = await client.watch({ runId, cursor }, aborter.signal).next();
    aborter.abort();
    if (answer.done === true || answer.value.events.length === 0) return log;
    log = withEvents(log, answer.value.events);
    read += answer.value.events.length;
    cursor = answer.value.cursor;
  }
  return log;
}

/** Why tasks wait, by task; nothing where the scheduler cannot say. */
async function explained(client: Client, runId: string): Promise<Map<string, string>> {
  try {
    const { tasks } = await client.explain(runId);
    return new Map(tasks.filter(({ reason }) => reason !== "EXECUTING").map(({ task, message }) => [task, message]));
  } catch (error) {
    if (error instanceof RemoteError && error.code === "UNIMPLEMENTED") return new Map();
    throw error;
  }
}

function hintsFor({ runId, status, workflow }: RunInfo): Hint[] {
  switch (status) {
    case "FAILED":
      return [
        { what: "begin again where it failed", command: `cloaca retry ${runId}` },
        { what: "start anew", command: `cloaca run ${workflow}` },
      ];
    case "PAUSED":
      return [{ what: "let it go on", command: `cloaca resume ${runId}` }];
    case "PENDING":
    case "RUNNING":
      return [
        { what: "follow it", command: `cloaca watch ${runId}` },
        { what: "why its tasks wait", command: `cloaca explain ${runId}` },
      ];
    default:
      return [{ what: "start another", command: `cloaca run ${workflow}` }];
  }
}
