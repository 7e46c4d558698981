/** A task host: the process that executes tasks of workflows whose graph a scheduler drives. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { RemoteError } from "../errors/index.js";
import type { Offer, Welcome } from "../protocol/words.js";
import type { ResolvedTask, WorkflowDefinition } from "../task/definition.js";
import { toWireWorkflow } from "../task/wire-workflow.js";
import { Backoff } from "./backoff.js";
import { HostConnection, type Outcome } from "./connection.js";
import { type HostLog, QUIET } from "./host-log.js";
import { KeepAlive } from "./keep-alive.js";
import { HostSession } from "./session.js";

export interface HostOptions {
  /** Address of the scheduler: `grpc://host:port`, or `grpcs://` for TLS. */
  readonly url: string;
  /** Tasks that may hold a slot at once. 10 by default. */
  readonly slots?: number;
  /** Most tasks at once, deferred ones included. No limit by default. */
  readonly maxLeases?: number;
  /** The operator's name for this host, unique in its namespace. The machine's name and the process id by default. */
  readonly hostId?: string;
  /** `default` by default. */
  readonly namespace?: string;
  /** Build of the task code, for people. */
  readonly buildId?: string;
  /** Free labels, for people. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Hears what the host tells about itself; silent by default. `console` fits. */
  readonly log?: HostLog;
  /** How long a drain waits before deferred tasks are handed back, in milliseconds. 10,000 by default. */
  readonly drainGraceMs?: number;
}

export interface RunOptions {
  /** Drains the host when it aborts. */
  readonly signal?: AbortSignal;
  /** Drain on SIGINT and SIGTERM. True by default. A second signal ends the process as it would have without this. */
  readonly handleSignals?: boolean;
}

const DEFAULT_SLOTS = 10;
const DEFAULT_DRAIN_GRACE_MS = 10_000;
/** Of a session that no Welcome has told its own. */
const DEFAULT_TTL_MS = 15_000;

export class Host {
  readonly #workflows = new Map<string, WorkflowDefinition<object>>();
  /** Code by workflow and task. */
  readonly #code = new Map<string, ReadonlyMap<string, ResolvedTask>>();
  /** Code for tasks of workflows that another registered: workflow, then task. */
  readonly #implementations = new Map<string, Map<string, ResolvedTask>>();
  readonly #session: HostSession;
  readonly #backoff = new Backoff();
  readonly #log: HostLog;
  readonly #keepAlive: KeepAlive;
  #connection: HostConnection | null = null;
  #running: Promise<void> | null = null;
  #isServing = false;
  #wakeUp: () => void = () => {};
  #readyWaiters: (() => void)[] = [];
  #graceTimer: NodeJS.Timeout | null = null;
  #ttlMs = DEFAULT_TTL_MS;
  /** When a drain ends that the scheduler does not hear of: by then its session has expired there. */
  #drainDeadline = Number.POSITIVE_INFINITY;

