/** `cloaca explain <run> [task…]`: why tasks wait. */
import { type Client, RemoteError, type RunExplanation, type RunInfo, type WaitReasonName } from "@cloaca/sdk/client";
import { Command } from "commander";
import { CommandError, type Hint } from "../command-error.js";
import { EXIT } from "../exit-code.js";
import { explanationJson } from "../json/shapes.js";
import { resolveRun } from "../resolve-run.js";
import { runCommand, type Session } from "../session.js";
import type { Line } from "../terminal/line.js";
import { isOver } from "../views/look.js";
import { runHead } from "../views/run-page.js";
import { explanationTable } from "../views/tables.js";

export function explainCommand(): Command {
  return new Command("explain")
    .description("say why the tasks of a run wait: a dependency, a slot, a host, a time, …")
    .argument("<run>", "its id, the beginning of it, or last")
    .argument("[tasks...]", "only these tasks; all that have not ended by default")
    .action((run: string, tasks: string[], _flags: unknown, command: Command) =>
      runCommand(command, (session) => explain(session, run, tasks)),
    );
}

async function explain(session: Session, text: string, tasks: readonly string[]): Promise<void> {
  const run = await resolveRun(session.client, text);
  const explanation = await explained(session.client, run.runId, tasks);
  const { width } = session.screen;
  const now = Date.now();
  session.show(
    () => explanationJson(run.runId, explanation),
    () => [
      ...runHead(run, { width, now }),
      [],
      ...(explanation.tasks.length === 0 ? ended : explanationTable(explanation, { width, now })),
      ...(explanation.leftOut > 0 ? [[[`and ${explanation.leftOut} more tasks`, "dim"]] as Line] : []),
      [],
      ...session.next(hintsFor(run, explanation)),
    ],
  );
}

async function explained(client: Client, runId: string, tasks: readonly string[]): Promise<RunExplanation> {
  try {
    return await client.explain(runId, tasks);
  } catch (error) {
    if (!(error instanceof RemoteError) || error.code !== "TASK_NOT_FOUND") throw error;
    const hints = [{ what: "see its tasks", command: `cloaca show ${runId}` }];
    throw new CommandError(error.message, { exitCode: EXIT.refused, code: error.code, hints });
  }
}

const ended: readonly Line[] = [[["every task has ended", "dim"]]];

/** What helps against a reason, if anybody can help. */
const REMEDIES: Readonly<Partial<Record<WaitReasonName, (runId: string, workflow: string) => Hint>>> = {
  RUN_PAUSED: (runId) => ({ what: "let the run go on", command: `cloaca resume ${runId}` }),
  WORKFLOW_PAUSED: (_, workflow) => ({
    what: "let the workflow go on",
    command: `cloaca resume --workflow ${workflow}`,
  }),
  NO_HOST: () => ({ what: "see the hosts that are alive", command: "cloaca hosts" }),
  NO_HOST_FOR_VERSION: () => ({ what: "see the versions that there are", command: "cloaca workflows" }),
  HOSTS_DRAINING: () => ({ what: "see which hosts drain", command: "cloaca hosts" }),
  HOSTS_DISCONNECTED: () => ({ what: "see when they were last heard", command: "cloaca hosts" }),
  NO_FREE_SLOT: () => ({ what: "see the hosts and their slots", command: "cloaca hosts" }),
  SLOT_TO_RESUME: () => ({ what: "see the hosts and their slots", command: "cloaca hosts" }),
};

/** What helps; the last one follows the run, or shows how it ended. */
export function hintsFor({ runId, workflow, status }: RunInfo, { tasks }: RunExplanation): Hint[] {
  if (isOver(status)) {
    const retry = { what: "begin again where it failed", command: `cloaca retry ${runId}` };
    const show = { what: "see how it ended", command: `cloaca show ${runId}` };
    return status === "FAILED" ? [retry, show] : [show];
  }
  // A paused run needs that, whatever its tasks wait for first.
  const reasons = new Set<WaitReasonName>(status === "PAUSED" ? ["RUN_PAUSED"] : []);
  for (const { reason } of tasks) reasons.add(reason);
  const remedies = new Map<string, Hint>();
  for (const reason of reasons) {
    const hint = REMEDIES[reason]?.(runId, workflow);
    if (hint !== undefined) remedies.set(hint.command, hint);
  }
  return [...remedies.values(), { what: "follow it", command: `cloaca watch ${runId}` }];
}
