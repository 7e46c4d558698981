/** A host that says what a case tells it to, to a live scheduler. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { WorkRequest } from "@cloaca/protocol";
import {
  type HelloSchema,
  HostEventSchema,
  type Lease,
  type Receipt,
  type ReceiptResult,
  type SchedulerEvent,
  type Welcome,
  WorkRequestSchema,
  type WorkResponse,
} from "@cloaca/protocol";
import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { CaseFailure, within } from "../stage/patience.js";
import type { LiveScheduler } from "./live-scheduler.js";

type Fields<T> = Exclude<T, { readonly $typeName: string }>;
export type Said = NonNullable<MessageInitShape<typeof HostEventSchema>["event"]>;
export type HelloFields = Fields<MessageInitShape<typeof HelloSchema>>;
type Heard = SchedulerEvent["event"];
type Kind = NonNullable<Heard["case"]>;
type ValueOf<K extends Kind> = Extract<Heard, { case: K }>["value"];

const APPLIED: ReceiptResult = 1;

export class ScriptedHost {
  readonly heard: Heard[] = [];
  /** How the stream ended; null while it stands. */
  end: ServiceError | null | "in order" = null;
  readonly #stream: ClientDuplexStream<WorkRequest, WorkResponse>;
  readonly #taken = new Set<Heard>();
  #seq: bigint;
  #changed: (() => void)[] = [];

  constructor(
    readonly scheduler: LiveScheduler,
    /** The number after which its events go on; 0 in a new session. */
    seq = 0n,
  ) {
    this.#seq = seq;
    this.#stream = scheduler.work();
    this.#stream.on("data", ({ events }: WorkResponse) => {
      for (const { event } of events) this.heard.push(event);
      this.#notify();
    });
    this.#stream.on("error", (error: ServiceError) => {
      this.end = error;
      this.#notify();
    });
    this.#stream.on("end", () => {
      this.end ??= "in order";
      this.#notify();
    });
  }

  get seq(): bigint {
    return this.#seq;
  }

  async welcome(hello: HelloFields): Promise<Welcome> {
    this.sayRaw(0n, { case: "hello", value: hello });
    return await this.next("welcome");
  }

  sayRaw(seq: bigint, event: Said): void {
    this.#stream.write(create(WorkRequestSchema, { events: [create(HostEventSchema, { seq, event })] }));
  }

  /** An event that no version has. */
  sayUnknown(): bigint {
    const event = create(HostEventSchema, { seq: ++this.#seq });
    event.$unknown = [{ no: 900, wireType: 2, data: new Uint8Array([0]) }];
    this.#stream.write(create(WorkRequestSchema, { events: [event] }));
    return this.#seq;
  }

  /** Says something with the next number, and returns its receipt. */
  async say(event: Said): Promise<Pick<Receipt, "result" | "error">> {
    this.sayRaw(++this.#seq, event);
    return await this.receipt(this.#seq);
  }

  async receipt(seq: bigint): Promise<Pick<Receipt, "result" | "error">> {
    return await this.#until(`the receipt of event ${seq}`, () => {
      for (const { case: kind, value } of this.heard) {
        if (kind !== "receipts") continue;
        const exception = value.exceptions.find((receipt) => receipt.seq === seq);
        if (exception !== undefined) return exception;
        if (value.upTo >= seq) return { result: APPLIED };
      }
      return undefined;
    });
  }

  async lease(): Promise<Lease> {
    return await this.next("lease");
  }

  /** The first of a kind that no call has returned yet, as soon as it is there. */
  async next<K extends Kind>(kind: K): Promise<ValueOf<K>> {
    const found = await this.#until(kind, () => this.heard.find((e) => e.case === kind && !this.#taken.has(e)));
    this.#taken.add(found);
    return found.value as ValueOf<K>;
  }

  count(kind: Kind): number {
    return this.heard.filter((event) => event.case === kind).length;
  }

  /** Resolves when the scheduler has worked through all that was said before. */
  async settled(): Promise<void> {
    const nonce = BigInt(1_000_000 + this.heard.length);
    this.sayRaw(0n, { case: "heartbeat", value: { nonce } });
    await this.#until("HeartbeatAck", () =>
      this.heard.find((e) => e.case === "heartbeatAck" && e.value.nonce === nonce),
    );
  }

  /** Resolves when the scheduler has ended the stream. */
  async ended(): Promise<ServiceError | "in order"> {
    return await this.#until("the end of the stream", () => this.end ?? undefined, true);
  }

  /** Breaks the stream. */
  cut(): void {
    this.#stream.cancel();
  }

  /** Ends it in order. */
  finish(): void {
    this.#stream.end();
  }

  async #until<T>(what: string, find: () => T | undefined, isEnd = false): Promise<T> {
    const waited = async (): Promise<T> => {
      for (;;) {
        const found = find();
        if (found !== undefined) return found;
        if (this.end !== null && !isEnd) {
          const how = this.end === "in order" ? this.end : this.end.message;
          throw new CaseFailure(`the scheduler ended the stream (${how}) while it owed ${what}`);
        }
        await new Promise<void>((resolve) => this.#changed.push(resolve));
      }
    };
    return await within(this.scheduler.patienceMs, what, waited());
  }

  #notify(): void {
    for (const resolve of this.#changed.splice(0)) resolve();
  }
}
