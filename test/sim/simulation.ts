/** Runs one plan from beginning to end: the scheduler with its crashes, hosts, clients, and whoever watches them. */
import { createHash } from "node:crypto";
import { isRunOver } from "../../server/src/core/run-machine.js";
import type { SchedulerEvent } from "../../server/src/engine/events.js";
import { auditChunks } from "../../server/src/store/contract/audit-store.js";
import type { WriteSet } from "../../server/src/store/live/journal.js";
import { CountingIds } from "../../server/src/testing/manual-time.js";
import { act } from "./act.js";
import { Client } from "./client.js";
import { describeEvent } from "./describe-event.js";
import { Disk } from "./disk.js";
import { Facts } from "./facts.js";
import { SimulatedHost } from "./host.js";
import { Ledger } from "./ledger.js";
import { Link } from "./link.js";
import { factsOfLog } from "./log-facts.js";
import { type Mutation, NO_MUTATION } from "./mutation.js";
import { type Action, FAULTS_END_MS, type Plan } from "./plan.js";
import { Random } from "./random.js";
import { Incarnation } from "./scheduler-process.js";
import { VirtualTime } from "./virtual-time.js";

/** Everything has come to its end by then, or it never will. */
const LIMIT_MS = 400_000;

export interface Outcome {
  readonly seed: number;
  /** What was wrong, the first one first; empty when all was right. */
  readonly breaches: readonly string[];
  /** Of every event that was committed, and of every message that was sent. */
  readonly hash: string;
  readonly events: number;
  readonly restarts: number;
  readonly elapsedMs: number;
}

export interface SimulationOptions {
  readonly mutation?: Mutation;
  /** Hears of everything. */
  readonly trace?: (line: string) => void;
}

export async function simulate(plan: Plan, options: SimulationOptions = {}): Promise<Outcome> {
  const undo = options.mutation?.install?.();
  const simulation = new Simulation(plan, options);
  try {
    return await simulation.run();
  } finally {
    simulation.close();
    undo?.();
  }
}

class Simulation {
  readonly time = new VirtualTime();
  readonly facts = new Facts(this.time);
  readonly ledger: Ledger;
  readonly disk: Disk;
  readonly client: Client;
  readonly hosts: readonly SimulatedHost[];
  readonly #ids = new CountingIds();
  readonly #hash = createHash("sha256");
  readonly #links: Link[] = [];
  readonly #statuses = new Map<string, string>();
  readonly #trace: ((line: string) => void) | null;
  process: Incarnation | null = null;
  /** How long the scheduler stays away when it crashes. */
  downMs = 0;
  readonly #purged = new Set<string>();
  #events = 0;
  /** Of each run, as committed. */
  readonly #eventsOf = new Map<string, number>();
  #starts = 0;
  #dials = 0;

  constructor(
    readonly plan: Plan,
    readonly options: SimulationOptions,
  ) {
    this.#trace = options.trace ?? null;
    this.ledger = new Ledger(this.facts, plan.reclaimsInARow);
    this.facts.isCurrent = (leaseId) => this.ledger.isCurrent(leaseId);
    this.disk = new Disk(
      plan.journal,
      (writes, decidedAt) => this.#committed(writes, decidedAt),
      () => this.facts.disturbed(),
    );
    const { seed } = plan;
    const { time, facts } = this;
    const trace = (line: string) => this.trace(line);
    const dial = (host: SimulatedHost) => this.#dial(host);
    this.client = new Client({
      time,
      facts,
      random: new Random(`client/${seed}`),
      scheduler: () => this.process,
      trace,
    });
    this.hosts = plan.hosts.map((host, index) => {
      const random = new Random(`host/${seed}/${index}`);
      return new SimulatedHost({ time, facts, seed, random, dial, trace }, `host-${index}`, host);
    });
  }

  async run(): Promise<Outcome> {
    const { time, plan } = this;
    this.#startScheduler();
    for (const host of this.hosts) host.start();
    for (const { at, action } of plan.actions) time.after(at, () => this.#act(action), true);
    time.after(FAULTS_END_MS, () => this.#heal(), true);
    const isOver = () => this.facts.breaches.length > 0 || this.#isOver();
    const done = await time.run(isOver, VirtualTime.START + LIMIT_MS);
    if (!done) await this.#explain();
    if (this.facts.breaches.length === 0) await this.#checkEnd();
    return {
      seed: plan.seed,
      breaches: this.facts.breaches,
      hash: this.#hash.digest("hex"),
      events: this.#events,
      restarts: this.#starts - 1,
      elapsedMs: time.elapsed,
    };
  }

  close(): void {
    this.disk.close();
  }

  trace(line: string): void {
    this.#trace?.(`${String(this.time.elapsed).padStart(7)}  ${line}`);
  }

  // The scheduler

  #startScheduler(): void {
    const { time, facts, disk } = this;
    this.#starts++;
    this.trace(`scheduler starts, number ${this.#starts}`);
    facts.schedulerUp();
    this.ledger.restarted();
    this.process = new Incarnation({
      time,
      facts,
      disk,
      ids: this.#ids,
      reclaimsInARow: this.plan.reclaimsInARow,
      maxMessageBytes: this.plan.maxMessageBytes,
      mutation: this.options.mutation ?? NO_MUTATION,
      sends: (link, events) => this.#sends(link, events),
      crashed: (incarnation) => this.#crashed(incarnation),
      trace: (line) => this.trace(line),
    });
  }

  #crashed(incarnation: Incarnation): void {
    this.process = null;
    const random = new Random(`crash/${this.plan.seed}/${this.#starts}`);
    for (const link of this.#links.splice(0)) {
      if (link.incarnation !== incarnation) continue;
      const hostNotices = random.chance(0.8) ? random.int(1, 50) : null;
      link.cut({ loses: true, hostNotices, schedulerNotices: null, isStuck: false });
    }
    this.time.after(this.downMs, () => this.#startScheduler(), true);
  }

  #dial(host: SimulatedHost): Link | null {
    if (this.process === null) return null;
    const random = new Random(`link/${this.plan.seed}/${++this.#dials}`);
    const link = new Link(this.time, random, host, this.process);
    this.#links.push(link);
    return link;
  }

