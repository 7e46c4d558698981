/**
 * A host without an SDK: answers each lease at once, so that what is measured is the scheduler. What it says in one turn
 * of its loop goes out as one message.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type HostEventSchema,
  HostService,
  type SchedulerEvent,
  type Welcome,
  type WorkRequestSchema,
  type WorkResponse,
} from "@cloaca/protocol";
import type { Client, ClientDuplexStream } from "@grpc/grpc-js";
import { connect, openStream } from "../wire/calls.js";
import { monotonicMs } from "../wire/monotonic.js";
import type { HostTally } from "./tally.js";

/** Tasks of workflows with this prefix defer, and complete once they were told to resume. */
export const DEFERRING = "deferring";
/** Key of a run's context with the time at which its start was asked for. */
export const STARTED_AT = "started_at";

export interface RawHostOptions {
  readonly address: string;
  readonly hostId: string;
  readonly slots: number;
  /** Workflows that it implements, in any version. */
  readonly workflows: readonly string[];
}

type Event = NonNullable<MessageInitShape<typeof HostEventSchema>["event"]>;

export class RawHost {
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<MessageInitShape<typeof WorkRequestSchema>, WorkResponse>;
  readonly #waiting: { readonly seq: bigint; readonly event: Event }[] = [];
  /** Leases whose slot is free, oldest first. */
  readonly #deferred = new Set<string>();
  /** When the condition of a lease came true. */
  readonly #metAt = new Map<string, number>();
  #seq = 0n;
  #isScheduled = false;
  #heartbeat: NodeJS.Timeout | undefined;
  #welcomed: () => void = () => {};
  readonly welcomed = new Promise<void>((resolve) => {
    this.#welcomed = resolve;
  });

  constructor(
    readonly options: RawHostOptions,
    readonly tally: HostTally,
  ) {
    this.#client = connect(options.address);
    this.#stream = openStream(this.#client, HostService.method.work);
    this.#stream.on("data", ({ events }: WorkResponse) => {
      for (const event of events) this.#hear(event);
    });
    this.#stream.on("error", (error) => this.tally.broken.push(String(error)));
    this.#stream.on("end", () => this.tally.broken.push("the scheduler ended the stream"));
    this.#say({ case: "hello", value: hello(options) }, 0n);
  }

  /** The conditions of so many deferred tasks are true now, and their hosts see it at once: no poll interval to wait for. */
  resume(count: number): void {
    for (const leaseId of this.#deferred) {
      if (count-- <= 0) return;
      this.#deferred.delete(leaseId);
      this.tally.deferred--;
      this.#metAt.set(leaseId, monotonicMs());
      this.#say({ case: "reclaim", value: { leaseId, deferral: 1 } });
    }
  }

  #hear({ event }: SchedulerEvent): void {
    switch (event.case) {
      case "lease": {
        const { leaseId, workflow, input } = event.value;
        this.tally.leases++;
        const startedAt = input[STARTED_AT];
        if (startedAt !== undefined) this.tally.startLatencies.push(monotonicMs() - Number(startedAt));
        if (!workflow.startsWith(DEFERRING)) this.#say({ case: "complete", value: { leaseId } });
        else this.#say({ case: "deferUntil", value: { leaseId, deferral: 1, pollIntervalMs: 1_000 } });
        break;
      }
      case "deferred":
        this.#deferred.add(event.value.leaseId);
        this.tally.deferred++;
        break;
      case "slotGranted": {
        const { leaseId } = event.value;
        const metAt = this.#metAt.get(leaseId);
        this.#metAt.delete(leaseId);
        if (metAt !== undefined) this.tally.resumeLatencies.push(monotonicMs() - metAt);
        this.#say({ case: "complete", value: { leaseId } });
        break;
      }
      case "receipts":
        this.tally.refused += event.value.exceptions.length;
        break;
      case "welcome":
        this.#live(event.value);
        break;
      case "cancel":
      case "revoked":
      case "drain":
        this.tally.broken.push(`the scheduler said ${event.case}`);
        break;
      default:
        break;
    }
  }

  #live({ heartbeatIntervalMs }: Welcome): void {
    this.#heartbeat = setInterval(
      () => this.#say({ case: "heartbeat", value: { nonce: 1n } }, 0n),
      heartbeatIntervalMs,
    );
    this.#heartbeat.unref();
    this.#welcomed();
  }

  #say(event: Event, seq: bigint = ++this.#seq): void {
    this.#waiting.push({ seq, event });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#stream.write({ events: this.#waiting.splice(0) });
    });
  }
}

function hello({ hostId, slots, workflows }: RawHostOptions) {
  return {
    protocolMin: 1,
    protocolMax: 1,
    hostId,
    instanceId: `${hostId}-${process.pid}-instance`,
    slots,
    implementations: workflows.map((workflow) => ({ workflow, anyVersion: true })),
  };
}
