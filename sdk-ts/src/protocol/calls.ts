/** What the control plane needs of a connection to a scheduler, whatever it speaks. */
import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { CloacaError } from "../errors/index.js";

export interface CallTime {
  /** When the call fails if it has no answer, in milliseconds since the epoch. */
  readonly deadline?: number;
}

/** What most calls need. */
export interface UnaryCalls {
  /**
   * @throws RemoteError, ConnectionError; CloacaError `REQUEST_INVALID` when the request cannot be encoded, `CLIENT_CLOSED` after
   *   `close`
   */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    time?: CallTime,
  ): Promise<MessageShape<O>>;
}

export interface Calls extends UnaryCalls {
  /** Yields the answers of a stream until it ends, or `signal` aborts. Throws as `unary` does. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    signal?: AbortSignal,
  ): AsyncGenerator<MessageShape<O>>;

  close(): void;
}

/** What a call after `close` ends with. */
export function closedError(): CloacaError {
  return new CloacaError("CLIENT_CLOSED", "the client was closed before this call; make a new one");
}
