/** Every command, as help groups them. */
import type { Command } from "commander";
import type { CommandGroup } from "../program.js";
import { auditCommand } from "./audit.js";
import { cancelCommand, pauseCommand, resumeCommand, retryCommand } from "./control.js";
import { explainCommand } from "./explain.js";
import { drainCommand, hostsCommand } from "./hosts.js";
import { runWorkflowCommand } from "./run.js";
import { runsCommand } from "./runs.js";
import { showCommand } from "./show.js";
import { statusCommand } from "./status.js";
import { watchCommand } from "./watch.js";
import { promoteCommand, workflowsCommand } from "./workflows.js";

export function allCommands(server: Command): readonly CommandGroup[] {
  const look = [statusCommand(), runsCommand(), showCommand(), watchCommand(), explainCommand()];
  const control = [cancelCommand(), pauseCommand(), resumeCommand(), retryCommand()];
  return [
    ["Look:", [...look, workflowsCommand(), hostsCommand()]],
    ["Run:", [runWorkflowCommand(), ...control]],
    ["Operate:", [server, promoteCommand(), drainCommand(), auditCommand()]],
  ];
}
