/** What went wrong with a scheduler, or on the way to it, as an error of the command. */
import { CloacaError, ConnectionError, RemoteError } from "@cloaca/sdk/client";
import { CommandError, type Hint } from "./command-error.js";
import { EXIT } from "./exit-code.js";

/** The gRPC statuses and codes that say that the scheduler was not there for us. */
const AWAY: ReadonlySet<string> = new Set(["DRAINING", "STORE_UNAVAILABLE", "UNAVAILABLE"]);

/** What to run after an error of the scheduler; by its code, or by the status that all codes of a kind share. */
const HINTS: Readonly<Record<string, readonly Hint[]>> = {
  RUN_NOT_FOUND: [{ what: "see the runs that there are", command: "cloaca runs" }],
  RUN_NOT_FAILED: [{ what: "see the runs that have failed", command: "cloaca runs --status failed" }],
  WORKFLOW_NOT_FOUND: [{ what: "see the workflows that there are", command: "cloaca workflows" }],
  WORKFLOW_VERSION_NOT_FOUND: [{ what: "see the versions that there are", command: "cloaca workflows" }],
  HOST_NOT_FOUND: [{ what: "see the hosts that are alive", command: "cloaca hosts" }],
  PAGE_TOKEN_INVALID: [{ what: "begin with the first page", command: "cloaca runs" }],
  REQUEST_ID_CONFLICT: [{ what: "see the runs that there are", command: "cloaca runs" }],
  UNIMPLEMENTED: [{ what: "compare the versions: this command's is", command: "cloaca --version" }],
};

const ANY_HINT: readonly Hint[] = [{ what: "see how the scheduler is", command: "cloaca status" }];

/** Any error, as the command tells it. */
export function toCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof ConnectionError)
    return unreachable(error.address, error.message.slice(error.address.length + 2));
  if (error instanceof RemoteError) {
    const { code, message, details } = error;
    const isAway = AWAY.has(code) || details.status === "UNAVAILABLE";
    if (code === "DEADLINE_EXCEEDED") return unanswered(message);
    const exitCode = isAway ? EXIT.unreachable : EXIT.refused;
    return new CommandError(message, { exitCode, code, hints: HINTS[code] ?? ANY_HINT });
  }
  if (error instanceof CloacaError) {
    return new CommandError(error.message, { exitCode: EXIT.usage, code: error.code, hints: ANY_HINT });
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CommandError(`this is a defect of the command: ${message}`, {
    exitCode: EXIT.failed,
    code: "INTERNAL",
    hints: ANY_HINT,
  });
}

function unanswered(detail: string): CommandError {
  return new CommandError(`the scheduler gave no answer in time (${detail}); is it one that listens there?`, {
    exitCode: EXIT.unreachable,
    code: "DEADLINE_EXCEEDED",
    hints: [{ what: "say where it is", command: "cloaca --address <host:port>" }],
  });
}

function unreachable(address: string, detail: string): CommandError {
  // What grpc-js says about a refused connection is long, and says nothing more.
  const why = /ECONNREFUSED/.test(detail) ? "connection refused" : detail;
  return new CommandError(`no scheduler answers at ${address} (${why})`, {
    exitCode: EXIT.unreachable,
    code: "CONNECTION_FAILED",
    hints: [
      { what: "start one here", command: "cloaca server" },
      { what: "or say where it is", command: "cloaca --address <host:port>" },
    ],
  });
}
