/** One connection of the host under test: what it said, and what the case says to it. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Hello,
  type HostEvent,
  type LeaseSchema,
  type LeaseVerdictSchema,
  type LimitsSchema,
  type ReceiptSchema,
  SchedulerEventSchema,
  type WelcomeSchema,
  type WorkRequest,
  type WorkResponse,
  WorkResponseSchema,
} from "@cloaca/protocol";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { CaseFailure, must, sleep, within } from "./patience.js";

export type Call = ServerDuplexStream<WorkRequest, WorkResponse>;
export type Said = NonNullable<MessageInitShape<typeof SchedulerEventSchema>["event"]>;
type Fields<T> = Exclude<T, { readonly $typeName: string }>;
export type LeaseFields = Fields<MessageInitShape<typeof LeaseSchema>>;
export type Kind = NonNullable<HostEvent["event"]["case"]>;
export type ValueOf<K extends Kind> = Extract<HostEvent["event"], { case: K }>["value"];

/** What is not as usual in a Welcome. */
export interface WelcomeChanges {
  readonly sessionId?: string;
  readonly resumeToken?: string;
  readonly resumed?: boolean;
  readonly ttlMs?: number;
  readonly heartbeatIntervalMs?: number;
  readonly limits?: Fields<MessageInitShape<typeof LimitsSchema>>;
  readonly verdicts?: Fields<MessageInitShape<typeof LeaseVerdictSchema>>[];
}

export interface Heard<K extends Kind = Kind> {
  readonly kind: K;
  readonly seq: bigint;
  readonly value: ValueOf<K>;
  /** `performance.now()` when it came. */
  readonly at: number;
  /** Number of the message that brought it, from 1. */
  readonly message: number;
}

export const LIMITS = {
  maxMessageBytes: 4_194_304,
  maxPatchBytes: 2_000_000,
  maxContextBytes: 3_000_000,
  maxFailureBytes: 16_384,
  maxTasks: 20_000,
} as const;

/** Version that the scripted scheduler gives the workflow `conformance`. */
export const VERSION = "conformance-1";

export class Connection {
  hello: Hello | null = null;
  /** Every event, in its order, heartbeats and Hello counted. */
  readonly heard: Heard[] = [];
  readonly over: Promise<void>;
  isOver = false;
  /** Whether events get a receipt as they come, and heartbeats an answer. */
  receipting = true;
  acking = true;
  isWelcomed = false;
  readonly #taken = new Set<Heard>();
  #changed: (() => void)[] = [];
  #messages = 0;

  constructor(
    readonly call: Call,
    readonly patienceMs: number,
    readonly onHello: (connection: Connection) => void,
  ) {
    this.over = new Promise((resolve) => {
      const end = (): void => {
        this.isOver = true;
        this.#notify();
        resolve();
      };
      call.on("end", end).on("cancelled", end).on("close", end);
    });
    call.on("data", ({ events }: WorkRequest) => {
      this.#messages++;
      for (const event of events) this.#hear(event);
    });
    call.on("end", () => call.end());
    call.on("error", () => {});
  }

  welcome(sessionId: string, generation: number, changes: WelcomeChanges): void {
    const value: Fields<MessageInitShape<typeof WelcomeSchema>> = {
      protocolVersion: 1,
      sessionId,
      resumeToken: `secret of ${sessionId}`,
      generation: BigInt(generation),
      resumed: generation > 1,
      ttlMs: 20_000,
      heartbeatIntervalMs: 200,
      limits: LIMITS,
      workflows: (this.hello?.definitions ?? []).map(({ name }) => ({ name, version: VERSION, created: false })),
      ...changes,
    };
    this.isWelcomed = true;
    this.say({ case: "welcome", value });
  }

  /** Everything in one message, as it is. */
  say(...events: Said[]): void {
    this.sayRaw(...events.map((event) => create(SchedulerEventSchema, { event })));
  }

  sayRaw(...events: MessageInitShape<typeof SchedulerEventSchema>[]): void {
    if (!this.isOver) this.call.write(create(WorkResponseSchema, { events }));
  }

  receipts(upTo: bigint, ...exceptions: Fields<MessageInitShape<typeof ReceiptSchema>>[]): void {
    this.say({ case: "receipts", value: { upTo, exceptions } });
  }

  /** The first event of one of these kinds that no call has returned yet, as soon as it is there. */
  async next<K extends Kind>(kind: K, leaseId?: string): Promise<Heard<K>> {
    const what = `${kind}${leaseId === undefined ? "" : ` of lease ${leaseId}`}`;
    const found = await this.#until(what, () => this.#untaken([kind], leaseId));
    return found as unknown as Heard<K>;
  }

  async nextOf<K extends Kind>(kinds: readonly K[], leaseId?: string): Promise<Heard<K>> {
    return (await this.#until(kinds.join(" or "), () => this.#untaken(kinds, leaseId))) as unknown as Heard<K>;
  }

  /** Everything that came about a lease. */
  about(leaseId: string): Heard[] {
    return this.heard.filter(({ value }) => leaseOf(value) === leaseId);
  }

  kinds(leaseId: string): Kind[] {
    return this.about(leaseId).map(({ kind }) => kind);
  }

  /** Resolves when the condition holds; fails the case when it does not in time. */
  async until(what: string, condition: () => boolean): Promise<void> {
    await this.#until(what, () => (condition() ? true : undefined));
  }

  /** Fails the case when one of these comes within the time. */
  async none(ms: number, kinds: readonly Kind[], leaseId: string, why: string): Promise<void> {
    await sleep(ms);
    const found = this.#untaken(kinds, leaseId);
    must(found === undefined, `${found?.kind} came for lease ${leaseId}: ${why}`);
  }

  async #until<T>(what: string, find: () => T | undefined): Promise<T> {
    const waited = async (): Promise<T> => {
      for (;;) {
        const found = find();
        if (found !== undefined) {
          if (typeof found === "object" && found !== null) this.#taken.add(found as unknown as Heard);
          return found;
        }
        if (this.isOver) throw new CaseFailure(`the host ended its connection, while it owed ${what}`);
        await new Promise<void>((resolve) => this.#changed.push(resolve));
      }
    };
    return await within(this.patienceMs, what, waited());
  }

  #untaken(kinds: readonly Kind[], leaseId?: string): Heard | undefined {
    return this.heard.find(
      (heard) =>
        kinds.includes(heard.kind) &&
        !this.#taken.has(heard) &&
        (leaseId === undefined || leaseOf(heard.value) === leaseId),
    );
  }

  #hear({ seq, event }: HostEvent): void {
    if (event.case === undefined) return;
    this.heard.push({ kind: event.case, seq, value: event.value, at: performance.now(), message: this.#messages });
    if (event.case === "hello") this.hello = event.value;
    if (event.case === "helloChunk") {
      this.hello?.definitions.push(...event.value.definitions);
      this.hello?.implementations.push(...event.value.implementations);
      this.hello?.heldLeases.push(...event.value.heldLeases);
    }
    if ((event.case === "hello" || event.case === "helloChunk") && !event.value.more) this.onHello(this);
    if (event.case === "heartbeat" && this.acking) {
      this.say({ case: "heartbeatAck", value: { nonce: event.value.nonce } });
    }
    if (seq > 0n && this.receipting) this.receipts(seq);
    this.#notify();
  }

  #notify(): void {
    for (const resolve of this.#changed.splice(0)) resolve();
  }
}

function leaseOf(value: object): string | undefined {
  return "leaseId" in value && typeof value.leaseId === "string" ? value.leaseId : undefined;
}
