export {
  Client,
  type ClientOptions,
  type RunResult,
  type StartArguments,
  type StartInput,
  type StartOptions,
} from "./client/client.js";
export { CloacaError, ConnectionError, RemoteError, RunFailedError } from "./errors/index.js";
