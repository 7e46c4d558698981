/** `HostService.Work`: a two-way stream as the wire of a connection. */
import type { WorkRequest } from "@cloaca/protocol";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { CloacaError } from "../core/errors.js";
import type { Connection, Wire } from "../engine/connection.js";
import type { SchedulerEvent } from "../engine/events.js";
import type { Scheduler } from "../engine/scheduler.js";
import { toHostEvent } from "./from-wire.js";
import { Malformed } from "./service-definition.js";
import { toStatus } from "./status.js";
import { toWorkResponse, type WireWorkResponse } from "./to-wire.js";

const NO_HELLO = "the stream ended before its hello was whole; the first event of a connection is hello";

type WorkCall = ServerDuplexStream<WorkRequest | Malformed, WireWorkResponse>;

export function work(scheduler: Scheduler, call: WorkCall): void {
  const wire = new StreamWire(scheduler, call);
  const connection = scheduler.connect(wire);
  wire.connection = connection;
  call.on("data", (request: WorkRequest | Malformed) => receive(connection, request));
  call.on("end", () => {
    if (connection.phase === "new") connection.fail(new CloacaError("HELLO_EXPECTED", NO_HELLO));
    connection.ended(true);
    call.end();
  });
  call.on("cancelled", () => connection.ended(false));
  call.on("error", () => connection.ended(false));
}

function receive(connection: Connection, request: WorkRequest | Malformed): void {
  try {
    if (request instanceof Malformed) throw malformed(request);
    connection.receive(request.events.map(toHostEvent));
  } catch (error) {
    connection.fail(CloacaError.from(error));
  }
}

export function malformed({ type, reason }: Malformed): CloacaError {
  return new CloacaError("REQUEST_INVALID", `the bytes of a message are no ${type}: ${reason}`);
}

class StreamWire implements Wire {
  isWritable = true;
  readonly repeats = false;
  connection: Connection | null = null;

  constructor(
    readonly scheduler: Scheduler,
    readonly call: WorkCall,
  ) {}

  send(events: readonly SchedulerEvent[]): void {
    // P7: at most one message is buffered below the outbox, so that control never waits behind leases.
    this.isWritable = false;
    this.call.write(toWorkResponse(events, this.scheduler.options.limits), (error?: Error | null) => {
      if (error) return;
      this.isWritable = true;
      if (this.connection !== null) this.scheduler.writable(this.connection);
    });
  }

  close(error: CloacaError | null): void {
    if (error === null) this.call.end();
    else this.call.emit("error", toStatus(error));
  }

  setReading(reading: boolean): void {
    if (reading) this.call.resume();
    else this.call.pause();
  }
}
