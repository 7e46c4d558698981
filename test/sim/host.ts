/**
 * A host, by the rules that hosts follow (P1 to P14): it keeps what has no receipt, lists its leases when it connects, and
 * executes scripted tasks. What it sees it compares with what it knows.
 */
import type { CloacaError } from "../../server/src/core/errors.js";
import type { LeaseGrant } from "../../server/src/core/grants.js";
import type { LeaseEvent, ReceiptResult } from "../../server/src/core/lease-events.js";
import type {
  Drain,
  Hello,
  HostEvent,
  NumberedReceipt,
  SchedulerEvent,
  Welcome,
} from "../../server/src/engine/events.js";
import type { LeaseVerdict } from "../../server/src/store/store.js";
import { offering } from "../../server/src/testing/scripted-host.js";
import { type Facts, factOf } from "./facts.js";
import type { Cut, Link, LinkHost } from "./link.js";
import { type HostPlan, TTL_MS } from "./plan.js";
import type { Random } from "./random.js";
import { type LocalState, TaskExecution } from "./task-execution.js";
import type { VirtualTime } from "./virtual-time.js";
import { WORKFLOWS } from "./workflows.js";

type Sequenced = Extract<HostEvent, { type: "lease_event" | "set_slots" | "drain" }>;
/** What a host says with a number, before it has one. */
type Numberless =
  | { readonly type: "lease_event"; readonly event: LeaseEvent }
  | { readonly type: "set_slots"; readonly slots: number }
  | { readonly type: "drain"; readonly reason: string };

export interface HostWorld {
  readonly time: VirtualTime;
  readonly facts: Facts;
  readonly seed: number;
  readonly random: Random;
  /** Null when nobody listens. */
  dial(host: SimulatedHost): Link | null;
  trace(line: string): void;
}

const OFFER = offering(...WORKFLOWS);

const EXPECTED_ENDS: ReadonlySet<string> = new Set([
  "SESSION_EXPIRED",
  "SESSION_SUPERSEDED",
  "DRAINING",
  "HOST_ID_IN_USE",
  "STORE_UNAVAILABLE",
]);

export class SimulatedHost implements LinkHost {
  delayMs = 0;
  slots: number;
  instance = "";
  readonly leases = new Map<string, TaskExecution>();
  isDown = false;
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
  #instances = 0;
  #seq = 0;
  #unreceipted = new Map<number, Sequenced>();
  #link: Link | null = null;
  #isWelcome = false;
  #failures = 0;
  #nonce = 0n;
  #lastAck = 0n;
  #frozenUntil = 0;
  readonly #frozen: (() => void)[] = [];

  constructor(
    readonly world: HostWorld,
    readonly name: string,
    readonly plan: HostPlan,
  ) {
    this.slots = plan.slots;
    this.#ceiling = plan.slots;
  }

  get facts(): Facts {
    return this.world.facts;
  }

  /** Nothing that it does is open: no lease, no event without receipt. */
  get isIdle(): boolean {
    return this.leases.size === 0 && this.#unreceipted.size === 0;
  }

  describe(): string {
    const leases = [...this.leases.values()].map((t) => `${t.leaseId} ${t.state}`);
    const how = this.isDown ? "down" : this.#isWelcome ? "welcome" : "away";
    return `${how}, ${this.slots} slots, ${leases.join(" ")}, ${this.#unreceipted.size} without receipt`;
  }

  /** A new process begins. */
  start(): void {
    this.isDown = false;
    this.isDraining = false;
    this.instance = `${this.name}-instance-${++this.#instances}`;
    this.#resumeToken = "";
    this.#sessionId = "";
    this.#seq = 0;
    this.#hellos = 0;
    this.#unreceipted = new Map();
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

  /** The process stands still, as with SIGSTOP. */
  freeze(ms: number): void {
    const { time } = this.world;
    this.#frozenUntil = Math.max(this.#frozenUntil, time.now() + ms);
    time.after(ms, () => {
      if (this.#isFrozen) return;
      for (const callback of this.#frozen.splice(0)) callback();
    });
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

  /** Runs a callback later, unless the process that asked for it is gone. */
  after(ms: number, callback: () => void): void {
    const { instance } = this;
    this.world.time.after(ms, () => this.#alive(instance, callback));
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
    for (const [seq, event] of this.#unreceipted) {
      if (event.type === "lease_event" && event.event.leaseId === task.leaseId) this.#unreceipted.delete(seq);
    }
  }

  // The connection

  receive(link: Link, events: readonly SchedulerEvent[]): void {
    this.#alive(this.instance, () => {
      if (link !== this.#link) return;
      for (const event of events) this.#hear(event);
      if (events.some((e) => e.type === "lease" || e.type === "granted")) this.#checkSlots();
      this.#leaveWhenDone();
    });
  }

  ended(link: Link, error: CloacaError | null | "network"): void {
    this.#alive(this.instance, () => {
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
    link.hostSends([{ seq: 0, type: "hello", hello: this.#hello() }]);
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

  #hello(): Hello {
    return {
      protocolMin: 1,
      protocolMax: 1,
      namespace: "default",
      hostId: this.name,
      instanceId: this.instance,
      resumeToken: this.#resumeToken,
      sdk: "simulation",
      buildId: "",
      slots: this.slots,
      maxLeases: this.plan.maxLeases,
      labels: {},
      capabilities: [],
      held: [...this.leases.values()].map((task) => task.listed()),
      requestedTtlMs: 0,
      more: false,
      ...OFFER,
    };
  }

  #say(event: Numberless): void {
    const numbered: Sequenced = { seq: ++this.#seq, ...event };
    this.#unreceipted.set(numbered.seq, numbered);
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
    const events = [...this.#unreceipted.values()];
    if (events.length > 0) this.#link?.hostSends(events);
  }

  #newSession(): void {
    for (const task of [...this.leases.values()]) this.drop(task);
    this.#unreceipted.clear();
    if (this.isDraining) this.#say({ type: "drain", reason: "still" });
  }

  #verdict(verdict: LeaseVerdict): void {
    const task = this.leases.get(verdict.leaseId);
    if (task === undefined) return;
    if (verdict.state === "REVOKED") {
      if (task.state !== "FINISHED" && task.state !== "ENDING" && this.facts.isCurrent(verdict.leaseId)) {
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
    for (const [seq, event] of [...this.#unreceipted]) {
      if (seq > upTo) continue;
      const result = exceptions.find((e) => e.seq === seq)?.result ?? "APPLIED";
      this.#unreceipted.delete(seq);
      if (event.type === "lease_event")
        this.#receipt(
          event.event,
          result,
          exceptions.find((e) => e.seq === seq),
        );
    }
  }

  #receipt(event: LeaseEvent, result: ReceiptResult, exception: NumberedReceipt | undefined): void {
    const { facts } = this;
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

  get #isFrozen(): boolean {
    return this.#frozenUntil > this.world.time.now();
  }

  #alive(instance: string, callback: () => void): void {
    const run = () => {
      if (!this.isDown && this.instance === instance) callback();
    };
    if (this.#isFrozen) this.#frozen.push(run);
    else run();
  }
}
