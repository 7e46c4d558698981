/** A connection to a scheduler by grpc-js: unary calls, a stream of answers, and the host's two-way stream. */
import type {
  DescMessage,
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { HostService, type WorkResponse, WorkResponseSchema } from "@cloaca/protocol";
import { decoderOf } from "@cloaca/protocol/codec";
import { type ClientDuplexStream, credentials, Client as GrpcClient, Metadata, type ServiceError } from "@grpc/grpc-js";
import { ConnectionError } from "../errors/index.js";
import { type Calls, type CallTime, closedError } from "./calls.js";
import { MAX_PORT } from "./number-limits.js";
import { fromServiceError } from "./remote-error.js";
import { requestBytes } from "./request-bytes.js";

export interface ParsedAddress {
  /** Host and port. */
  readonly target: string;
  readonly isTls: boolean;
}

/** `grpc://host:port`, `grpcs://host:port` or `host:port`. Throws ConnectionError for everything else. */
export function parseAddress(url: string): ParsedAddress {
  const match = /^(?:(grpcs?):\/\/)?((?:\[[0-9a-fA-F:.]+\]|[^:/\s]+):\d{1,5})\/?$/.exec(url);
  if (match?.[2] === undefined || portOf(match[2]) > MAX_PORT) {
    throw new ConnectionError(
      url,
      "this is no address of a scheduler; write grpc://host:port, or grpcs://host:port for TLS",
    );
  }
  return { target: match[2], isTls: match[1] === "grpcs" };
}

function portOf(target: string): number {
  return Number(target.slice(target.lastIndexOf(":") + 1));
}

/** Keeps answers with many task runs from being refused; requests are the scheduler's to limit. */
const MAX_RECEIVE_BYTES = 64 * 1024 * 1024;

export interface ChannelOptions {
  /** A unary call that names no deadline fails after this time, in milliseconds. No limit by default. */
  readonly callTimeoutMs?: number;
}

const decodeWork = decoderOf(WorkResponseSchema);

export class Channel implements Calls {
  readonly address: string;
  readonly #client: GrpcClient;
  readonly #callTimeoutMs: number;
  #isClosed = false;

  constructor(url: string, { callTimeoutMs = Number.POSITIVE_INFINITY }: ChannelOptions = {}) {
    const { target, isTls } = parseAddress(url);
    this.address = target;
    this.#callTimeoutMs = callTimeoutMs;
    this.#client = new GrpcClient(target, isTls ? credentials.createSsl() : credentials.createInsecure(), {
      "grpc.max_receive_message_length": MAX_RECEIVE_BYTES,
      "grpc.max_send_message_length": -1,
      // Hosts dial again by themselves, with a backoff of their own.
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 2_000,
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    time: CallTime = {},
  ): Promise<MessageShape<O>> {
    const bytes = this.#bytesOf(method, request);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/${method.parent.typeName}/${method.name}`,
        asIs,
        decoderOf(method.output),
        bytes,
        new Metadata(),
        { deadline: Date.now() + this.#callTimeoutMs, ...time },
        (error: ServiceError | null, response?: MessageShape<O>) => {
          if (error !== null) reject(fromServiceError(error, this.address));
          else if (response === undefined)
            reject(new ConnectionError(this.address, "the call ended without an answer"));
          else resolve(response);
        },
      );
    });
  }

  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    signal?: AbortSignal,
  ): AsyncGenerator<MessageShape<O>> {
    const call = this.#client.makeServerStreamRequest(
      `/${method.parent.typeName}/${method.name}`,
      asIs,
      decoderOf(method.output),
      this.#bytesOf(method, request),
      new Metadata(),
      {},
    );
    const onAbort = (): void => call.cancel();
    signal?.addEventListener("abort", onAbort);
    try {
      if (signal?.aborted) return;
      for await (const message of call) yield message;
    } catch (error) {
      if (signal?.aborted) return;
      throw fromServiceError(error as ServiceError, this.address);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      call.cancel();
    }
  }

  /** Takes bytes: grpc-js would end the stream of a message that cannot be encoded, with a status like a scheduler's. */
  work(): ClientDuplexStream<Buffer, WorkResponse> {
    return this.#client.makeBidiStreamRequest(
      `/${HostService.typeName}/Work`,
      (bytes: Buffer) => bytes,
      decodeWork,
      new Metadata(),
      {},
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#client.close();
  }

  /** Encoded here, so that what cannot be is told from what the scheduler refuses. */
  #bytesOf<I extends DescMessage>(method: DescMethod & { readonly input: I }, request: MessageInitShape<I>): Buffer {
    if (this.#isClosed) throw closedError();
    const bytes = requestBytes(method, request);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
