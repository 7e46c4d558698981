/** `cloaca watch [run]`: follows one run to its end, or all runs until Ctrl-C. */
import type { RunEventInfo, RunInfo } from "@cloaca/sdk/client";
import { Command } from "commander";
import { CommandError } from "../command-error.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { followRun } from "../follow-run.js";
import { toJson } from "../json/raw-json.js";
import { eventJson } from "../json/shapes.js";
import { nearest } from "../nearest.js";
import { resolveRun } from "../resolve-run.js";
import { runCommand, type Session } from "../session.js";
import { eventLine } from "../views/event-line.js";
import { liveRun } from "../views/live-run.js";
import { isOver } from "../views/look.js";
import { emptyLog, withEvents } from "../views/run-log.js";
import { exitOf, withInterrupt } from "./run-end.js";
import { pageOf } from "./show.js";

interface WatchFlags {
  readonly workflow?: string;
}

/** How often a frame is drawn while nothing happens: times grow. */
const FRAME_MS = 250;
/** Frames that follow each other faster cannot be seen. */
const LEAST_FRAME_MS = 40;
const AWAY = "the scheduler is away; trying again";

export function watchCommand(): Command {
  return new Command("watch")
    .description("follow a run to its end, or all runs until Ctrl-C")
    .argument("[run]", "its id, the beginning of it, or last; all runs when it is left out")
    .option("--workflow <name>", "only runs of this workflow, when no run is named")
    .addHelpText(
      "after",
      `
On a terminal a run is drawn again and again; elsewhere, and with --json, each event is a line.
The exit code is that of the run: 0 when it succeeded, 1 when it failed or was cancelled. Ctrl-C is 130; the run goes on.

Examples:
  cloaca watch last
  cloaca watch --workflow etl --json | jq -r 'select(.type == "RUN_FAILED") | .runId'`,
    )
    .action((run: string | undefined, flags: WatchFlags, command: Command) =>
      runCommand(command, (session) => (run === undefined ? watchAll(session, flags) : watchOne(session, run, flags))),
    );
}

async function watchAll(session: Session, { workflow }: WatchFlags): Promise<ExitCode> {
  // A call that ends when nobody answers: a stream has no deadline.
  await session.client.list({ pageSize: 1 });
  const warning = workflow === undefined ? null : await unknownWorkflow(session, workflow);
  if (!session.settings.isJson && session.screen.isLive) {
    session.screen.print([[["all runs, until Ctrl-C", "dim"]]]);
  }
  await withInterrupt(async (signal, interrupted) => {
    if (warning !== null) session.warn(warning);
    const stream = session.client.watch(workflow === undefined ? {} : { workflow }, signal);
    for (;;) {
      const { done, value } = await Promise.race([stream.next(), interrupted]);
      if (done === true) return;
      append(session, value.events, true);
    }
  }, null);
  return EXIT.ok;
}

/** A host may yet register it, so it is waited for; but a wrong name would wait for ever. */
async function unknownWorkflow({ client }: Session, workflow: string): Promise<string | null> {
  const names = (await client.workflows()).map(({ name }) => name);
  if (names.includes(workflow)) return null;
  const near = nearest(workflow, names);
  const meant = near === null ? "." : `; did you mean ${near}?`;
  return `no workflow ${JSON.stringify(workflow)} is registered yet${meant} Waiting for its runs`;
}

async function watchOne(session: Session, text: string, { workflow }: WatchFlags): Promise<ExitCode> {
  if (workflow !== undefined) throw CommandError.usage("name a run or --workflow, not both", "watch");
  const run = await resolveRun(session.client, text);
  const isLive = !session.settings.isJson && session.screen.isLive;
  return isLive ? drawRun(session, run) : appendRun(session, run);
}

async function appendRun(session: Session, run: RunInfo): Promise<ExitCode> {
  const { runId } = run;
  return withInterrupt(async (signal, interrupted) => {
    const stream = followRun(session.client, runId, signal, () => session.warn(AWAY));
    for (;;) {
      const { done, value } = await Promise.race([stream.next(), interrupted]);
      if (done === true) return exitOf((await session.client.get(runId)).status);
      append(session, value, false);
    }
  }, runId);
}

function append({ settings, screen }: Session, events: readonly RunEventInfo[], isOfMany: boolean): void {
  if (settings.isJson) screen.raw(events.map((event) => `${toJson(eventJson(event))}\n`).join(""));
  else screen.print(events.map((event) => eventLine(event, isOfMany)));
}

/** Draws the run as it goes on; its page stays at the end. */
async function drawRun(session: Session, run: RunInfo): Promise<ExitCode> {
  const { client, screen } = session;
  const { runId } = run;
  const tasks = await client.tasks(runId);
  let log = emptyLog(tasks.map(({ task }) => task));
  let drawnAt = 0;
  let isAway = false;
  const draw = (): void => {
    drawnAt = Date.now();
    const frame = liveRun(run, log, { width: screen.width, height: screen.height, now: drawnAt });
    screen.draw(isAway ? [[[AWAY, "yellow"]], ...frame] : frame);
  };
  const timer = setInterval(draw, FRAME_MS);
  process.stdout.on("resize", draw);
  try {
    await withInterrupt(async (signal, interrupted) => {
      const stream = followRun(client, runId, signal, () => {
        isAway = true;
      });
      for (;;) {
        const { done, value } = await Promise.race([stream.next(), interrupted]);
        if (done === true) return;
        isAway = false;
        log = withEvents(log, value);
        if (Date.now() - drawnAt >= LEAST_FRAME_MS || isOver(log.status)) draw();
      }
    }, runId);
  } finally {
    clearInterval(timer);
    process.stdout.off("resize", draw);
  }
  const ended = await client.get(runId);
  const page = await pageOf(session, ended, { isWhole: false });
  screen.draw([]);
  screen.print(page);
  return exitOf(ended.status);
}
