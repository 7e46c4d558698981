export * from "./client.js";
export * from "./errors/index.js";
export { DefaultRunner } from "./runner/default-runner.js";
export { Host } from "./runner/host.js";
export type { HostLog } from "./runner/host-log.js";
export type { HostOptions, RunOptions } from "./runner/host-options.js";
export type { ImplementOptions } from "./runner/implementation.js";
export type { DefaultRunnerOptions } from "./runner/runner-options.js";
export * from "./task/index.js";
