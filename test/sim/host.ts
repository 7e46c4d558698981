/**
 * A host, by the rules that hosts follow (P1 to P14): it keeps what has no receipt, lists its leases when it connects, and
 * executes scripted tasks. What it sees it compares with what it knows.
 */
import type { CloacaError } from "../../server/src/core/errors.js";
import type { LeaseGrant } from "../../server/src/core/grants.js";
import type { LeaseEvent } from "../../server/src/core/lease-events.js";
import type { Drain, NumberedReceipt, SchedulerEvent, Welcome } from "../../server/src/engine/events.js";
import type { LeaseVerdict } from "../../server/src/store/store.js";
import { type Facts, factOf } from "./facts.js";
import { EXPECTED_ENDS, helloOf } from "./hello.js";
import { HostProcess } from "./host-process.js";
import type { Cut, Link, LinkHost } from "./link.js";
import { type Numberless, OwedEvents } from "./owed-events.js";
import { type HostPlan, TTL_MS } from "./plan.js";
import type { Random } from "./random.js";
import { type LocalState, TaskExecution } from "./task-execution.js";
import type { VirtualTime } from "./virtual-time.js";

export interface HostWorld {
  readonly time: VirtualTime;
  readonly facts: Facts;
  readonly seed: number;
  readonly random: Random;
  /** Null when nobody listens. */
  dial(host: SimulatedHost): Link | null;
  trace(line: string): void;
}

export class SimulatedHost extends HostProcess implements LinkHost {
  delayMs = 0;
  slots: number;
  readonly leases = new Map<string, TaskExecution>();
  isDraining = false;
  /** Whether it hands leases back that it could execute. */
  mayDecline = true;
  hasDeclined = false;
  /** Most slots that it has offered: what was granted before it offered fewer stays. */
  #ceiling: number;
  /** It said hello, and no Welcome came since. */
  #hellos = 0;
  #resumeToken = "";
  #sessionId = "";
  #owed = new OwedEvents();
  #link: Link | null = null;
  #isWelcome = false;
  #failures = 0;
  #nonce = 0n;
  #lastAck = 0n;

  constructor(
    readonly world: HostWorld,
    name: string,
    readonly plan: HostPlan,
  ) {
    super(world.time, name);
    this.slots = plan.slots;
    this.#ceiling = plan.slots;
  }

  get facts(): Facts {
    return this.world.facts;
  }

  /** Nothing that it does is open: no lease, no event without receipt. */
  get isIdle(): boolean {
    return this.leases.size === 0 && this.#owed.size === 0;
  }

  describe(): string {
    const leases = [...this.leases.values()].map((t) => `${t.leaseId} ${t.state}`);
    const how = this.isDown ? "down" : this.#isWelcome ? "welcome" : "away";
    return `${how}, ${this.slots} slots, ${leases.join(" ")}, ${this.#owed.size} without receipt`;
  }

  /** A new process begins. */
  start(): void {
    this.isDraining = false;
    this.begin();
    this.#resumeToken = "";
    this.#sessionId = "";
    this.#hellos = 0;
    this.#owed = new OwedEvents();
    this.slots = this.plan.slots;
    this.#ceiling = this.slots;
    this.#connect();
  }

  /** The process is killed: what it did is lost. */
  kill(downMs: number | null): void {
    if (this.isDown) return;
    for (const task of [...this.leases.values()]) this.drop(task);
    this.#link?.cut({ loses: true, hostNotices: null, schedulerNotices: 5, isStuck: false });
    this.#link = null;
    this.#isWelcome = false;
    this.isDown = true;
    if (downMs !== null) this.world.time.after(downMs, () => this.start());
  }

  resize(slots: number): void {
    if (this.isDown) return;
    this.slots = slots;
    this.#ceiling = Math.max(this.#ceiling, slots);
    this.#say({ type: "set_slots", slots });
  }

  cut(cut: Cut): void {
    this.#link?.cut(cut);
  }

