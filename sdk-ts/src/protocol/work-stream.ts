/** The host's stream, in words of the SDK: says hello, numbered events and heartbeats, and hears the scheduler. */
import { WorkRequestSchema, type WorkResponse } from "@cloaca/protocol";
import { encoderOf } from "@cloaca/protocol/codec";
import { type ServiceError, status } from "@grpc/grpc-js";
import { CloacaError } from "../errors/index.js";
import type { Channel } from "./channel.js";
import { decodeEvent } from "./decode.js";
import {
  bytesPerMessage,
  encodeEvent,
  encodeHeartbeat,
  encodeHello,
  eventBytes,
  type HostEventInit,
} from "./encode.js";
import { fromServiceError } from "./remote-error.js";
import type { Hello, NumberedEvent, SchedulerSays } from "./words.js";

export interface WorkStreamListener {
  /** Everything that one message brought. */
  heard(events: readonly SchedulerSays[]): void;
  /**
   * The stream is over; null is a good end. RemoteError and ConnectionError say how the other side ended it, `MESSAGE_UNWRITABLE`
   * that something to be said here is no message. Called once.
   */
  ended(error: CloacaError | null): void;
}

/** Events in one message at the most. */
const EVENTS_PER_MESSAGE = 1_000;

const encode = encoderOf(WorkRequestSchema);

interface Waiting {
  readonly event: HostEventInit;
  readonly bytes: number;
}

export class WorkStream {
  readonly #call: ReturnType<Channel["work"]>;
  #waiting: Waiting[] = [];
  #isFull = false;
  #isOver = false;

  /** @param maxMessageBytes no message is larger, as far as what is said can be parted (P10) */
  constructor(
    channel: Channel,
    readonly listener: WorkStreamListener,
    public maxMessageBytes: number,
  ) {
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
      this.#say(() => this.#flush());
    });
    // The status comes after the last message and after an error; it alone says how the stream ended.
    this.#call.on("error", () => {});
    this.#call.on("status", (end: { code: number; details: string; metadata: ServiceError["metadata"] }) => {
      const error = Object.assign(new Error(end.details), end);
      this.#end(end.code === status.OK ? null : fromServiceError(error, channel.address));
    });
  }

  hello(hello: Hello): void {
    this.#say(() => {
      // Each part in a message of its own: that is what chunks are for.
      for (const event of encodeHello(hello, this.maxMessageBytes)) this.#write([event]);
    });
  }

  heartbeat(nonce: number, mainLoopLagMs: number): void {
    this.#waiting.push({ event: encodeHeartbeat(nonce, mainLoopLagMs), bytes: 0 });
    this.#say(() => this.#flush());
  }

  send(events: readonly NumberedEvent[]): void {
    this.#say(() => {
      for (const event of events) this.#waiting.push({ event: encodeEvent(event), bytes: eventBytes(event) });
      this.#flush();
    });
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
      this.#isFull = !this.#write(events);
    }
  }

  /** Returns whether there is room for more. */
  #write(events: HostEventInit[]): boolean {
    return this.#call.write(encode({ events }));
  }

  /** What cannot be encoded ends the stream for good: the next one would break of the same. */
  #say(what: () => void): void {
    if (this.#isOver) return;
    try {
      what();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const error = new CloacaError("MESSAGE_UNWRITABLE", `the host has to say what is no message: ${why}`, { cause });
      // Whoever says it may be in the middle of something.
      queueMicrotask(() => {
        this.#end(error);
        this.#call.cancel();
      });
    }
  }

  #end(error: CloacaError | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.listener.ended(error);
  }

  /** How many of the waiting events go into one message. */
  #fitting(): number {
    const most = bytesPerMessage(this.maxMessageBytes);
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes;
      if (count === EVENTS_PER_MESSAGE || (count > 0 && bytes > most)) break;
      count++;
    }
    return count;
  }
}