  // Who watches

  #committed(writes: WriteSet, decidedAt: number): void {
    this.facts.decidedAt = decidedAt;
    for (const live of writes.runs) {
      const run = live.run();
      this.#statuses.set(run.id, run.status);
      if (this.facts.has(`run:${run.id}`)) continue;
      this.facts.add(`run:${run.id}`);
      // One run for one request, however often it is asked for.
      if (this.facts.has(`request:${run.requestId}`)) this.facts.breach(`client: two runs for ${run.requestId}`);
      this.facts.add(`request:${run.requestId}`);
    }
    for (const { runId, requestId } of writes.purge?.runs ?? []) {
      this.trace(`  purged ${runId}`);
      const status = this.#statuses.get(runId) ?? "unknown";
      if (!isRunOver(status as "FAILED")) this.facts.breach(`purge: run ${runId} is purged, and is ${status}`);
      this.ledger.purged(runId);
      this.#purged.add(runId);
      this.facts.add(`purged:${runId}`);
      this.facts.add(`purged-request:${requestId}`);
    }
    for (const { runId, events } of writes.chunks) {
      this.#eventsOf.set(runId, (this.#eventsOf.get(runId) ?? 0) + events.length);
      for (const event of events) {
        this.#events++;
        this.#hash.update(JSON.stringify(event));
        if (event.task === undefined) this.facts.add(`${event.type}:${runId}`);
        this.trace(
          `  ${event.type} ${runId}#${event.task ?? ""} ${event.leaseId ?? ""} ${event.sessionId ?? ""} ${event.reason ?? ""}`,
        );
      }
    }
    this.ledger.committed(writes);
  }

  #sends(link: Link, events: readonly SchedulerEvent[]): void {
    for (const event of events) {
      if (event.type === "lease") {
        this.#hash.update(`lease ${event.lease.leaseId}`);
        // P4: nothing is said before it is durable.
        if (!this.ledger.isCurrent(event.lease.leaseId)) {
          this.facts.breach(`scheduler: lease ${event.lease.leaseId} goes out, and is not current`);
        }
      } else this.#hash.update(event.type);
      if (event.type !== "heartbeat_ack")
        this.trace(`${link.host.name} is sent ${this.#trace === null ? "" : describeEvent(event)}`);
    }
  }

  // What happens

  #act(action: Action): void {
    this.trace(`* ${JSON.stringify(action)}`);
    act(action, this);
  }

  /** From now on everything works. */
  #heal(): void {
    this.trace("* faults end");
    this.disk.fates.length = 0;
    this.downMs = 100;
    for (const host of this.hosts) {
      host.delayMs = 0;
      // P12: what it has declined waits for another session.
      host.mayDecline = false;
      if (host.slots === 0) host.resize(1);
      if (host.hasDeclined) this.time.after(8_000, () => host.drain(0, true));
    }
    // A pause that was asked for again and again may have come after its resume.
    for (const ms of [0, 5_000, 10_000]) this.time.after(ms, () => this.#resumeAll(), true);
  }

  #resumeAll(): void {
    for (const run of this.client.runs.keys()) this.client.control(run, { type: "resume" });
  }

  #isOver(): boolean {
    if (this.time.elapsed < FAULTS_END_MS || this.client.open > 0 || this.process === null) return false;
    for (const status of this.#statuses.values()) if (!isRunOver(status as "FAILED")) return false;
    return this.ledger.isEmpty && this.hosts.every((host) => host.isIdle);
  }

  async #explain(): Promise<void> {
    const open = [...this.#statuses].filter(([, status]) => !isRunOver(status as "FAILED"));
    const hosts = this.hosts.map((h) => `${h.name}: ${h.describe()}`).join("; ");
    const lines = [
      `runs ${JSON.stringify(open)}`,
      `requests ${this.client.open}`,
      `ledger ${this.ledger.describe()}`,
      hosts,
    ];
    for (const [runId] of open) {
      const view = await this.process?.scheduler.store.readRun("default", runId);
      lines.push(...(view?.tasks.map((t) => `${runId}#${t.task} ${t.state}`) ?? []));
    }
    this.facts.breach(`end: not everything came to its end: ${lines.join("; ")}`);
  }

  /** Reads the log from a disk that was opened anew, and compares. */
  async #checkEnd(): Promise<void> {
    this.ledger.checkEmpty();
    const store = this.process?.scheduler.store;
    if (store === undefined) return;
    for (const breach of await store.check()) this.facts.breach(`books: ${breach}`);
    const everything = { namespace: "default", runId: null, after: 0, limit: 1_000_000 };
    const journal = this.disk.reopen(this.time.now());
    journal?.load();
    const { chunks } = journal?.events(everything) ?? (await store.events(everything));
    for (const breach of await auditChunks(chunks)) this.facts.breach(`audit: ${breach}`);
    const log = factsOfLog(chunks);
    let expected = 0;
    for (const [runId, count] of this.#eventsOf) if (!this.#purged.has(runId)) expected += count;
    if (log.events !== expected)
      this.facts.breach(`log: ${log.events} events, ${expected} were committed and not purged`);
    this.facts.checkReceipts(log.facts, this.#purged);
    for (const runId of this.#purged) {
      if ((await store.readRun("default", runId)) !== null) this.facts.breach(`purge: run ${runId} is there again`);
    }
  }
}
