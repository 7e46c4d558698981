/** `workflows` and `promote`: what can be run, and in which version. */
import type { WorkflowInfo } from "@cloaca/sdk/client";
import { Command } from "commander";
import { CommandError } from "../command-error.js";
import { EXIT } from "../exit-code.js";
import { workflowJson } from "../json/shapes.js";
import { runCommand, type Session } from "../session.js";
import { workflowsTable } from "../views/tables.js";

export function workflowsCommand(): Command {
  return new Command("workflows")
    .description("list workflows, every version, newest first")
    .action((_flags: unknown, command: Command) => runCommand(command, listWorkflows));
}

export function promoteCommand(): Command {
  return new Command("promote")
    .description("say which version new runs take; runs that are there stay with theirs")
    .argument("<workflow>", "name of the workflow")
    .argument("[version]", "the version, or the beginning of it")
    .option("--newest", "from now on the newest one, in place of a version")
    .action((name: string, version: string | undefined, { newest }: { newest?: boolean }, command: Command) =>
      runCommand(command, (session) => promote(session, name, version, newest === true)),
    );
}

async function listWorkflows(session: Session): Promise<void> {
  const workflows = await session.client.workflows();
  session.show(
    () => ({ workflows: workflows.map(workflowJson) }),
    () => {
      if (workflows.length > 0) return workflowsTable(workflows, { width: session.screen.width, now: Date.now() });
      const hint = { what: "see the hosts that are connected", command: "cloaca hosts" };
      return [[["no workflow is registered: hosts register theirs when they connect", "dim"]], ...session.next([hint])];
    },
  );
}

async function promote(session: Session, name: string, version: string | undefined, newest: boolean): Promise<void> {
  if ((version === undefined) !== newest) throw CommandError.usage("name a version, or --newest", "promote");
  const { client } = session;
  const whole = version === undefined ? "" : wholeVersion(await client.workflows(), name, version);
  const workflow = await client.promote(name, whole);
  session.show(
    () => ({ workflow: workflowJson(workflow) }),
    () => [
      [
        ["● ", "green"],
        [name, "bold"],
        `  ${workflow.version}  `,
        [workflow.isPromoted ? "promoted" : "current", "green"],
      ],
      ...session.next([{ what: "start a run of it", command: `cloaca run ${name}` }]),
    ],
  );
}

/** The version that begins like this; as it is when none does, for the scheduler to refuse. */
function wholeVersion(workflows: readonly WorkflowInfo[], name: string, text: string): string {
  const versions = workflows.filter((workflow) => workflow.name === name).map(({ version }) => version);
  if (versions.includes(text)) return text;
  const found = versions.filter((version) => version.startsWith(text));
  const [only] = found;
  if (found.length <= 1) return only ?? text;
  throw new CommandError(
    `${found.length} versions of ${name} begin with ${JSON.stringify(text)}: ${found.join(", ")}`,
    {
      exitCode: EXIT.refused,
      code: "WORKFLOW_VERSION_AMBIGUOUS",
      hints: [{ what: "see the versions that there are", command: "cloaca workflows" }],
    },
  );
}
