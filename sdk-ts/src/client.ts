export { Client, type ClientOptions, type RunResult } from "./client/client.js";
export type { StartArguments, StartInput, StartOptions } from "./client/start-options.js";
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
  TaskRunInfo,
  TaskRunStateName,
} from "./protocol/run-info.js";
export type { WorkflowInfo } from "./protocol/workflow-calls.js";