  /** A new connection while the old one is open: from the next message on, the old one is nobody's. */
  overlap(): void {
    if (!this.isDown && this.#isWelcome) this.#connect();
  }

  /** P12: no new leases; deferred ones are handed back at the deadline, the rest comes to its end. */
  drain(graceMs: number, tells: boolean): void {
    if (this.isDown || this.isDraining) return;
    this.isDraining = true;
    if (tells) this.#say({ type: "drain", reason: "a new version" });
    const { instance } = this;
    this.after(graceMs, () => {
      if (this.instance !== instance) return;
      for (const task of this.leases.values()) task.handBack();
      this.#leaveWhenDone();
    });
  }

  say(event: LeaseEvent): void {
    this.facts.said(event);
    if (event.type === "decline") this.hasDeclined = true;
    this.world.trace(`${this.name} says ${factOf(event)}`);
    this.#say({ type: "lease_event", event });
  }

  drop(task: TaskExecution): void {
    task.stop();
    this.facts.gone(task.leaseId);
    this.leases.delete(task.leaseId);
    this.#owed.forget(task.leaseId);
  }

  // The connection

  receive(link: Link, events: readonly SchedulerEvent[]): void {
    this.alive(this.instance, () => {
      if (link !== this.#link) return;
      for (const event of events) this.#hear(event);
      if (events.some((e) => e.type === "lease" || e.type === "granted")) this.#checkSlots();
      this.#leaveWhenDone();
    });
  }

  ended(link: Link, error: CloacaError | null | "network"): void {
    this.alive(this.instance, () => {
      if (link !== this.#link) return;
      if (error !== null && error !== "network") this.#refused(error);
      this.#link = null;
      this.#isWelcome = false;
      this.#retry();
    });
  }

  #refused({ code, message }: CloacaError): void {
    this.world.trace(`${this.name} was refused: ${code}`);
    if (EXPECTED_ENDS.has(code)) return;
    // The Welcome with the token was lost: until that session has expired, the host stays out.
    if (code === "RESUME_TOKEN_INVALID" && this.#hellos > 1) return;
    this.facts.breach(`host: its connection ended with ${code}: ${message}`);
  }

  #connect(): void {
    const link = this.world.dial(this);
    this.#isWelcome = false;
    this.#link = link;
    if (link === null) {
      this.#retry();
      return;
    }
    this.facts.hello(this.name, this.instance);
    this.#hellos++;
    link.hostSends([{ seq: 0, type: "hello", hello: helloOf(this, this.#resumeToken), bytes: 0 }]);
    const nonce = this.#nonce;
    this.after(TTL_MS, () => {
      if (this.#link === link && !this.#isWelcome) this.#breakOff(link);
    });
    this.#beat(link, nonce);
  }

  /** Without an answer for two intervals the connection is given up. */
  #beat(link: Link, since: bigint): void {
    this.after(TTL_MS / 3, () => {
      if (this.#link !== link) return;
      if (this.#isWelcome) {
        if (this.#nonce - since >= 2n && this.#nonce - this.#lastAck >= 2n) {
          this.#breakOff(link);
          return;
        }
        link.hostSends([{ seq: 0, type: "heartbeat", nonce: ++this.#nonce, mainLoopLagMs: 0 }]);
      }
      this.#beat(link, since);
    });
  }

  #breakOff(link: Link): void {
    link.cut({ loses: true, hostNotices: null, schedulerNotices: null, isStuck: false });
    this.#link = null;
    this.#isWelcome = false;
    this.#retry();
  }

  #retry(): void {
    const wait = Math.min(1_000, 50 * 2 ** this.#failures++) * (0.5 + this.world.random.next());
    this.after(Math.ceil(wait), () => {
      if (this.#link === null) this.#connect();
    });
  }

  #say(event: Numberless): void {
    const numbered = this.#owed.add(event);
    if (this.#isWelcome) this.#link?.hostSends([numbered]);
  }

  // What it hears

  #hear(event: SchedulerEvent): void {
    if (event.type === "welcome") {
      this.#welcome(event.welcome);
      return;
    }
    if (!this.#isWelcome) {
      this.facts.breach(`host: ${event.type} came before Welcome`);
      return;
    }
    switch (event.type) {
      case "lease":
        this.#lease(event.lease);
        break;
      case "receipts":
        this.#receipts(event.upTo, event.exceptions);
        break;
      case "deferred":
        this.leases.get(event.leaseId)?.deferred(event.n);
        break;
      case "granted":
        this.leases.get(event.leaseId)?.granted(event.n, event.outcome);
        break;
      case "cancel":
        this.leases.get(event.leaseId)?.cancel();
        break;
      case "revoked": {
        const task = this.leases.get(event.leaseId);
        if (task !== undefined && task.state !== "FINISHED" && task.state !== "ENDING") this.drop(task);
        break;
      }
      case "drain":
        this.#drain(event.drain);
        break;
      case "heartbeat_ack":
        this.#lastAck = event.nonce;
        break;
      case "registered":
        break;
    }
  }

  #welcome({ session, resumed, verdicts }: Welcome): void {
    this.world.trace(`${this.name} is welcome: session ${session.id}, generation ${session.generation}`);
    this.#failures = 0;
    this.#lastAck = this.#nonce;
    this.#resumeToken = session.resumeToken;
    this.#hellos = 0;
    if (!resumed && this.#sessionId !== "") this.#newSession();
    this.#sessionId = session.id;
    this.facts.instanceOf(session.id, this.instance);
    for (const verdict of verdicts) this.#verdict(verdict);
    // Only now may it say more: first comes what has no receipt, in order.
    this.#isWelcome = true;
    if (this.#owed.size > 0) this.#link?.hostSends(this.#owed.all);
  }

  #newSession(): void {
    for (const task of [...this.leases.values()]) this.drop(task);
    this.#owed.clear();
    if (this.isDraining) this.#say({ type: "drain", reason: "still" });
  }

  #verdict(verdict: LeaseVerdict): void {
    const task = this.leases.get(verdict.leaseId);
    if (task === undefined) return;
    if (verdict.state === "REVOKED") {
      if (this.facts.isCurrent(verdict.leaseId)) {
        this.facts.breach(`host: Welcome revokes lease ${verdict.leaseId}, which is current`);
      }
      this.drop(task);
      return;
    }
    task.verdict(verdict);
  }

  #lease(lease: LeaseGrant): void {
    const known = this.leases.get(lease.leaseId);
    if (known !== undefined) {
      this.facts.breach(`host: lease ${lease.leaseId} came twice`);
      return;
    }
    this.facts.started(lease.leaseId);
    const task = new TaskExecution(this, lease);
    this.leases.set(lease.leaseId, task);
    task.start();
  }

  /** P4: `upTo` is cumulative, with exceptions. */
  #receipts(upTo: number, exceptions: readonly NumberedReceipt[]): void {
    for (const { event, exception } of this.#owed.settle(upTo, exceptions)) {
      if (event.type === "lease_event") this.#receipt(event.event, exception);
    }
  }

  #receipt(event: LeaseEvent, exception: NumberedReceipt | undefined): void {
    const { facts } = this;
    const result = exception?.result ?? "APPLIED";
    const fact = factOf(event);
    this.world.trace(`${this.name} hears ${result} for ${fact}`);
    if (result === "APPLIED" || result === "DUPLICATE") facts.receipted(fact);
    else if (result === "STALE") facts.receiptedStale(event, fact);
    else facts.breach(`host: ${result} for ${fact}: ${exception?.error?.message ?? ""}`);
    const task = this.leases.get(event.leaseId);
    if (event.type === "checkpoint" && result === "APPLIED") task?.checkpointed(event.patch);
    const ends =
      event.type === "complete" || event.type === "fail" || event.type === "decline" || event.type === "stopped";
    // A fenced lease is stopped first, whatever becomes of what was said before.
    if (task !== undefined && (ends || (result === "STALE" && task.state !== "ENDING"))) this.drop(task);
  }

  #drain({ reconnect, graceMs }: Drain): void {
    if (!reconnect) this.drain(graceMs, false);
  }

  /** P12: a drained host with nothing left says goodbye; a new process comes. */
  #leaveWhenDone(): void {
    if (!this.isDraining || !this.isIdle || !this.#isWelcome) return;
    this.facts.goodbye(this.#sessionId);
    this.#link?.hostEnds();
    this.#link = null;
    this.#isWelcome = false;
    this.isDown = true;
    this.world.time.after(200, () => {
      if (this.isDown) this.start();
    });
  }

  /** P2: what holds a slot, as the host counts it, is never more than it offered. */
  #checkSlots(): void {
    // A grant may overtake the receipt of the end that made room for it.
    const holding: readonly LocalState[] = ["RUNNING", "DEFERRING", "ENDING"];
    let held = 0;
    for (const { state, holdsSlot } of this.leases.values()) if (holding.includes(state) && holdsSlot) held++;
    if (held > this.#ceiling) this.facts.breach(`host: ${this.name} was given ${held} slots, it has ${this.#ceiling}`);
  }
}
