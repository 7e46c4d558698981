/** One connection of a host, from `Hello` to its end, and what its end means for the next one. */
import { type CloacaError, ConnectionError, RemoteError } from "../errors/index.js";
import { Channel, parseAddress } from "../protocol/channel.js";
import { isTooLarge } from "../protocol/too-large.js";
import type { Hello, SchedulerSays, Welcome } from "../protocol/words.js";
import { WorkStream, type WorkStreamListener } from "../protocol/work-stream.js";
import type { HostSession } from "./session.js";

export type Outcome =
  /** Everything is done and said; the host may go. */
  | { readonly type: "drained" }
  /** To be tried again: after `afterMs`, or with a backoff when that is null; at `address` first, when there is one. */
  | {
      readonly type: "retryable";
      readonly error: Error | null;
      readonly afterMs: number | null;
      readonly address: string | null;
      /**
       * Something was heard after the Welcome, and it did not break of what this host had said: the next one may last. After one
       * that was of no use the waits go on to grow.
       */
      readonly wasOfUse: boolean;
    }
  /** Trying again would be answered the same. */
  | { readonly type: "fatal"; readonly error: Error };

export interface ConnectionHooks {
  welcomed(welcome: Welcome, hello: Hello): void;
  /** The scheduler asks this host to drain. */
  drain(graceMs: number, reason: string): void;
}

/** How long a host that has no session to lose waits for a Welcome. */
export const WELCOME_TIMEOUT_MS = 10_000;

/** Codes of the scheduler that another try does not change. */
const FATAL: ReadonlySet<string> = new Set([
  "REQUEST_INVALID",
  "DEFINITION_INVALID",
  "PROTOCOL_VERSION_UNSUPPORTED",
  "HELLO_EXPECTED",
  "HELLO_REPEATED",
  "SEQ_INVALID",
  "UNIMPLEMENTED",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "MESSAGE_UNWRITABLE",
]);

export class HostConnection {
  readonly #channel: Channel;
  readonly #stream: WorkStream;
  readonly #hello: Hello;
  #resolve: (outcome: Outcome) => void = () => {};
  /** Settles when the connection is over. */
  readonly outcome: Promise<Outcome>;
  #welcome: Welcome | null = null;
  /** When and where to connect again, in the words of a scheduler that goes away (P12). */
  #reconnect: { readonly afterMs: number; readonly address: string | null } | null = null;
  #isFinishing = false;
  #hasHeardMore = false;
  #refusal: Error | null = null;
  #lastHeard = performance.now();
  #nonce = 0;
  #isTimedOut = false;
  #timer: NodeJS.Timeout;

  constructor(
    readonly url: string,
    readonly session: HostSession,
    readonly hooks: ConnectionHooks,
    welcomeTimeoutMs: number,
  ) {
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#channel = new Channel(url);
    const listener: WorkStreamListener = {
      heard: (events) => this.#heard(events),
      ended: (error) => this.#ended(error),
    };
    this.#stream = new WorkStream(this.#channel, listener, session.maxMessageBytes);
    this.#timer = setTimeout(() => this.#giveUp(), welcomeTimeoutMs);
    this.#hello = session.hello();
    this.#stream.hello(this.#hello);
  }

  /** Ends in order, once nothing is owed: the scheduler then ends the stream. */
  finish(): void {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    this.#stream.finish();
  }

  /** Gives the connection up; what it holds stays with the session. */
  cancel(): void {
    this.#stream.cancel();
  }

  /** Ends with an error of the host's own, for good. */
  refuse(error: Error): void {
    this.#refusal = error;
    this.#stream.cancel();
  }

  #heard(events: readonly SchedulerSays[]): void {
    this.#lastHeard = performance.now();
    if (this.#welcome !== null) this.#hasHeardMore = true;
    for (const event of events) {
      if (event.type === "welcome") this.#welcomed(event.welcome);
      else if (event.type === "drain") {
        const { reconnectAfterMs: afterMs, address } = event;
        if (event.reconnect) this.#reconnect = { afterMs, address: elsewhere(this.url, address) };
        else this.hooks.drain(event.graceMs, event.reason);
      } else this.session.hear(event);
    }
  }

  #welcomed(welcome: Welcome): void {
    this.#welcome = welcome;
    clearTimeout(this.#timer);
    this.#stream.maxMessageBytes = welcome.limits.maxMessageBytes;
    this.session.attach({ send: (events) => this.#stream.send(events) }, welcome, this.#hello);
    this.hooks.welcomed(welcome, this.#hello);
    this.#beat(welcome);
  }

  /** P5: shows life, and notices when the scheduler shows none: a half-open connection never ends by itself. */
  #beat(welcome: Welcome): void {
    const planned = performance.now() + welcome.heartbeatIntervalMs;
    this.#timer = setTimeout(() => {
      const now = performance.now();
      const lagMs = Math.max(0, Math.round(now - planned));
      // While this process stood still nothing could be heard: only time in which it listened counts.
      if (now - this.#lastHeard - lagMs > welcome.ttlMs) this.#giveUp();
      else {
        this.#stream.heartbeat(++this.#nonce, lagMs);
        this.#beat(welcome);
      }
    }, welcome.heartbeatIntervalMs);
  }

  #giveUp(): void {
    this.#isTimedOut = true;
    this.#stream.cancel();
  }

  #ended(error: CloacaError | null): void {
    clearTimeout(this.#timer);
    this.session.detach();
    this.#channel.close();
    this.#resolve(this.#classify(error));
  }

  #classify(error: CloacaError | null): Outcome {
    if (this.#refusal !== null) return { type: "fatal", error: this.#refusal };
    if (this.#isTimedOut) {
      const what = this.#welcome === null ? "no Welcome came" : "nothing was heard for the session's TTL";
      return this.#retryable(new ConnectionError(this.#channel.address, what));
    }
    if (this.#reconnect !== null) return { ...this.#retryable(error), ...this.#reconnect };
    if (error === null) {
      if (this.#isFinishing && this.session.isIdle) return { type: "drained" };
      return this.#retryable(null);
    }
    if (error.code === "RESUME_TOKEN_INVALID") this.session.forgetSession();
    if (this.#welcome === null && isTooLarge(error)) this.session.forgetLimit();
    return FATAL.has(error.code) ? { type: "fatal", error } : this.#retryable(error);
  }

  #retryable(error: CloacaError | null): Outcome {
    const afterMs = error instanceof RemoteError ? (error.details.retryAfterMs ?? null) : null;
    return { type: "retryable", error, afterMs, address: null, wasOfUse: this.#hasHeardMore && !isTooLarge(error) };
  }
}

/** What a scheduler sends its host away to, with the same protection as the address it came by; null for what is none. */
function elsewhere(url: string, address: string): string | null {
  try {
    const { target } = parseAddress(address);
    return `${parseAddress(url).isTls ? "grpcs" : "grpc"}://${target}`;
  } catch {
    return null;
  }
}
