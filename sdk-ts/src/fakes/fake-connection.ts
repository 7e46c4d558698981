/** One connection of a host to a FakeScheduler: what came, and what the test says. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Hello,
  type HostEvent,
  type LeaseSchema,
  type LeaseVerdictSchema,
  type LimitsSchema,
  type ReceiptSchema,
  SchedulerEventSchema,
  WelcomeSchema,
  type WorkRequest,
  type WorkResponse,
  WorkResponseSchema,
} from "@cloaca/protocol";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { statusDetails } from "./status-details.js";

export type Call = ServerDuplexStream<WorkRequest, WorkResponse>;

type Said = NonNullable<MessageInitShape<typeof SchedulerEventSchema>["event"]>;
type EventCase = NonNullable<HostEvent["event"]["case"]>;
type EventOf<C extends EventCase> = Extract<HostEvent["event"], { case: C }>["value"];

/** How a Welcome differs from the usual one. */
export interface WelcomeChanges {
  readonly sessionId?: string;
  readonly resumed?: boolean;
  readonly ttlMs?: number;
  readonly heartbeatIntervalMs?: number;
  readonly limits?: MessageInitShape<typeof LimitsSchema>;
  readonly verdicts?: MessageInitShape<typeof LeaseVerdictSchema>[];
  readonly workflows?: { readonly name: string; readonly version: string }[];
}

export class FakeConnection {
  /** The Hello, its chunks added to it. */
  hello: Hello | null = null;
  /** Chunks that came, the Hello counted. */
  chunks = 0;
  /** Numbered events, in the order in which they came. */
  readonly heard: HostEvent[] = [];
  /** Whether the host has ended its side. */
  readonly ended: Promise<void>;
  #taken = new Set<HostEvent>();
  #waiting: { readonly of: EventCase; readonly resolve: (event: HostEvent) => void }[] = [];
  #holdsReceipts = false;
  readonly #beats: (() => void)[] = [];

  constructor(
    readonly call: Call,
    readonly generation: number,
    readonly usual: WelcomeChanges,
    readonly onHello: () => void,
  ) {
    this.ended = new Promise((resolve) => {
      call.on("end", resolve);
      call.on("cancelled", resolve);
    });
    call.on("data", ({ events }: WorkRequest) => {
      for (const event of events) this.#hear(event);
    });
    call.on("end", () => call.end());
    call.on("error", () => {});
  }

  /** From here on events get no receipt unless `receipts` says one. */
  holdReceipts(): void {
    this.#holdsReceipts = true;
  }

  welcome(changes: WelcomeChanges = {}): void {
    const { definitions = [] } = this.hello ?? {};
    const welcome: MessageInitShape<typeof WelcomeSchema> = {
      protocolVersion: 1,
      sessionId: "s1",
      resumeToken: "secret",
      generation: BigInt(this.generation),
      resumed: this.generation > 1,
      ttlMs: 15_000,
      heartbeatIntervalMs: 5_000,
      limits: { maxMessageBytes: 4_194_304, maxPatchBytes: 1_000_000, maxFailureBytes: 4_096 },
      workflows: definitions.map(({ name }) => ({ name, version: `${name}-1` })),
      ...this.usual,
      ...changes,
    };
    this.say({ case: "welcome", value: create(WelcomeSchema, welcome) });
  }

  /** Everything in one message, as it is. */
  say(...events: Said[]): void {
    this.call.write(
      create(WorkResponseSchema, { events: events.map((event) => create(SchedulerEventSchema, { event })) }),
    );
  }

  /** Says an event that this version of the protocol does not have. */
  sayUnknown(): void {
    const event = create(SchedulerEventSchema);
    event.$unknown = [{ no: 99, wireType: 2, data: new Uint8Array([2, 8, 1]) }];
    this.call.write(create(WorkResponseSchema, { events: [event] }));
  }

  lease(
    leaseId: string,
    task: string,
    more: Exclude<MessageInitShape<typeof LeaseSchema>, { readonly $typeName: string }> = {},
  ): void {
    const workflow = { namespace: "default", runId: "r1", workflow: "work", workflowVersion: "work-1" };
    const value = { leaseId, task, taskRunId: `r1/${task}`, attempt: 1, fence: 1n, ...workflow, ...more };
    this.say({ case: "lease", value });
  }

  receipts(upTo: bigint, ...exceptions: MessageInitShape<typeof ReceiptSchema>[]): void {
    this.say({ case: "receipts", value: { upTo, exceptions } });
  }

  /** Resolves with the next heartbeat. */
  heartbeat(): Promise<void> {
    return new Promise((resolve) => this.#beats.push(resolve));
  }

  /** The first event of a kind that no call has returned yet, as soon as it is there. */
  async next<C extends EventCase>(of: C): Promise<{ readonly seq: bigint; readonly value: EventOf<C> }> {
    const here = this.heard.find((event) => event.event.case === of && !this.#taken.has(event));
    const event = here ?? (await new Promise<HostEvent>((resolve) => this.#waiting.push({ of, resolve })));
    this.#taken.add(event);
    return { seq: event.seq, value: event.event.value as EventOf<C> };
  }

  /** Kinds of the events that came so far, about a lease or about all. */
  kinds(leaseId?: string): string[] {
    return this.heard
      .filter(({ event: { value } }) => {
        if (leaseId === undefined) return true;
        return value !== undefined && "leaseId" in value && value.leaseId === leaseId;
      })
      .map(({ event }) => event.case ?? "");
  }

  /** Resolves when the host has read everything that was said before: it answers what it does not know with a Decline. */
  async settled(): Promise<void> {
    const probe = `probe-${this.heard.length}-${Math.random()}`;
    this.lease(probe, "no such task");
    for (;;) {
      const { value } = await this.next("decline");
      if (value.leaseId === probe) return;
    }
  }

  /** Ends the stream with a status, and the scheduler's own code for it. */
  fail(code: number, details: string, ownCode = "", retryAfterMs = 0): void {
    const metadata = statusDetails(ownCode, retryAfterMs);
    this.call.emit("error", Object.assign(new Error(details), { code, details, metadata }));
  }

  /** Ends the stream as a scheduler that goes away does. */
  end(): void {
    this.call.end();
  }

  #hear(event: HostEvent): void {
    const { case: kind, value } = event.event;
    if (kind === "hello") {
      this.hello = value;
      this.chunks = 1;
      if (!value.more) this.onHello();
      return;
    }
    if (kind === "helloChunk") {
      this.chunks++;
      this.hello?.definitions.push(...value.definitions);
      this.hello?.implementations.push(...value.implementations);
      this.hello?.heldLeases.push(...value.heldLeases);
      if (!value.more) this.onHello();
      return;
    }
    if (kind === "heartbeat") {
      for (const resolve of this.#beats.splice(0)) resolve();
      this.say({ case: "heartbeatAck", value: { nonce: value.nonce } });
      return;
    }
    this.heard.push(event);
    if (!this.#holdsReceipts) this.receipts(event.seq);
    const at = this.#waiting.findIndex(({ of }) => of === kind);
    if (at < 0) return;
    const [waiting] = this.#waiting.splice(at, 1);
    waiting?.resolve(event);
  }
}
