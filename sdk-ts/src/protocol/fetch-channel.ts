/** Calls to a scheduler by Connect over `fetch`: for browsers, which cannot speak gRPC. */
import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { ConnectionError, type RemoteError } from "../errors/index.js";
import { type Calls, type CallTime, closedError } from "./calls.js";
import { errorOf } from "./error-details.js";
import { MAX_TIMER_MS } from "./number-limits.js";
import { requestBytes } from "./request-bytes.js";

export interface FetchChannelOptions {
  /** A unary call that names no deadline fails after this time, in milliseconds. */
  readonly callTimeoutMs: number;
}

export class FetchChannel implements Calls {
  readonly #address: string;
  readonly #callTimeoutMs: number;
  readonly #transport: Transport;
  readonly #closing = new AbortController();

  constructor(url: string, { callTimeoutMs }: FetchChannelOptions) {
    this.#address = httpAddress(url);
    this.#callTimeoutMs = callTimeoutMs;
    this.#transport = createConnectTransport({ baseUrl: this.#address, useBinaryFormat: true });
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    { deadline }: CallTime = {},
  ): Promise<MessageShape<O>> {
    if (this.#closing.signal.aborted) throw closedError();
    const leftMs = deadline === undefined ? this.#callTimeoutMs : deadline - Date.now();
    const timeoutMs = Math.min(Math.max(1, Math.ceil(leftMs)), MAX_TIMER_MS);
    try {
      const { signal } = this.#closing;
      return (await this.#transport.unary(method, signal, timeoutMs, undefined, request)).message;
    } catch (error) {
      // What cannot be encoded was not sent: that is no word of the scheduler.
      requestBytes(method, request);
      throw this.#errorOf(error);
    }
  }

  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    signal?: AbortSignal,
  ): AsyncGenerator<MessageShape<O>> {
    if (this.#closing.signal.aborted) throw closedError();
    const over = new AbortController();
    const end = (): void => over.abort();
    for (const ending of [signal, this.#closing.signal]) ending?.addEventListener("abort", end);
    try {
      if (signal?.aborted) return;
      const { message } = await this.#transport.stream(
        method,
        over.signal,
        undefined,
        undefined,
        once(method, request),
      );
      yield* message;
    } catch (error) {
      if (signal?.aborted) return;
      requestBytes(method, request);
      throw this.#errorOf(error);
    } finally {
      for (const ending of [signal, this.#closing.signal]) ending?.removeEventListener("abort", end);
      // Who stops to listen in the middle ends the request.
      end();
    }
  }

  close(): void {
    this.#closing.abort();
  }

  #errorOf(thrown: unknown): RemoteError | ConnectionError {
    const error = ConnectError.from(thrown);
    // What `fetch` rejects with says nothing, on purpose: a page is not to learn what it cannot reach.
    if (error.cause instanceof TypeError) {
      const message = `${error.rawMessage}: no scheduler answers, or it does not let this page call (cloaca server --allow-origin)`;
      return new ConnectionError(this.#address, message, { cause: error });
    }
    const details = error.details.flatMap((detail) => ("type" in detail ? [detail] : []));
    return errorOf({ code: error.code, message: error.rawMessage, details, cause: error }, this.#address);
  }
}

async function* once<I extends DescMessage>(
  method: DescMethodServerStreaming<I, DescMessage>,
  request: MessageInitShape<I>,
): AsyncGenerator<MessageShape<I>> {
  yield create(method.input, request);
}

/**
 * `http://host:port` or `https://…`, with a path where a proxy serves the scheduler under one; `grpc://` and `grpcs://` mean
 * the same host and port. Throws ConnectionError for everything else.
 */
export function httpAddress(url: string): string {
  const address = url.replace(/^grpc(s?):\/\//, "http$1://").replace(/\/+$/, "");
  if (/^https?:\/\//.test(address) && URL.canParse(address)) return address;
  throw new ConnectionError(
    url,
    "this is no address of a scheduler that a browser can call; write http://host:port, or https://host for TLS",
  );
}
