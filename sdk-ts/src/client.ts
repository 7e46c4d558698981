export {
  Client,
  type ClientOptions,
  type RunResult,
  type StartArguments,
  type StartInput,
  type StartOptions,
} from "./client/client.js";
export type { HostLossInfo } from "./errors/host-loss-info.js";
export { CloacaError, ConnectionError, RemoteError, RunFailedError } from "./errors/index.js";
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
