/** `cancel`, `pause`, `resume`, `retry`: what people do to runs; `pause` and `resume` also to workflows. */
import type { RunInfo, RunStatusName, WorkflowInfo } from "@cloaca/sdk/client";
import { Command } from "commander";
import { CommandError, type Hint } from "../command-error.js";
import { EXIT } from "../exit-code.js";
import { workflowJson } from "../json/shapes.js";
import { resolveRun } from "../resolve-run.js";
import { runCommand, type Session } from "../session.js";
import type { Line } from "../terminal/line.js";
import { isOver, runLook } from "../views/look.js";

const RUN = "its id, the beginning of it, or last";

export function cancelCommand(): Command {
  return new Command("cancel")
    .description("cancel a run, with its tasks that have not ended")
    .argument("<run>", RUN)
    .option("--reason <text>", "why, for people and for the tasks")
    .action((text: string, { reason }: { reason?: string }, command: Command) =>
      runCommand(command, async (session) => {
        const run = await resolveRun(session.client, text);
        const status = await session.client.cancel(run.runId, reason);
        if (status !== "CANCELLED") throw endedBefore(run, status);
        tell(session, run, status, [{ what: "see what it had done", command: `cloaca show ${run.runId}` }]);
      }),
    );
}

export function pauseCommand(): Command {
  return new Command("pause")
    .description("pause a run or a workflow: nothing of it is leased, what runs goes on")
    .argument("[run]", RUN)
    .option("--workflow <name>", "a workflow, with all its versions and runs, in place of a run")
    .option("--reason <text>", "why, for people; of a run")
    .action((text: string | undefined, flags: { workflow?: string; reason?: string }, command: Command) =>
      runCommand(command, async (session) => {
        const target = targetOf(text, flags.workflow, "pause");
        if (target.kind === "workflow") {
          tellWorkflow(session, await session.client.pauseWorkflow(target.name), "resume");
          return;
        }
        const run = await resolveRun(session.client, target.text);
        const status = await session.client.pause(run.runId, flags.reason);
        if (isOver(status)) throw endedBefore(run, status);
        tell(session, run, status, [{ what: "let it go on", command: `cloaca resume ${run.runId}` }]);
      }),
    );
}

export function resumeCommand(): Command {
  return new Command("resume")
    .description("let a paused run or workflow go on")
    .argument("[run]", RUN)
    .option("--workflow <name>", "a workflow in place of a run")
    .action((text: string | undefined, flags: { workflow?: string }, command: Command) =>
      runCommand(command, async (session) => {
        const target = targetOf(text, flags.workflow, "resume");
        if (target.kind === "workflow") {
          tellWorkflow(session, await session.client.resumeWorkflow(target.name), "pause");
          return;
        }
        const run = await resolveRun(session.client, target.text);
        const status = await session.client.resume(run.runId);
        if (isOver(status)) throw endedBefore(run, status);
        tell(session, run, status, [{ what: "follow it", command: `cloaca watch ${run.runId}` }]);
      }),
    );
}

export function retryCommand(): Command {
  return new Command("retry")
    .description("take up a failed run where it failed: its failed tasks, and all after them, begin anew")
    .argument("<run>", RUN)
    .option("--request-id <id>", "the id of the run's last retry again changes nothing")
    .action((text: string, flags: { requestId?: string }, command: Command) =>
      runCommand(command, async (session) => {
        const run = await resolveRun(session.client, text);
        const { requestId } = flags;
        const options = requestId === undefined ? {} : { requestId };
        const { status, resetTasks } = await session.client.retry(run.runId, options);
        session.show(
          () => ({ runId: run.runId, workflow: run.workflow, status, resetTasks }),
          () => [
            ...line(run, status),
            [
              ["  begin anew: ", "dim"],
              resetTasks.length === 0 ? "nothing; it was retried before" : resetTasks.join(", "),
            ],
            ...session.next([{ what: "follow it", command: `cloaca watch ${run.runId}` }]),
          ],
        );
      }),
    );
}

type Target = { readonly kind: "run"; readonly text: string } | { readonly kind: "workflow"; readonly name: string };

function targetOf(run: string | undefined, workflow: string | undefined, verb: string): Target {
  if (run !== undefined && workflow === undefined) return { kind: "run", text: run };
  if (run === undefined && workflow !== undefined) return { kind: "workflow", name: workflow };
  throw CommandError.usage(`name either a run or --workflow <name> to ${verb}`, verb);
}

function endedBefore({ runId, workflow }: RunInfo, status: RunStatusName): CommandError {
  const hints: Hint[] =
    status === "FAILED"
      ? [{ what: "begin again where it failed", command: `cloaca retry ${runId}` }]
      : [{ what: "see how it ended", command: `cloaca show ${runId}` }];
  return new CommandError(`run ${runId} of ${workflow} had ended before: ${runLook(status).word}`, {
    exitCode: EXIT.refused,
    code: "RUN_OVER",
    hints,
  });
}

function line({ runId, workflow }: RunInfo, status: RunStatusName): Line[] {
  const { mark, word, style } = runLook(status);
  return [[[`${mark} `, style], [workflow, "bold"], `  ${runId}  `, [word, style]]];
}

function tell(session: Session, run: RunInfo, status: RunStatusName, hints: readonly Hint[]): void {
  session.show(
    () => ({ runId: run.runId, workflow: run.workflow, status }),
    () => [...line(run, status), ...session.next(hints)],
  );
}

function tellWorkflow(session: Session, workflow: WorkflowInfo, opposite: "pause" | "resume"): void {
  const { mark, word, style } = runLook(workflow.isPaused ? "PAUSED" : "RUNNING");
  const hint: Hint = {
    what: opposite === "resume" ? "let it go on" : "pause it again",
    command: `cloaca ${opposite} --workflow ${workflow.name}`,
  };
  session.show(
    () => ({ workflow: workflowJson(workflow) }),
    () => [
      [
        [`${mark} `, style],
        ["workflow ", "dim"],
        [workflow.name, "bold"],
        "  ",
        [workflow.isPaused ? word : "goes on", style],
      ],
      ...session.next([hint]),
    ],
  );
}
