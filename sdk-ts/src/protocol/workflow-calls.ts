/** `WorkflowService`, in words of the SDK. */
import { type Workflow, WorkflowService } from "@cloaca/protocol";
import { RemoteError } from "../errors/index.js";
import type { Channel } from "./channel.js";
import { toWireDefinition } from "./encode-definition.js";
import { date } from "./run-info.js";
import type { WireWorkflow } from "./words.js";

/** One version of a workflow, as the scheduler knows it. */
export interface WorkflowInfo {
  readonly namespace: string;
  readonly name: string;
  /** A hash of the canonical definition, computed by the scheduler. */
  readonly version: string;
  /** Whether new runs take this version when they name none. */
  readonly isCurrent: boolean;
  /** Whether it is current because somebody promoted it, and stays so when a newer one is registered. */
  readonly isPromoted: boolean;
  /** Whether the workflow is paused, with all its versions. */
  readonly isPaused: boolean;
  /** When this version was first registered. */
  readonly registeredAt: Date;
  readonly taskCount: number;
}

/** Registers a workflow; returns its version. */
export async function registerWorkflow(channel: Channel, namespace: string, workflow: WireWorkflow): Promise<string> {
  const request = { namespace, definition: toWireDefinition(workflow) };
  const response = await channel.unary(WorkflowService.method.registerWorkflow, request);
  return response.workflow?.version ?? "";
}

/** Every version of every workflow, by name and then newest first. */
export async function listWorkflows(channel: Channel, namespace: string): Promise<WorkflowInfo[]> {
  const workflows: WorkflowInfo[] = [];
  let pageToken = "";
  do {
    const page = await channel.unary(WorkflowService.method.listWorkflows, { namespace, pageSize: 1_000, pageToken });
    workflows.push(...page.workflows.map(workflowInfo));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return workflows;
}

export async function pauseWorkflow(channel: Channel, namespace: string, name: string): Promise<WorkflowInfo> {
  const { workflow } = await channel.unary(WorkflowService.method.pauseWorkflow, { namespace, name });
  return workflowInfo(workflow);
}

export async function resumeWorkflow(channel: Channel, namespace: string, name: string): Promise<WorkflowInfo> {
  const { workflow } = await channel.unary(WorkflowService.method.resumeWorkflow, { namespace, name });
  return workflowInfo(workflow);
}

export async function promoteVersion(
  channel: Channel,
  namespace: string,
  name: string,
  version: string,
): Promise<WorkflowInfo> {
  const { workflow } = await channel.unary(WorkflowService.method.promoteVersion, { namespace, name, version });
  return workflowInfo(workflow);
}

function workflowInfo(workflow: Workflow | undefined): WorkflowInfo {
  if (workflow === undefined) throw new RemoteError("INTERNAL", "the scheduler's answer has no workflow");
  const { namespace, name, version, current, promoted, paused, registeredAt, taskCount } = workflow;
  return {
    namespace,
    name,
    version,
    isCurrent: current,
    isPromoted: promoted,
    isPaused: paused,
    registeredAt: date(registeredAt) ?? new Date(0),
    taskCount,
  };
}
