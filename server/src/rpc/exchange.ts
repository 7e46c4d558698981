/**
 * `HostService.Exchange` (P14): the same events as on a stream, one request and one answer. Each session has one wire that
 * outlives its polls; it can be written to only while a poll waits, and keeps what was sent until it is acknowledged.
 */
import { create } from "@bufbuild/protobuf";
import { type ExchangeRequest, type ExchangeResponse, ExchangeResponseSchema } from "@cloaca/protocol";
import { CloacaError } from "../core/errors.js";
import { quote } from "../core/quote.js";
import type { Connection, Wire } from "../engine/connection.js";
import type { SchedulerEvent } from "../engine/events.js";
import type { Scheduler } from "../engine/scheduler.js";
import { toHostEvent } from "./from-wire.js";
import type { OnGone } from "./on-gone.js";
import { toSchedulerEvent, type WireSchedulerEvent } from "./to-wire.js";

const MAX_WAIT_MS = 60_000;
/** How long the answer to a first request, or to events, waits for what they bring about. */
const REPLY_WAIT_MS = 1_000;

export class Exchange {
  readonly #wires = new Map<string, ExchangeWire>();

  constructor(readonly scheduler: Scheduler) {}

  async poll(request: ExchangeRequest, onGone: OnGone): Promise<ExchangeResponse> {
    if (request.waitMs > MAX_WAIT_MS) {
      throw new CloacaError("REQUEST_INVALID", `wait_ms is ${request.waitMs}; allowed are 0 to ${MAX_WAIT_MS}`);
    }
    const wire = request.sessionId === "" ? this.#first(request) : this.#known(request);
    return wire.poll(request, onGone);
  }

  #first(request: ExchangeRequest): ExchangeWire {
    if (request.events[0]?.event.case !== "hello") {
      throw new CloacaError("HELLO_EXPECTED", "a request without session_id begins with a hello event");
    }
    const wire = new ExchangeWire(this.scheduler, (sessionId) => {
      this.#wires.set(sessionId, wire);
    });
    wire.onClose = () => {
      const { sessionId } = wire.connection;
      if (this.#wires.get(sessionId) === wire) this.#wires.delete(sessionId);
    };
    return wire;
  }

  #known({ sessionId, resumeToken }: ExchangeRequest): ExchangeWire {
    checkSession(this.scheduler, sessionId, resumeToken);
    const wire = this.#wires.get(sessionId);
    if (wire !== undefined) return wire;
    throw new CloacaError(
      "SESSION_NOT_FOUND",
      `session ${quote(sessionId)} has no exchange here; say hello again, with its resume_token and without session_id`,
    );
  }
}

/** Throws unless the session is alive and the token is its own. */
export function checkSession(scheduler: Scheduler, sessionId: string, resumeToken: string): void {
  const session = scheduler.store.session(sessionId);
  if (session === null) {
    throw new CloacaError("SESSION_NOT_FOUND", `there is no live session ${quote(sessionId)}; say hello again`);
  }
  if (session.resumeToken !== resumeToken) {
    throw new CloacaError(
      "RESUME_TOKEN_INVALID",
      `resume_token is not the one that Welcome gave to session ${quote(sessionId)}`,
    );
  }
}

interface Poll {
  readonly resolve: (response: ExchangeResponse) => void;
  readonly reject: (error: CloacaError) => void;
  readonly cancel: () => void;
}

class ExchangeWire implements Wire {
  readonly repeats = true;
  readonly connection: Connection;
  onClose: () => void = () => {};
  #poll: Poll | null = null;
  #closed: CloacaError | null = null;
  #responseId = 0n;
  /** The last answer, until it is acknowledged. */
  #unacknowledged: WireSchedulerEvent[] = [];
  #isRegistered = false;

  constructor(
    readonly scheduler: Scheduler,
    readonly onOpen: (sessionId: string) => void,
  ) {
    this.connection = scheduler.connect(this);
  }

  get isWritable(): boolean {
    return this.#poll !== null;
  }

  poll(request: ExchangeRequest, onGone: OnGone): Promise<ExchangeResponse> {
    const closed = this.#refusal();
    if (closed !== null) return Promise.reject(closed);
    // A newer poll ends the older one with an empty answer.
    this.#answer([]);
    if (request.ackResponseId >= this.#responseId) this.#unacknowledged = [];
    const repeated = this.#unacknowledged;
    const { promise, resolve, reject } = promiseOf<ExchangeResponse>();
    if (repeated.length > 0) {
      this.#receive(request);
      const refusal = this.#refusal();
      if (refusal !== null) return Promise.reject(refusal);
      return Promise.resolve(create(ExchangeResponseSchema, { responseId: this.#responseId, events: repeated }));
    }
    const waitMs = request.events.length > 0 ? Math.max(request.waitMs, REPLY_WAIT_MS) : request.waitMs;
    const poll = { resolve, reject, cancel: this.#wait(waitMs) };
    this.#poll = poll;
    // Who has gone does not wait: the poll counts as life no longer, and nothing is sent into the void.
    onGone(() => {
      if (this.#poll === poll) this.#answer([]);
    });
    this.#receive(request);
    this.scheduler.writable(this.connection);
    return promise;
  }

  send(events: readonly SchedulerEvent[]): void {
    this.#unacknowledged = events.map((event) => toSchedulerEvent(event, this.scheduler.options.limits));
    this.#responseId++;
    this.#answer(this.#unacknowledged);
  }

  close(error: CloacaError | null): void {
    this.#closed =
      error ?? new CloacaError("DRAINING", "the connection has ended; say hello again", { retryAfterMs: 1_000 });
    const poll = this.#poll;
    this.#poll = null;
    poll?.cancel();
    if (error === null) poll?.resolve(create(ExchangeResponseSchema, { responseId: this.#responseId }));
    else poll?.reject(error);
    this.onClose();
  }

  setReading(): void {
    // Each request is read whole; the next one comes after its answer.
  }

  /** What is wrong with the events ends the connection. */
  #receive({ events }: ExchangeRequest): void {
    try {
      this.connection.receive(events.map(toHostEvent));
    } catch (error) {
      this.connection.fail(CloacaError.from(error));
    }
  }

  /** Why the connection has ended; null while it has not. */
  #refusal(): CloacaError | null {
    return this.#closed;
  }

  #answer(events: WireSchedulerEvent[]): void {
    const poll = this.#poll;
    if (poll === null) return;
    this.#poll = null;
    poll.cancel();
    // P14: the TTL runs from the end of the poll.
    if (this.connection.phase === "open") this.scheduler.heard(this.connection);
    if (!this.#isRegistered && this.connection.phase === "open") {
      this.#isRegistered = true;
      this.onOpen(this.connection.sessionId);
    }
    poll.resolve(create(ExchangeResponseSchema, { responseId: this.#responseId, events }));
  }

  /** A waiting poll counts as life; the TTL runs from its end. */
  #wait(waitMs: number): () => void {
    const { runtime, limits } = this.scheduler.options;
    const until = this.scheduler.options.clock.now() + waitMs;
    let cancel = () => {};
    const next = () => {
      const left = until - this.scheduler.options.clock.now();
      if (this.connection.phase === "open") this.scheduler.keepAlive(this.connection.sessionId);
      if (left <= 0) this.#answer([]);
      else cancel = runtime.after(Math.min(left, limits.minSessionTtlMs / 2), next);
    };
    cancel = runtime.after(Math.min(waitMs, limits.minSessionTtlMs / 2), next);
    return () => cancel();
  }
}

function promiseOf<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: CloacaError) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
