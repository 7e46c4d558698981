export { CloacaError, type ErrorCode } from "./core/errors.js";
export { DEFAULT_LIMITS, type EngineLimits } from "./engine/limits.js";
export type { EngineLog } from "./engine/options.js";
export { VERSION } from "./engine/scheduler-version.js";
export { type RunningServer, type ServerOptions, startServer } from "./start-server.js";
