/** `cloaca run <workflow>`: starts a run, and waits for it when asked to. */
import type { StartedRun } from "@cloaca/sdk/client";
import { Command, Option } from "commander";
import { EXIT, type ExitCode } from "../exit-code.js";
import { wholeRunJson } from "../json/shapes.js";
import { integer, keyValue, wholeNumber } from "../options.js";
import { type InputFlags, runInput } from "../run-input.js";
import { runCommand, type Session } from "../session.js";
import type { Line } from "../terminal/line.js";
import { runLook } from "../views/look.js";
import { type ExitOfRun, endOf, exitOf } from "./run-end.js";
import { pageOf } from "./show.js";

interface RunFlags extends InputFlags {
  readonly wait?: boolean;
  readonly version?: string;
  readonly priority: number;
  readonly label?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly requestId?: string;
}

const INT32 = 2_147_483_647;

export function runWorkflowCommand(): Command {
  return new Command("run")
    .description("start a run of a workflow")
    .argument("<workflow>", "name of the workflow")
    .addOption(
      new Option(
        "-c, --context <key=value>",
        "a value of its context, JSON or else text; repeat it for more",
      ).argParser(keyValue),
    )
    .option("-i, --input <file>", "a JSON object as its context; - reads the standard input")
    .option("--json-context <json>", "the same on the command line")
    .option("-w, --wait", "wait until it has ended: the exit code is 1 when it did not succeed")
    .option("--version <version>", "version to pin it to; the current one by default")
    .addOption(new Option("--priority <number>", "higher goes first").default(0).argParser(integer(-INT32 - 1, INT32)))
    .addOption(new Option("-l, --label <key=value>", "a label; repeat it for more").argParser(keyValue))
    .addOption(
      new Option("--timeout-ms <ms>", "cancel it when it is not over after this time; 0 is no limit")
        .default(0)
        .argParser(wholeNumber(0, 2_147_483_647)),
    )
    .option("--request-id <id>", "the same id with the same content starts it once, however often it is said")
    .addHelpText(
      "after",
      `
Examples:
  cloaca run hello --context name=world --wait
  cloaca run etl --context 'days=[1,2,3]' --context limit=10 --label team=data
  cloaca run etl --input context.json --request-id nightly --timeout-ms 3600000
  cloaca run etl --json --wait | jq .run.context`,
    )
    .action((workflow: string, flags: RunFlags, command: Command) =>
      runCommand(command, (session) => startRun(session, workflow, flags)),
    );
}

async function startRun(session: Session, workflow: string, flags: RunFlags): Promise<ExitCode> {
  const { wait = false, version = "", priority, label: labels = {}, timeoutMs, requestId } = flags;
  const options = { version, priority, labels, timeoutMs, ...(requestId === undefined ? null : { requestId }) };
  const started = await session.client.start(workflow, runInput(flags), options);
  if (!wait) {
    session.show(
      () => startedJson(workflow, started),
      () => [...startedLines(workflow, started), ...session.next(hintsFor(started.runId))],
    );
    return EXIT.ok;
  }
  if (!session.settings.isJson) session.screen.print(startedLines(workflow, started));
  return waitForEnd(session, workflow, started);
}

async function waitForEnd(session: Session, workflow: string, started: StartedRun): Promise<ExitOfRun> {
  const run = await endOf(session, started.runId);
  const parts = session.settings.isJson ? null : await pageOf(session, run, { isWhole: false });
  session.show(
    () => ({ ...startedJson(workflow, started), run: wholeRunJson(run) }),
    () => [[], ...(parts ?? [])],
  );
  return exitOf(run.status);
}

function startedJson(workflow: string, { runId, workflowVersion, existing }: StartedRun) {
  return { runId, workflow, workflowVersion, existing };
}

function startedLines(workflow: string, { runId, workflowVersion, existing }: StartedRun): Line[] {
  const { mark, style } = runLook("RUNNING");
  const verb = existing ? "had been started" : "started";
  return [[[`${mark} `, style], [workflow, "bold"], `  ${runId}  `, verb, [`  version ${workflowVersion}`, "dim"]]];
}

function hintsFor(runId: string) {
  return [
    { what: "follow it to its end", command: `cloaca watch ${runId}` },
    { what: "see its tasks", command: `cloaca show ${runId}` },
  ];
}
