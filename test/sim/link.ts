/** One connection between a host and the scheduler: ordered, slow, and cut at any time. Each side learns of that when it does. */
import type { CloacaError } from "../../server/src/core/errors.js";
import type { Connection, Wire } from "../../server/src/engine/connection.js";
import type { HostEvent, SchedulerEvent } from "../../server/src/engine/events.js";
import type { Random } from "./random.js";
import type { Incarnation } from "./scheduler-process.js";
import type { VirtualTime } from "./virtual-time.js";

/** Who is at the other end. */
export interface LinkHost {
  readonly name: string;
  /** Slower than usual, in milliseconds. */
  delayMs: number;
  receive(link: Link, events: readonly SchedulerEvent[]): void;
  ended(link: Link, error: CloacaError | null | "network"): void;
}

export interface Cut {
  readonly loses: boolean;
  readonly hostNotices: number | null;
  readonly schedulerNotices: number | null;
  readonly isStuck: boolean;
}

export class Link implements Wire {
  isWritable = true;
  readonly repeats = false;
  readonly connection: Connection;
  #isCut = false;
  /** The cut lost what was on the wire. */
  #isEmpty = false;
  #isStuck = false;
  #lastUp = 0;
  #lastDown = 0;

  constructor(
    readonly time: VirtualTime,
    readonly random: Random,
    readonly host: LinkHost,
    readonly incarnation: Incarnation,
  ) {
    this.connection = incarnation.scheduler.connect(this);
  }

  // The host's end

  hostSends(events: readonly HostEvent[]): void {
    if (this.#isCut) return;
    const { incarnation, connection } = this;
    this.#lastUp = Math.max(this.#lastUp, this.time.now() + this.#delay());
    this.time.after(this.#lastUp - this.time.now(), () => {
      if (this.#isEmpty) return;
      incarnation.input(() => {
        if (connection.phase === "open") incarnation.facts.heard(connection.sessionId);
        connection.receive(events);
      });
    });
  }

  /** The host ends the stream in order. */
  hostEnds(): void {
    if (this.#isCut) return;
    const { incarnation, connection } = this;
    this.#isCut = true;
    this.#lastUp = Math.max(this.#lastUp, this.time.now() + this.#delay());
    this.time.after(this.#lastUp - this.time.now(), () => {
      if (!this.#isEmpty) incarnation.input(() => connection.ended(true));
    });
  }

  // The scheduler's end

  send(events: readonly SchedulerEvent[]): void {
    const { incarnation } = this;
    if (!incarnation.isAlive) return;
    incarnation.sends(this, events);
    this.isWritable = false;
    const delay = this.#delay();
    if (!this.#isStuck) {
      // A slow reader takes the message when it has read it, a fast network at once.
      this.time.after(this.host.delayMs > 0 ? delay : 1, () => {
        incarnation.input(() => {
          this.isWritable = true;
          incarnation.scheduler.writable(this.connection);
        });
      });
    }
    if (this.#isCut) return;
    this.#lastDown = Math.max(this.#lastDown, this.time.now() + delay);
    this.time.after(this.#lastDown - this.time.now(), () => {
      if (!this.#isEmpty) this.host.receive(this, events);
    });
  }

  close(error: CloacaError | null): void {
    if (this.#isCut || !this.incarnation.isAlive) return;
    this.#isCut = true;
    this.#lastDown = Math.max(this.#lastDown, this.time.now() + this.#delay());
    this.time.after(this.#lastDown - this.time.now(), () => this.host.ended(this, error));
  }

  setReading(_reading: boolean): void {}

  // The network

  cut({ loses, hostNotices, schedulerNotices, isStuck }: Cut): void {
    this.#isCut = true;
    this.#isEmpty = loses;
    this.#isStuck = isStuck;
    if (hostNotices !== null) this.time.after(hostNotices, () => this.host.ended(this, "network"));
    if (schedulerNotices !== null) {
      // After what is still on the wire.
      const wait = Math.max(schedulerNotices, loses ? 0 : this.#lastUp - this.time.now());
      this.time.after(wait, () => this.incarnation.input(() => this.connection.ended(false)));
    }
  }

  #delay(): number {
    return this.random.int(1, 20) + (this.host.delayMs > 0 ? this.random.int(0, this.host.delayMs) : 0);
  }
}
