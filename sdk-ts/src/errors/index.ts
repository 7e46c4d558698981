export { CloacaError, type ErrorOptions } from "./cloaca-error.js";
export {
  ContextConsumedError,
  ContextKeyExistsError,
  ContextKeyInvalidError,
  ContextKeyMissingError,
  ContextTooLargeError,
  ContextValueError,
  type ContextValueErrorCode,
} from "./context-errors.js";
export { DefinitionError } from "./definition-error.js";
export { ErrorRecord, errorRecord } from "./error-record.js";
export { isTransient } from "./failure-class.js";
export {
  DeferralNotAwaitedError,
  DeferTimeoutError,
  HandleConsumedError,
  type HandleConsumedReason,
  HandleMissingError,
  SlotsClosedError,
} from "./handle-errors.js";
export { InputError } from "./input-error.js";
export { OptionsError } from "./options-error.js";
export type { Problem } from "./problem.js";
export { ConnectionError, RemoteError, type RemoteErrorDetails } from "./remote-errors.js";
export { PermanentError, TransientError, type TransientErrorOptions } from "./retry-errors.js";
export { RunFailedError, type RunFailure, type UnsuccessfulTask } from "./run-failed-error.js";
export { CancelledError, TaskResultInvalidError, TaskTimeoutError } from "./task-errors.js";
