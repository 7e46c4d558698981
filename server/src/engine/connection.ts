/**
 * One connection of a host: a `Work` stream, or the polls of `Exchange`. It collects the `Hello`, numbers what came in,
 * and sends what waits in the outbox as soon as the wire takes it.
 *
 *   new → (hello_chunk …) → opening → open → closed
 */
import { CloacaError } from "../core/errors.js";
import type { Hello, HelloChunk, HostEvent, SchedulerEvent } from "./events.js";
import { LongHello } from "./long-hello.js";
import { Outbox } from "./outbox.js";

/** The transport below a connection. */
export interface Wire {
  /** Whether a message can go out now. At most one is buffered below the outbox (P7). */
  readonly isWritable: boolean;
  /** P14: a request of Exchange may be sent again, with the numbers it had. */
  readonly repeats: boolean;
  send(events: readonly SchedulerEvent[]): void;
  /** Ends the connection; null is a good end. */
  close(error: CloacaError | null): void;
  /** Whether more input should be read; called when it changes. */
  setReading(reading: boolean): void;
}

/** What a connection tells the engine. */
export interface ConnectionOwner {
  opening(connection: Connection, hello: Hello): void;
  heard(connection: Connection): void;
  received(connection: Connection, events: readonly HostEvent[]): void;
  /** The wire takes more. */
  writable(connection: Connection): void;
  /** `clean` when the host ended it, not the network. */
  closed(connection: Connection, clean: boolean): void;
}

/** Waiting events above which no more input is read. */
const READ_STOP = 10_000;

export type ConnectionPhase = "new" | "opening" | "open" | "closed";

export class Connection {
  phase: ConnectionPhase = "new";
  sessionId = "";
  generation = 0;
  /** Lag of the host's main loop as of its last heartbeat. */
  mainLoopLagMs = 0;
  /** A grant passed it over because it could not be sent to. */
  wasPassedOver = false;
  readonly outbox: Outbox;
  /** Set by the owner; called once the connection said hello or is closed. */
  cancelHelloTimeout: () => void = () => {};
  /** One that goes on in chunks, until it is whole. */
  #hello: LongHello | null = null;
  #lastSeq = 0;
  /** Events that were read and have no turn yet: they wait while the store cannot commit. */
  #undecided = 0;
  #reading = true;
  #finishing = false;

  constructor(
    readonly wire: Wire,
    readonly owner: ConnectionOwner,
    readonly maxMessageBytes: number,
  ) {
    this.outbox = new Outbox(maxMessageBytes);
  }

  /** A stream, or a poll of Exchange that waits. */
  get isConnected(): boolean {
    return this.phase === "open" && (!this.wire.repeats || this.wire.isWritable);
  }

  /** P1: leases go only where they can be sent at once. */
  get isReachable(): boolean {
    return this.phase === "open" && this.wire.isWritable && !this.#finishing;
  }

  /** It is not read any further, because of events that have no turn yet. */
  get isHeldUp(): boolean {
    return this.#undecided >= READ_STOP;
  }

  receive(events: readonly HostEvent[]): void {
    if (this.phase === "closed") return;
    if (this.phase === "open") this.owner.heard(this);
    const accepted: HostEvent[] = [];
    for (const event of events) {
      const error = this.#accept(event, accepted);
      if (error !== null) {
        this.fail(error);
        return;
      }
    }
    if (accepted.length === 0) return;
    this.#undecided += accepted.length;
    this.owner.received(this, accepted);
    this.#throttle();
  }

  /** A turn has decided about so many of its events. */
  decided(count: number): void {
    this.#undecided -= count;
    this.#throttle();
  }

  /** The session is open: this is its connection from now on. */
  open(sessionId: string, generation: number): void {
    this.phase = "open";
    this.sessionId = sessionId;
    this.generation = generation;
  }

  /** Sends what waits, as far as the wire takes it. */
  flush(): void {
    if (this.phase === "closed") return;
    while (this.wire.isWritable) {
      const message = this.outbox.take();
      if (message === null) break;
      this.wire.send(message);
    }
    if (this.#finishing && this.outbox.isEmpty) this.#close(null);
    this.#throttle();
  }

  /** Closes once everything that waits was sent (P12: the other side is told before the stream closes). */
  finish(): void {
    this.#finishing = true;
    this.flush();
  }

  /** Closes with an error that tells the host why. */
  fail(error: CloacaError): void {
    this.#close(error);
  }

  /** The host, or the network, ended the connection. */
  ended(clean: boolean): void {
    if (this.phase === "closed") return;
    this.phase = "closed";
    this.#endHello();
    this.owner.closed(this, clean);
  }

  #close(error: CloacaError | null): void {
    if (this.phase === "closed") return;
    this.phase = "closed";
    this.#endHello();
    this.wire.close(error);
    this.owner.closed(this, false);
  }

  #accept(event: HostEvent, accepted: HostEvent[]): CloacaError | null {
    if (event.type === "hello") return this.#acceptHello(event.hello, event.bytes);
    if (event.type === "hello_chunk") return this.#acceptChunk(event.chunk, event.bytes);
    if (this.phase === "new") {
      return new CloacaError("HELLO_EXPECTED", `the first event of a connection is hello, found ${event.type}`);
    }
    if (event.type === "heartbeat") {
      this.mainLoopLagMs = event.mainLoopLagMs;
      this.outbox.push({ type: "heartbeat_ack", nonce: event.nonce });
      if (this.phase === "open") this.flush();
      return null;
    }
    const least = this.wire.repeats ? 1 : this.#lastSeq + 1;
    if (!Number.isSafeInteger(event.seq) || event.seq < least) {
      const expected = `expected ${least} to ${Number.MAX_SAFE_INTEGER}, for seq numbers the events of a session`;
      return new CloacaError("SEQ_INVALID", `${event.type}: seq is ${event.seq}; ${expected}`);
    }
    this.#lastSeq = Math.max(this.#lastSeq, event.seq);
    accepted.push(event);
    return null;
  }

  #acceptHello(hello: Hello, bytes: number): CloacaError | null {
    if (this.phase !== "new" || this.#hello !== null) {
      return new CloacaError("HELLO_REPEATED", "a connection says hello once; open another one to say it again");
    }
    if (hello.more) this.#hello = new LongHello(hello, bytes, this.maxMessageBytes);
    else this.#opening(hello);
    return null;
  }

  #acceptChunk(chunk: HelloChunk, bytes: number): CloacaError | null {
    const hello = this.phase === "new" ? this.#hello : null;
    if (hello === null) return new CloacaError("HELLO_EXPECTED", "hello_chunk goes on with a hello that says more");
    const error = hello.add(chunk, bytes);
    if (error === null && !chunk.more) this.#opening(hello.whole);
    return error;
  }

  #opening(hello: Hello): void {
    this.phase = "opening";
    this.#endHello();
    this.owner.opening(this, hello);
  }

  /** It may be large, and the connection lives on. */
  #endHello(): void {
    this.#hello = null;
    this.cancelHelloTimeout();
  }

  /** A host that sends without reading its receipts, or faster than they can be made, is not read any further (bounded memory). */
  #throttle(): void {
    if (this.phase === "closed") return;
    const reading = this.outbox.size + this.#undecided < READ_STOP;
    if (reading === this.#reading) return;
    this.#reading = reading;
    this.wire.setReading(reading);
  }
}
