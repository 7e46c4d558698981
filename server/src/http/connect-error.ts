/** The one place where errors become errors of the Connect protocol: the codes and details that gRPC has. */
import { Code, ConnectError } from "@connectrpc/connect";
import { CloacaError, ERROR_CODES, type StatusName } from "../core/errors.js";
import { errorDetails, messageOf } from "../rpc/error-details.js";

const CODES: Readonly<Record<StatusName, Code>> = {
  CANCELLED: Code.Canceled,
  INVALID_ARGUMENT: Code.InvalidArgument,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
  NOT_FOUND: Code.NotFound,
  ALREADY_EXISTS: Code.AlreadyExists,
  PERMISSION_DENIED: Code.PermissionDenied,
  FAILED_PRECONDITION: Code.FailedPrecondition,
  ABORTED: Code.Aborted,
  OUT_OF_RANGE: Code.OutOfRange,
  UNIMPLEMENTED: Code.Unimplemented,
  INTERNAL: Code.Internal,
  UNAVAILABLE: Code.Unavailable,
};

/** What the library threw, such as a deadline that has passed, stays as it is. */
export function toConnectError(thrown: unknown): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  const error = CloacaError.from(thrown);
  const connectError = new ConnectError(messageOf(error), CODES[ERROR_CODES[error.code].status]);
  connectError.details = errorDetails(error).map((detail) => ({ ...detail }));
  return connectError;
}
