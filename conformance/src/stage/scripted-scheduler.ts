/** A scheduler on the real wire that says what a case tells it to, and keeps no books. */
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  HostService,
  KeepAliveRequestSchema,
  KeepAliveResponseSchema,
  WorkRequestSchema,
  WorkResponseSchema,
} from "@cloaca/protocol";
import { Server, ServerCredentials, type ServiceError } from "@grpc/grpc-js";
import { type Call, Connection, LIMITS } from "./connection.js";
import { within } from "./patience.js";
import { SocketProxy } from "./socket-proxy.js";

/** What the scheduler says to a connection before any event is heard; null to let it in. */
export type Refusal = Partial<ServiceError> & { readonly code: number };

export class ScriptedScheduler {
  /** Streams that were opened. */
  opened = 0;
  /** Refuses every stream while it is set. */
  refusal: Refusal | null = null;
  readonly #arrived: Connection[] = [];
  readonly #waiting: ((connection: Connection) => void)[] = [];

  private constructor(
    readonly server: Server,
    readonly proxy: SocketProxy,
    readonly patienceMs: number,
  ) {}

  static async start(patienceMs: number): Promise<ScriptedScheduler> {
    const server = new Server({ "grpc.max_receive_message_length": LIMITS.maxMessageBytes });
    const doors: { scheduler: ScriptedScheduler | null } = { scheduler: null };
    server.addService(METHODS, {
      work: (call: Call) => doors.scheduler?.accept(call),
      keepAlive: (_call: unknown, done: (error: null, answer: unknown) => void) =>
        done(null, create(KeepAliveResponseSchema, { ttlMs: 20_000 })),
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    doors.scheduler = new ScriptedScheduler(server, await SocketProxy.start(port), patienceMs);
    return doors.scheduler;
  }

  get address(): string {
    return this.proxy.address;
  }

  /** The next connection that has said its whole Hello; it is not welcomed yet. */
  connection(what = "the host's Hello", patienceMs = this.patienceMs): Promise<Connection> {
    const here = this.#arrived.shift();
    if (here !== undefined) return Promise.resolve(here);
    return within(patienceMs, what, new Promise<Connection>((resolve) => this.#waiting.push(resolve)));
  }

  async stop(): Promise<void> {
    this.server.forceShutdown();
    await this.proxy.stop();
  }

  accept(call: Call): void {
    this.opened++;
    if (this.refusal !== null) {
      call.on("error", () => {});
      call.emit("error", Object.assign(new Error(this.refusal.details ?? "refused"), this.refusal));
      return;
    }
    new Connection(call, this.patienceMs, (connection) => {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#arrived.push(connection);
      else waiting(connection);
    });
  }
}

const METHODS = {
  work: method("Work", true, WorkRequestSchema, WorkResponseSchema),
  keepAlive: method("KeepAlive", false, KeepAliveRequestSchema, KeepAliveResponseSchema),
};

function method<I extends DescMessage, O extends DescMessage>(name: string, streams: boolean, input: I, output: O) {
  return {
    path: `/${HostService.typeName}/${name}`,
    requestStream: streams,
    responseStream: streams,
    requestSerialize: (message: MessageShape<I>) => Buffer.from(toBinary(input, message)),
    requestDeserialize: (bytes: Uint8Array) => fromBinary(input, bytes),
    responseSerialize: (message: MessageShape<O>) => Buffer.from(toBinary(output, message)),
    responseDeserialize: (bytes: Uint8Array) => fromBinary(output, bytes),
  };
}
