/** `WorkflowService`, in words of the SDK. */
import { toBinary } from "@bufbuild/protobuf";
import { type TriggerRule, type Workflow, WorkflowDefinitionSchema, WorkflowService } from "@cloaca/protocol";
import { RemoteError } from "../errors/index.js";
import { quote } from "../errors/quote.js";
import type { UnaryCalls } from "./calls.js";
import { toWireDefinition } from "./encode-definition.js";
import { date } from "./run-info.js";
import { isTooLarge } from "./too-large.js";
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
export async function registerWorkflow(
  channel: UnaryCalls,
  namespace: string,
  workflow: WireWorkflow,
): Promise<string> {
  const request = { namespace, definition: toWireDefinition(workflow) };
  try {
    const response = await channel.unary(WorkflowService.method.registerWorkflow, request);
    return response.workflow?.version ?? "";
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    const { length } = toBinary(WorkflowDefinitionSchema, request.definition);
    throw definitionTooLarge(workflow.name, length, error);
  }
}

function definitionTooLarge(name: string, bytes: number, refusal: RemoteError): RemoteError {
  const limit = `more than the scheduler takes in a message (${refusal.message})`;
  const remedy = "shorten its ids, rules and texts, or make several workflows of it";
  const message = `has ${bytes} bytes, ${limit}; ${remedy}`;
  const details = { ...refusal.details, problems: [{ path: "definition", message }] };
  return new RemoteError("DEFINITION_INVALID", `workflow ${quote(name)} ${message}`, details, { cause: refusal });
}

/** A task of a version of a workflow, as far as the graph goes. */
export interface WorkflowTaskInfo {
  readonly id: string;
  /** Ids, in declared order. */
  readonly dependencies: readonly string[];
  /** Retries after the first failure. */
  readonly retryAttempts: number;
  /** Whether a trigger rule decides about its start; else all its dependencies must succeed. */
  readonly hasRule: boolean;
  /** Tasks whose failure its rule names, and which it handles by succeeding. */
  readonly handles: readonly string[];
}

/** The tasks of a version of a workflow, in declared order; an empty version is the current one. */
export async function listWorkflowTasks(
  channel: UnaryCalls,
  namespace: string,
  name: string,
  version: string,
): Promise<WorkflowTaskInfo[]> {
  const { workflow } = await channel.unary(WorkflowService.method.getWorkflow, { namespace, name, version });
  return (workflow?.definition?.tasks ?? []).map(({ id, dependencies, retry, triggerRule }) => ({
    id,
    dependencies,
    retryAttempts: retry?.attempts ?? 0,
    hasRule: triggerRule !== undefined && triggerRule.rule.case !== "allSuccess",
    handles: failuresNamedBy(triggerRule),
  }));
}

function failuresNamedBy(rule: TriggerRule | undefined): string[] {
  const named = new Set<string>();
  const open = rule === undefined ? [] : [rule];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { case: kind, value } = next.rule;
    if (kind === "all" || kind === "any" || kind === "none") open.push(...value.rules);
    else if (kind === "failed") named.add(value);
  }
  return [...named];
}

/** Every version of every workflow, by name and then newest first. */
export async function listWorkflows(channel: UnaryCalls, namespace: string): Promise<WorkflowInfo[]> {
  const workflows: WorkflowInfo[] = [];
  let pageToken = "";
  do {
    const page = await channel.unary(WorkflowService.method.listWorkflows, { namespace, pageSize: 1_000, pageToken });
    workflows.push(...page.workflows.map(workflowInfo));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return workflows;
}

export async function pauseWorkflow(channel: UnaryCalls, namespace: string, name: string): Promise<WorkflowInfo> {
  const { workflow } = await channel.unary(WorkflowService.method.pauseWorkflow, { namespace, name });
  return workflowInfo(workflow);
}

export async function resumeWorkflow(channel: UnaryCalls, namespace: string, name: string): Promise<WorkflowInfo> {
  const { workflow } = await channel.unary(WorkflowService.method.resumeWorkflow, { namespace, name });
  return workflowInfo(workflow);
}

export async function promoteVersion(
  channel: UnaryCalls,
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
