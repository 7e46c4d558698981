/**
 * The engine: one loop. Each turn takes what came in, lets the store decide and commit it, and only then tells anybody.
 *
 *   read → inbox → [ sessions ] → [ host events, control, deadlines, grants: one commit ] → receipts and effects
 *
 * It holds no authoritative state: connections, and queues of what is to be said. Nothing that a restart could lose.
 */
import { CloacaError } from "../core/errors.js";
import type { Graph } from "../core/model.js";
import type { RunControlled } from "../core/run-control.js";
import type { StartedRun, StartRun, Store, UpdateWorkflow, WorkflowRecord } from "../store/store.js";
import { Connection, type ConnectionOwner, type Wire } from "./connection.js";
import type { Hello, HostEvent } from "./events.js";
import { type Incoming, noResult, type Opening, RequestQueue } from "./inbox.js";
import { Liveness } from "./liveness.js";
import { drainEvent, openSessions } from "./openings.js";
import type { SchedulerOptions } from "./options.js";
import { resolveRegistrations } from "./registrations.js";
import { RunFeed } from "./run-feed.js";
import type { Runtime } from "./runtime.js";
import { StopBell } from "./stop-bell.js";
import { Switchboard } from "./switchboard.js";
import { type ControlRunRequest, type StartResult, Turn, type TurnInput, type WithdrawnLease } from "./turn.js";
import { Upkeep } from "./upkeep.js";

/** How long to wait after a commit that failed. */
const STORE_RETRY_MS = 500;

export class Scheduler implements ConnectionOwner {
  readonly connections = new Switchboard();
  readonly feed: RunFeed;
  /** Rings when the scheduler stops. */
  readonly stopBell = new StopBell();
  readonly #openings: Opening[] = [];
  #incoming: Incoming[] = [];
  readonly #starts = new RequestQueue<readonly StartRun[], readonly StartResult[]>();
  readonly #controls = new RequestQueue<ControlRunRequest, RunControlled>();
  readonly #goodbyes: string[] = [];
  readonly #withdrawn: WithdrawnLease[] = [];
  readonly #liveness: Liveness;
  readonly #upkeep: Upkeep;
  #scheduled = false;
  /** Something came up while a turn was running. */
  #again = false;
  #running: Promise<void> | null = null;
  #stopped = false;
  #storeFails = false;
  #cancelWake: (() => void) | null = null;

  constructor(readonly options: SchedulerOptions) {
    this.#liveness = new Liveness(options.store, options.clock);
    this.#upkeep = new Upkeep(options);
    this.feed = new RunFeed(options.store);
  }

  get store(): Store {
    return this.options.store;
  }

  get runtime(): Runtime {
    return this.options.runtime;
  }

  /** Begins to watch deadlines; what became due before is fired in the first turn. */
  start(): void {
    this.#schedule();
  }

  /** A host has opened a connection. */
  connect(wire: Wire): Connection {
    const { limits, runtime } = this.options;
    const connection = new Connection(wire, this, limits.maxMessageBytes);
    this.connections.add(connection);
    connection.cancelHelloTimeout = runtime.after(limits.helloTimeoutMs, () => {
      const message = `the connection said no hello within ${limits.helloTimeoutMs} ms`;
      connection.fail(new CloacaError("HELLO_TIMEOUT", message));
    });
    return connection;
  }

  /** Starts a run; concurrent starts share a commit. */
  async startRun(item: StartRun): Promise<StartedRun> {
    const [started] = await this.startRuns([item]);
    if (started === undefined || started instanceof CloacaError) throw started ?? noResult();
    return started;
  }

