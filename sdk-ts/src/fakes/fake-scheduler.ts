/**
 * A scheduler on the real wire that says what a test tells it to. It keeps no books: it can repeat leases, grant what nobody
 * asked for, cancel late, fall silent and break its sockets. For tests of the host's side.
 */
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  HostService,
  KeepAliveRequestSchema,
  KeepAliveResponseSchema,
  WorkRequestSchema,
  WorkResponseSchema,
} from "@cloaca/protocol";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { type Call, FakeConnection, type WelcomeChanges } from "./fake-connection.js";
import { SocketProxy } from "./socket-proxy.js";

export class FakeScheduler {
  readonly connections: FakeConnection[] = [];
  readonly #arrived: FakeConnection[] = [];
  readonly #waiting: ((connection: FakeConnection) => void)[] = [];

  private constructor(
    readonly server: Server,
    readonly proxy: SocketProxy,
    readonly usual: WelcomeChanges,
  ) {}

  /** @param usual how its Welcomes differ from the usual one, unless a test says otherwise */
  static async start(usual: WelcomeChanges = {}): Promise<FakeScheduler> {
    const server = new Server();
    const connected: { of: FakeScheduler | null } = { of: null };
    server.addService(WORK, {
      work: (call: Call) => connected.of?.accept(call),
      keepAlive: (_call: unknown, done: (error: null, answer: unknown) => void) =>
        done(null, create(KeepAliveResponseSchema, { ttlMs: 15_000 })),
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    connected.of = new FakeScheduler(server, await SocketProxy.start({ host: "127.0.0.1", port }), usual);
    return connected.of;
  }

  get address(): string {
    return this.proxy.address;
  }

  /** The next connection that has said its whole Hello. */
  connection(): Promise<FakeConnection> {
    const here = this.#arrived.shift();
    return here === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(here);
  }

  /** The next connection, welcomed. */
  async welcomed(changes: WelcomeChanges = {}): Promise<FakeConnection> {
    const connection = await this.connection();
    connection.welcome(changes);
    return connection;
  }

  stop(): void {
    this.server.forceShutdown();
    this.proxy.stop();
  }

  accept(call: Call): void {
    const connection = new FakeConnection(call, this.connections.length + 1, this.usual, () => {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#arrived.push(connection);
      else waiting(connection);
    });
    this.connections.push(connection);
  }
}

const WORK = {
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
