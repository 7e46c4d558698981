/** The wire as any language has it: generated messages over gRPC, and nothing of the SDK. */
import {
  create,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type HostEventSchema,
  HostService,
  type RunEvent,
  RunService,
  type SchedulerEvent,
  WorkRequestSchema,
  type WorkResponse,
  WorkResponseSchema,
} from "@cloaca/protocol";
import { Client, type ClientDuplexStream, credentials, type ServiceError, type StatusObject } from "@grpc/grpc-js";

type Unary = DescService["method"][string] & DescMethodUnary;
type Streaming = DescMethodServerStreaming;

const path = (method: { parent: { typeName: string }; name: string }): string =>
  `/${method.parent.typeName}/${method.name}`;

/** Calls to one scheduler. */
export class Wire {
  readonly #client: Client;

  constructor(readonly address: string) {
    this.#client = new Client(address, credentials.createInsecure());
  }

  close(): void {
    this.#client.close();
  }

  call<M extends Unary>(method: M, request: MessageInitShape<M["input"]>): Promise<MessageShape<M["output"]>> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path(method),
        (message: Message) => Buffer.from(toBinary(method.input, message)),
        (bytes) => fromBinary(method.output, bytes) as MessageShape<M["output"]>,
        create(method.input, request),
        (error: ServiceError | null, response) => {
          if (error === null && response !== undefined) resolve(response);
          else reject(error ?? new Error("no response"));
        },
      );
    });
  }

  stream<M extends Streaming>(
    method: M,
    request: MessageInitShape<M["input"]>,
  ): AsyncIterable<MessageShape<M["output"]>> & { cancel(): void; on(event: "error", listener: () => void): void } {
    return this.#client.makeServerStreamRequest(
      path(method),
      (message: Message) => Buffer.from(toBinary(method.input, message)),
      (bytes) => fromBinary(method.output, bytes) as MessageShape<M["output"]>,
      create(method.input, request),
    );
  }

  /** The log of a run, to its last event. */
  async log(runId: string): Promise<RunEvent[]> {
    const events: RunEvent[] = [];
    for await (const response of this.stream(RunService.method.watchRuns, { runId })) events.push(...response.events);
    return events;
  }

  host(): WireHost {
    const stream = this.#client.makeBidiStreamRequest(
      path(HostService.method.work),
      (message: Message) => Buffer.from(toBinary(WorkRequestSchema, message as never)),
      (bytes) => fromBinary(WorkResponseSchema, bytes),
    );
    return new WireHost(stream as ClientDuplexStream<Message, WorkResponse>);
  }
}

type Case = Exclude<SchedulerEvent["event"]["case"], undefined>;
type ValueOf<C extends Case> = Extract<SchedulerEvent["event"], { case: C }>["value"];
type EventInit = NonNullable<MessageInitShape<typeof HostEventSchema>["event"]>;
type HelloInit = Extract<EventInit, { case: "hello" }>["value"];

/** The host's side of a stream: says what the test says, and lets it await what comes. */
export class WireHost {
  readonly #heard: SchedulerEvent[] = [];
  readonly #wake = new Set<() => void>();
  #seq = 0n;
  #status: StatusObject | null = null;
  /** How the stream ended. */
  readonly ended: Promise<StatusObject>;

  constructor(readonly stream: ClientDuplexStream<Message, WorkResponse>) {
    stream.on("data", ({ events }: WorkResponse) => {
      this.#heard.push(...events);
      this.#wakeAll();
    });
    this.ended = new Promise((resolve) => {
      stream.on("status", (status: StatusObject) => {
        this.#status = status;
        this.#wakeAll();
        resolve(status);
      });
    });
    // The status says it.
    stream.on("error", () => {});
  }

  /** Says something; returns the number of the event. */
  say(event: EventInit): bigint {
    const seq = event.case === "hello" || event.case === "heartbeat" ? 0n : ++this.#seq;
    this.stream.write(create(WorkRequestSchema, { events: [{ seq, event }] }));
    return seq;
  }

  async hello(hello: HelloInit): Promise<ValueOf<"welcome">> {
    const plain = { protocolMin: 1, protocolMax: 1, hostId: "host", instanceId: "instance-1", slots: 1 };
    this.say({ case: "hello", value: { ...plain, ...hello } });
    return this.next("welcome");
  }

  /** Takes the first event of a kind out of what was heard, as soon as it is there. */
  async next<C extends Case>(name: C, fits: (value: ValueOf<C>) => boolean = () => true): Promise<ValueOf<C>> {
    for (;;) {
      const at = this.#heard.findIndex(({ event }) => event.case === name && fits(event.value as ValueOf<C>));
      const [found] = at < 0 ? [] : this.#heard.splice(at, 1);
      if (found !== undefined) return found.event.value as ValueOf<C>;
      if (this.#status !== null) throw new Error(`the stream ended without ${name}: ${this.#status.details}`);
      await new Promise<void>((resolve) => this.#wake.add(resolve));
    }
  }

  #wakeAll(): void {
    for (const wake of this.#wake) wake();
    this.#wake.clear();
  }
}
