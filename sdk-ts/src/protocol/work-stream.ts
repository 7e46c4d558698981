/** The host's stream, in words of the SDK: says hello, numbered events and heartbeats, and hears the scheduler. */
import type { WorkResponse } from "@cloaca/protocol";
import { type ServiceError, status } from "@grpc/grpc-js";
import type { ConnectionError, RemoteError } from "../errors/index.js";
import type { Channel } from "./channel.js";
import { decodeEvent } from "./decode.js";
import { encodeEvent, encodeHeartbeat, encodeHello, eventBytes, type HostEventInit } from "./encode.js";
import { fromServiceError } from "./remote-error.js";
import type { Hello, NumberedEvent, SchedulerSays } from "./words.js";

export interface WorkStreamListener {
  /** Everything that one message brought. */
  heard(events: readonly SchedulerSays[]): void;
  /** The stream is over; null is a good end. Called once. */
  ended(error: RemoteError | ConnectionError | null): void;
}

/** Events in one message at the most, and their size, about, in bytes (P10: a host splits its batches). */
const EVENTS_PER_MESSAGE = 1_000;
const BYTES_PER_MESSAGE = 1024 * 1024;

interface Waiting {
  readonly event: HostEventInit;
  readonly bytes: number;
}

export class WorkStream {
  readonly #call: ReturnType<Channel["work"]>;
  #waiting: Waiting[] = [];
  #isFull = false;
  #isOver = false;

  constructor(channel: Channel, listener: WorkStreamListener) {
    this.#call = channel.work();
    this.#call.on("data", ({ events }: WorkResponse) => {
      const known: SchedulerSays[] = [];
      for (const event of events) {
        const decoded = decodeEvent(event);
        if (decoded !== null) known.push(decoded);
      }
      listener.heard(known);
    });
    this.#call.on("drain", () => {
      this.#isFull = false;
      this.#flush();
    });
    // The status comes after the last message and after an error; it alone says how the stream ended.
    this.#call.on("error", () => {});
    this.#call.on("status", (end: { code: number; details: string; metadata: ServiceError["metadata"] }) => {
      if (this.#isOver) return;
      this.#isOver = true;
      const error = Object.assign(new Error(end.details), end);
      listener.ended(end.code === status.OK ? null : fromServiceError(error, channel.address));
    });
  }

  hello(hello: Hello): void {
    // Each part in a message of its own: that is what chunks are for.
    for (const event of encodeHello(hello)) this.#call.write({ events: [event] });
  }

  heartbeat(nonce: number, mainLoopLagMs: number): void {
    this.#waiting.push({ event: encodeHeartbeat(nonce, mainLoopLagMs), bytes: 0 });
    this.#flush();
  }

  send(events: readonly NumberedEvent[]): void {
    for (const event of events) this.#waiting.push({ event: encodeEvent(event), bytes: eventBytes(event) });
    this.#flush();
  }

  /** Ends the host's side; the scheduler ends the stream. */
  finish(): void {
    this.#call.end();
  }

  /** Gives the stream up; `ended` is still called. */
  cancel(): void {
    this.#call.cancel();
  }

  #flush(): void {
    // What does not fit waits here, and goes out in one message once there is room.
    while (this.#waiting.length > 0 && !this.#isFull && !this.#isOver) {
      const events = this.#waiting.splice(0, this.#fitting()).map((w) => w.event);
      this.#isFull = !this.#call.write({ events });
    }
  }

  /** How many of the waiting events go into one message. */
  #fitting(): number {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes;
      if (count === EVENTS_PER_MESSAGE || (count > 0 && bytes > BYTES_PER_MESSAGE)) break;
      count++;
    }
    return count;
  }
}
