/** What the entries of the client share, whichever protocol it speaks. */
export type { RunResult } from "./client/client-base.js";
export type { ClientOptions } from "./client/client-options.js";
export type { StartArguments, StartInput, StartOptions } from "./client/start-options.js";
export type { HostLossInfo } from "./errors/host-loss-info.js";
export {
  CloacaError,
  ConnectionError,
  InputError,
  OptionsError,
  type Problem,
  RemoteError,
  RunFailedError,
} from "./errors/index.js";
export type { DrainOptions, HostInfo, HostLease } from "./protocol/admin-calls.js";
export type {
  ListQuery,
  RetriedRun,
  RunExplanation,
  StartedRun,
  TaskExplanation,
  WaitReasonName,
  WatchQuery,
} from "./protocol/run-calls.js";
export type {
  RunEventInfo,
  RunEventName,
  RunInfo,
  RunStatusName,
  SkipCauseName,
  TaskFailureInfo,
  TaskRunInfo,
  TaskRunStateName,
} from "./protocol/run-info.js";
export type { WorkflowInfo, WorkflowTaskInfo } from "./protocol/workflow-calls.js";