  constructor(readonly options: HostOptions) {
    this.#log = options.log ?? QUIET;
    this.#keepAlive = new KeepAlive(options.url, this.#log);
    this.#session = new HostSession({
      namespace: options.namespace ?? "",
      hostId: options.hostId ?? defaultHostId(),
      instanceId: randomBytes(16).toString("hex"),
      buildId: options.buildId ?? "",
      slots: options.slots ?? DEFAULT_SLOTS,
      maxLeases: options.maxLeases ?? 0,
      labels: options.labels ?? {},
      log: this.#log,
      offer: () => this.#offer(),
      find: (workflow, task) => this.#find(workflow, task),
      changed: () => this.#finishWhenIdle(),
    });
  }

  /** Brings a workflow: its graph and the code of all its tasks. While the host runs, the scheduler is told at once. */
  register(workflow: WorkflowDefinition<object>): this {
    this.#keep(workflow);
    if (this.#isServing) this.#session.say({ type: "register", offer: offerOf([workflow]) });
    return this;
  }

  /** Registers a workflow with a host that runs; resolves when the scheduler has it. Rejects with what is wrong with it. */
  bring(workflow: WorkflowDefinition<object>): Promise<void> {
    this.#keep(workflow);
    if (!this.#isServing) return this.ready();
    return new Promise((resolve, reject) => {
      this.#session.say({ type: "register", offer: offerOf([workflow]) }, ({ result, code, message }) => {
        if (result === "APPLIED" || result === "DUPLICATE") resolve();
        else reject(new RemoteError(code, message));
      });
    });
  }

  /** Brings the code of one task of a workflow that another registers, for whatever version of it asks. */
  implement(workflow: string, task: ResolvedTask): this {
    const tasks = this.#implementations.get(workflow) ?? new Map<string, ResolvedTask>();
    tasks.set(task.id, task);
    this.#implementations.set(workflow, tasks);
    return this;
  }

  /**
   * Serves until it is drained; connects again for ever, with a growing wait, while the scheduler is away. Rejects only when
   * the scheduler refuses the host for good, for example because of a definition that it does not take.
   */
  run(options: RunOptions = {}): Promise<void> {
    this.#running ??= this.#supervise(options);
    return this.#running;
  }

  /** Resolves when the host is registered and can get leases. */
  ready(): Promise<void> {
    if (this.#isServing) return Promise.resolve();
    return new Promise((resolve) => this.#readyWaiters.push(resolve));
  }

  /**
   * Takes no new work, finishes what runs, hands deferred tasks back after the grace time, and ends `run`.
   *
   * @param graceMs time until deferred tasks are handed back, in milliseconds
   */
  async drain(graceMs: number = this.options.drainGraceMs ?? DEFAULT_DRAIN_GRACE_MS): Promise<void> {
    this.#startDrain(graceMs, "the host drains");
    await this.#running;
  }

  async #supervise({ signal, handleSignals = true }: RunOptions): Promise<void> {
    const onStop = (): void => {
      void this.drain();
    };
    if (signal?.aborted) onStop();
    signal?.addEventListener("abort", onStop, { once: true });
    if (handleSignals) for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, onStop);
    try {
      await this.#keepAlive.start();
      for (;;) {
        // A host that drains with nothing to do need not connect first.
        if (this.#session.isDraining && this.#session.sessionId === "") return;
        const outcome = await this.#connect();
        if (outcome.type === "drained") return;
        if (outcome.type === "fatal") throw outcome.error;
        if (this.#mayGo()) return;
        await this.#wait(outcome);
      }
    } finally {
      signal?.removeEventListener("abort", onStop);
      for (const name of ["SIGINT", "SIGTERM"] as const) process.removeListener(name, onStop);
      if (this.#graceTimer !== null) clearTimeout(this.#graceTimer);
      await this.#keepAlive.stop();
    }
  }

  /** A host that drains while the scheduler is away goes when it has nothing to say, or when nobody waits for it any more. */
  #mayGo(): boolean {
    if (!this.#session.isDraining) return false;
    return !this.#session.hasNews || performance.now() > this.#drainDeadline;
  }

  async #connect(): Promise<Outcome> {
    const { url } = this.options;
    this.#connection = new HostConnection(url, this.#session, {
      welcomed: (welcome) => this.#welcomed(welcome),
      drain: (graceMs, reason) => this.#startDrain(graceMs, reason),
    });
    const outcome = await this.#connection.outcome;
    this.#connection = null;
    this.#isServing = false;
    return outcome;
  }

  #welcomed(welcome: Welcome): void {
    const { sessionId, generation, resumed } = welcome;
    this.#keepAlive.watch(welcome);
    this.#backoff.reset();
    this.#ttlMs = welcome.ttlMs;
    this.#isServing = true;
    this.#log.info("host_connected", { session: sessionId, generation, resumed });
    for (const resolve of this.#readyWaiters.splice(0)) resolve();
    this.#finishWhenIdle();
  }

  async #wait({ error, afterMs }: Extract<Outcome, { type: "retryable" }>): Promise<void> {
    const waitMs = afterMs ?? this.#backoff.next();
    this.#log.warn("host_disconnected", { error: error?.message ?? "the stream ended", retryInMs: Math.round(waitMs) });
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #startDrain(graceMs: number, reason: string): void {
    if (this.#session.isDraining) return;
    this.#log.info("host_draining", { reason, graceMs });
    this.#drainDeadline = performance.now() + graceMs + this.#ttlMs;
    this.#session.drain(reason);
    this.#graceTimer = setTimeout(() => this.#session.declineDeferred("the host drains"), graceMs);
    this.#wakeUp();
  }

  #finishWhenIdle(): void {
    if (this.#isServing && this.#session.isDraining && this.#session.isIdle) this.#connection?.finish();
  }

  #keep(workflow: WorkflowDefinition<object>): void {
    this.#workflows.set(workflow.name, workflow);
    this.#code.set(workflow.name, new Map(workflow.tasks.map((task) => [task.id, task])));
  }

  #offer(): Offer {
    const own = offerOf([...this.#workflows.values()]);
    const implementations = [...this.#implementations].map(([workflow, tasks]) => ({
      workflow,
      tasks: [...tasks.keys()],
      anyVersion: true,
    }));
    return { definitions: own.definitions, implementations: [...own.implementations, ...implementations] };
  }

  #find(workflow: string, task: string): ResolvedTask | null {
    const own = this.#code.get(workflow)?.get(task);
    return own ?? this.#implementations.get(workflow)?.get(task) ?? null;
  }
}

function offerOf(workflows: readonly WorkflowDefinition<object>[]): Offer {
  return {
    definitions: workflows.map(toWireWorkflow),
    implementations: workflows.map(({ name }) => ({ workflow: name, tasks: [], anyVersion: false })),
  };
}

/** A name as the scheduler takes it: the machine and the process. */
function defaultHostId(): string {
  const machine = hostname()
    .replace(/[^A-Za-z0-9_.-]/g, "-")
    .slice(0, 100);
  return `${/^[A-Za-z_]/.test(machine) ? "" : "host-"}${machine}-${process.pid}`;
}