  /** Starts runs, with a result for each in order; one that cannot start harms no other. */
  startRuns(items: readonly StartRun[]): Promise<readonly StartResult[]> {
    if (this.#stopped) return Promise.reject(drainingError());
    return this.#ask(this.#starts.add(items));
  }

  /** Cancels, pauses, resumes or retries a run; resolves with its status after that. */
  controlRun(request: ControlRunRequest): Promise<RunControlled> {
    if (this.#stopped) return Promise.reject(drainingError());
    return this.#ask(this.#controls.add(request));
  }

  /** Pauses, resumes or promotes; resolves with the version that is current then. */
  async updateWorkflow(item: UpdateWorkflow): Promise<WorkflowRecord> {
    if (this.#stopped) throw drainingError();
    const [record] = await this.store.updateWorkflows([item]);
    if (record === undefined || record instanceof CloacaError) throw record ?? noResult();
    // What was paused may be leased now.
    this.#schedule();
    return record;
  }

  async registerWorkflow(namespace: string, graph: Graph): Promise<WorkflowRecord> {
    await this.store.registerWorkflows([{ namespace, graph }]);
    const record = await this.store.readWorkflow(namespace, graph.definition.name, graph.version);
    if (record === null) throw new CloacaError("INTERNAL", "the workflow was registered and cannot be read");
    return record;
  }

  /** P12: no new leases for the host; it is told so, and hands deferred leases back after the grace time. */
  async drainHost(sessionId: string, graceMs: number, reason: string): Promise<void> {
    const { clock, log } = this.options;
    const drainRequest = { until: clock.now() + graceMs, reason };
    await this.store.updateSessions([{ sessionId, drainRequest }]);
    log.info("host_draining", { session: sessionId, reason });
    // Without a connection it hears of it with its next Welcome.
    const connection = this.connections.of(sessionId);
    connection?.outbox.push(drainEvent(drainRequest, clock.now()));
    connection?.flush();
  }

  /** P5: life that came by another way than a connection. */
  keepAlive(sessionId: string): void {
    this.#liveness.heard(sessionId);
    this.#schedule();
  }

  /**
   * Ends in order (P12): nothing new is taken, what came in is committed and receipted, every host is told when to connect
   * again. Leases stay with their sessions, for whoever opens the store next.
   */
  async stop(reconnectAfterMs: number): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const { connection } of this.#openings.splice(0)) connection.fail(drainingError());
    await Promise.all([this.#run(), this.#upkeep.stop()]);
    this.#cancelWake?.();
    this.stopBell.ring();
    for (const connection of this.connections.all()) {
      if (connection.phase !== "open") {
        connection.fail(drainingError());
        continue;
      }
      const drain = { graceMs: 0, reason: "the scheduler shuts down", reconnect: true, reconnectAfterMs };
      connection.outbox.push({ type: "drain", drain });
      connection.finish();
    }
  }

  // What connections tell

  opening(connection: Connection, hello: Hello): void {
    if (this.#stopped) {
      connection.fail(drainingError());
      return;
    }
    this.#openings.push({ connection, hello });
    this.#schedule();
  }

  heard(connection: Connection): void {
    this.#liveness.heard(connection.sessionId);
  }

  received(connection: Connection, events: readonly HostEvent[]): void {
    for (const event of events) this.#incoming.push({ connection, event });
    this.#schedule();
  }

  writable(connection: Connection): void {
    connection.flush();
    if (!connection.wasPassedOver || !connection.isReachable) return;
    connection.wasPassedOver = false;
    this.#schedule();
  }

  closed(connection: Connection, clean: boolean): void {
    const isCurrent = this.connections.of(connection.sessionId) === connection;
    this.connections.remove(connection);
    if (!isCurrent) return;
    this.options.log.info("connection_closed", {
      session: connection.sessionId,
      generation: connection.generation,
      clean,
    });
    // A drained host that ends its stream says goodbye; everybody else has a TTL to come back (P6).
    if (clean && this.store.session(connection.sessionId)?.draining === true) {
      this.#goodbyes.push(connection.sessionId);
      this.#schedule();
    }
  }

  // The loop

  #ask<T>(result: Promise<T>): Promise<T> {
    this.#schedule();
    return result;
  }

  #schedule(): void {
    if (this.#running !== null) this.#again = true;
    if (this.#scheduled || this.#storeFails || this.#running !== null) return;
    this.#scheduled = true;
    this.options.runtime.soon(() => {
      this.#scheduled = false;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    while (this.#running !== null) await this.#running;
    this.#running = this.#turn().then(
      (more) => this.#afterTurn(more),
      (error) => {
        this.options.log.error("turn_failed", {
          error: String(error),
          stack: error instanceof Error ? error.stack : "",
        });
        this.#afterTurn(false);
      },
    );
    await this.#running;
  }

  #afterTurn(more: boolean): void {
    this.#running = null;
    const again = this.#again;
    this.#again = false;
    if (this.#stopped) return;
    if (more || again || this.#hasInput()) this.#schedule();
    this.#wakeWhenDue();
    this.#upkeep.plan();
  }

  #hasInput(): boolean {
    const hosts = this.#openings.length + this.#incoming.length + this.#goodbyes.length;
    return hosts + this.#withdrawn.length > 0 || !this.#starts.isEmpty || !this.#controls.isEmpty;
  }

  async #turn(): Promise<boolean> {
    // P5: whoever was heard is noted before anything expires.
    this.#liveness.flush();
    if (this.#openings.length > 0) await openSessions(this.options, this.connections, this.#openings.splice(0));
    const input: TurnInput = {
      ...(await resolveRegistrations(this.options, this.#takeIncoming())),
      withdrawn: this.#withdrawn.splice(0),
      starts: this.#starts.take(),
      controls: this.#controls.take(),
      goodbyes: this.#goodbyes.splice(0),
      grants: !this.#stopped,
    };
    const more = await this.#attempt(input);
    if (this.options.checkBooks) await this.#checkBooks();
    return more;
  }

  /** Runs a turn. When the store cannot commit, host events are tried again and control requests are told. */
  async #attempt(input: TurnInput): Promise<boolean> {
    try {
      const turn = new Turn(this.options, this.connections, input);
      const more = await turn.run();
      this.#withdrawn.push(...turn.withdrawn);
      for (const { connection } of input.incoming) connection.decided(1);
      return more;
    } catch (thrown) {
      const error = CloacaError.from(thrown);
      for (const request of [...input.starts, ...input.controls]) request.reject(error);
      if (error.code === "STORE_UNAVAILABLE") {
        this.#backOff(input, error);
        return false;
      }
      this.options.log.error("turn_failed", { error: error.message, stack: error.stack });
      await this.#isolate(input, error);
      return false;
    }
  }

  /** A defect: whatever event it is that fails, the others of the turn must not fail with it. */
  async #isolate(input: TurnInput, error: CloacaError): Promise<void> {
    const [first] = input.incoming;
    if (input.incoming.length === 1 && first !== undefined) {
      const { code, message } = error;
      const { connection, event } = first;
      connection.outbox.receipt({ seq: event.seq, result: "REJECTED", error: { code, message, problems: [] } });
      connection.decided(1);
      connection.flush();
      return;
    }
    const nothing = { registrations: [], starts: [], controls: [], goodbyes: [], withdrawn: [], grants: false };
    for (const one of input.incoming) {
      const registrations = input.registrations.filter(
        (r) => r.connection === one.connection && r.seq === one.event.seq,
      );
      await this.#attempt({ ...nothing, incoming: [one], registrations });
    }
    if (input.incoming.length > 0 && input.withdrawn.length > 0) {
      await this.#attempt({ ...nothing, incoming: [], withdrawn: input.withdrawn });
    }
  }

  #backOff(input: TurnInput, error: CloacaError): void {
    // Not by spreading: what waits may be more than a call takes arguments.
    this.#incoming = input.incoming.concat(this.#incoming);
    // P5: who is not read any further because of it cannot be heard.
    for (const { connection } of input.incoming) if (connection.isHeldUp) this.#liveness.heard(connection.sessionId);
    this.#goodbyes.unshift(...input.goodbyes);
    this.#withdrawn.unshift(...input.withdrawn);
    this.options.log.error("store_unavailable", { error: error.message, waiting: this.#incoming.length });
    this.#storeFails = true;
    this.options.runtime.after(STORE_RETRY_MS, () => {
      this.#storeFails = false;
      if (!this.#stopped) this.#schedule();
    });
  }

  /** P1: events of a superseded generation are dropped without a receipt. */
  #takeIncoming(): Incoming[] {
    const current: Incoming[] = [];
    for (const incoming of this.#incoming.splice(0)) {
      const { connection } = incoming;
      const bound = this.connections.of(connection.sessionId);
      const session = this.store.session(connection.sessionId);
      // A host may send its last events and end the stream at once: they count while nobody has taken over.
      const isNewest = bound === null || bound === connection;
      if (isNewest && session?.generation === connection.generation) current.push(incoming);
      else connection.decided(1);
    }
    return current;
  }

  #wakeWhenDue(): void {
    this.#cancelWake?.();
    this.#cancelWake = null;
    const due = this.store.nextDue();
    if (due === null) return;
    this.#liveness.plan(due);
    const wait = Math.max(1, Math.ceil(due - this.options.clock.now()));
    this.#cancelWake = this.options.runtime.after(wait, () => this.#schedule());
  }

  async #checkBooks(): Promise<void> {
    const breaches = await this.store.check();
    for (const breach of breaches) this.options.log.error("books_wrong", { breach });
    if (breaches.length > 0) throw new CloacaError("INTERNAL", `the books are wrong: ${breaches.join("; ")}`);
  }
}

/** P12: what who asks a scheduler that stops is told. */
export function drainingError(): CloacaError {
  return new CloacaError("DRAINING", "the scheduler shuts down; try again in a moment", { retryAfterMs: 1_000 });
}
