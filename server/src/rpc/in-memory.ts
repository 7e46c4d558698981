/**
 * The services without a network: the bytes that would travel, handed over in turns of the runtime. A simulation that speaks
 * through it is decoded, checked and encoded as any host and any client is.
 */
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { RunService, WatchRunsResponseSchema, WorkRequestSchema, WorkResponseSchema } from "@cloaca/protocol";
import { encoderOf } from "@cloaca/protocol/codec";
import { CloacaError } from "../core/errors.js";
import type { Connection, Wire } from "../engine/connection.js";
import type { SchedulerEvent } from "../engine/events.js";
import type { Scheduler } from "../engine/scheduler.js";
import { namespaceOf, toHostEvent } from "./from-wire.js";
import { RunServiceRpc } from "./run-service.js";
import { eventToWire } from "./runs-to-wire.js";
import { deserializer, Malformed } from "./service-definition.js";
import { toWorkResponse } from "./to-wire.js";
import { malformed } from "./work.js";

/** A host's end of `HostService.Work`. */
export interface InMemoryHost {
  /** A `WorkResponse`. */
  heard(message: Uint8Array): void;
  /** The stream is over; null is a good end. */
  ended(error: CloacaError | null): void;
}

export interface InMemoryStream {
  /** Takes a `WorkRequest`. */
  send(message: Uint8Array): void;
  /** The host ends its side. */
  end(): void;
}

/** The methods of `RunService` that a simulation needs. */
export type InMemoryMethod = "startRuns" | "getRun" | "listTaskRuns" | "explainRun" | "cancelRun";

const encodeWork = encoderOf(WorkResponseSchema);
/** Chunks of a log that are read at a time. */
const PAGE = 500;

/** Opens `HostService.Work`. */
export function connectInMemory(scheduler: Scheduler, host: InMemoryHost): InMemoryStream {
  const { runtime } = scheduler.options;
  const wire = new InMemoryWire(scheduler, host);
  const connection = scheduler.connect(wire);
  wire.connection = connection;
  return {
    send: (message) => runtime.soon(() => receive(connection, message)),
    end: () =>
      runtime.soon(() => {
        connection.ended(true);
        host.ended(null);
      }),
  };
}

/** Calls a method of `RunService`: a request's bytes in, the answer's bytes out. Rejects with CloacaError. */
export async function callInMemory(
  scheduler: Scheduler,
  method: InMemoryMethod,
  request: Uint8Array,
): Promise<Uint8Array> {
  const runs = new RunServiceRpc(scheduler);
  const { input, output } = RunService.method[method];
  const message = decoded<DescMessage>(input, request);
  // Name and message belong together: both come from the same method.
  const handle = runs[method].bind(runs) as (message: unknown) => Promise<never>;
  return encoderOf(output)(await handle(message));
}

/** The whole log of a run, as the bytes of one `WatchRunsResponse`. */
export async function readLogInMemory(scheduler: Scheduler, namespace: string, runId: string): Promise<Uint8Array> {
  const query = { namespace: namespaceOf(namespace), runId, limit: PAGE };
  const events: ReturnType<typeof eventToWire>[] = [];
  for (let after = 0; ; ) {
    const page = await scheduler.store.events({ ...query, after });
    for (const chunk of page.chunks) for (const event of chunk.events) events.push(eventToWire(event, chunk));
    if (!page.more) break;
    after = page.position;
  }
  return encoderOf(WatchRunsResponseSchema)(create(WatchRunsResponseSchema, { events }));
}

function receive(connection: Connection, message: Uint8Array): void {
  try {
    connection.receive(decoded(WorkRequestSchema, message).events.map(toHostEvent));
  } catch (error) {
    connection.fail(CloacaError.from(error));
  }
}

function decoded<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  const message = deserializer(schema)(bytes);
  if (message instanceof Malformed) throw malformed(message);
  return message;
}

class InMemoryWire implements Wire {
  isWritable = true;
  readonly repeats = false;
  connection: Connection | null = null;

  constructor(
    readonly scheduler: Scheduler,
    readonly host: InMemoryHost,
  ) {}

  send(events: readonly SchedulerEvent[]): void {
    // P7: at most one message is under way.
    this.isWritable = false;
    const message = encodeWork(toWorkResponse(events, this.scheduler.options.limits));
    this.scheduler.options.runtime.soon(() => {
      this.host.heard(message);
      this.isWritable = true;
      if (this.connection !== null) this.scheduler.writable(this.connection);
    });
  }

  close(error: CloacaError | null): void {
    this.scheduler.options.runtime.soon(() => this.host.ended(error));
  }

  setReading(): void {
    // What the host says is in memory already.
  }
}
