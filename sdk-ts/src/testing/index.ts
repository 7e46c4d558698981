/** Tests of tasks and workflows, in memory and on a virtual clock. */
export type { ConditionScript, ConditionScripts, Poll } from "./condition-script.js";
export type { RetryDecision } from "./retry-decision.js";
export { type RunTaskOptions, runTask } from "./run-task.js";
export { type RunWorkflowArguments, runWorkflow } from "./run-workflow.js";
export type { SlotSpan } from "./slot-spans.js";
export { TestStuckError } from "./stuck-error.js";
export type { CallbackReport, DeferralOutcome, DeferralReport } from "./task-record.js";
export type { CheckpointReport, FailureReport, PatchReport, TaskReport } from "./task-report.js";
export type { TestOptions } from "./test-options.js";
export { sleep, VirtualClock } from "./virtual-clock.js";
export type { Replacement, RunWorkflowOptions } from "./workflow-options.js";
export type { AttemptFailure, WorkflowReport, WorkflowTaskReport } from "./workflow-report.js";
