export {
  Client,
  type ClientOptions,
  type RunResult,
  type StartArguments,
  type StartInput,
  type StartOptions,
} from "./client/client.js";
export * from "./errors/index.js";
export type {
  ListQuery,
  RunEventInfo,
  RunEventName,
  RunInfo,
  RunStatusName,
  StartedRun,
  TaskRunInfo,
  TaskRunStateName,
  WatchQuery,
} from "./protocol/run-calls.js";
export { DefaultRunner } from "./runner/default-runner.js";
export { Host } from "./runner/host.js";
export type { HostLog } from "./runner/host-log.js";
export type { HostOptions, RunOptions } from "./runner/host-options.js";
export type { DefaultRunnerOptions } from "./runner/runner-options.js";
export * from "./task/index.js";
