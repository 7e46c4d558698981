/** A task host: the process that executes tasks of workflows whose graph a scheduler drives. */
import { randomBytes } from "node:crypto";
import { CloacaError, DefinitionError, RemoteError } from "../errors/index.js";
import { oversize } from "../protocol/message-size.js";
import { MAX_TIMER_MS } from "../protocol/number-limits.js";
import type { Hello, Welcome } from "../protocol/words.js";
import type { Context } from "../task/context.js";
import type { ResolvedTask, WorkflowDefinition } from "../task/definition.js";
import type { TaskHandle } from "../task/task-handle.js";
import type { AnyTask, MaybePromise, TaskResult } from "../task/task-types.js";
import { Backoff } from "./backoff.js";
import type { BroughtWorkflow } from "./brought-workflow.js";
import { CodeBook } from "./code-book.js";
import { type ConnectionHooks, HostConnection, type Outcome, WELCOME_TIMEOUT_MS } from "./connection.js";
import { checkWorkflow } from "./given-workflow.js";
import type { HostLog } from "./host-log.js";
import { checkHostOptions, type HostOptions, type RunOptions } from "./host-options.js";
import { type ImplementOptions, implementedTask } from "./implementation.js";
import { KeepAlive } from "./keep-alive.js";
import { checkRunOptions } from "./run-options.js";
import { HostSession } from "./session.js";

/** Of a session that no Welcome has told its own. */
const DEFAULT_TTL_MS = 15_000;
/** How often a host that has a session tries to connect within its TTL, at the least. */
const TRIES_PER_TTL = 3;

/** What a host tells its log that has been welcomed and has code for nothing. */
export const WITHOUT_TASKS = "host_without_tasks";
const WITHOUT_TASKS_HINT =
  "nothing is leased to this host until register, bring or implement has given it something to do";

export class Host {
  readonly options: Required<HostOptions>;
  readonly #code = new CodeBook();
  readonly #session: HostSession;
  readonly #backoff = new Backoff();
  readonly #log: HostLog;
  readonly #keepAlive: KeepAlive;
  #connection: HostConnection | null = null;
  #running: Promise<void> | null = null;
  #isServing = false;
  #hasSaidHello = false;
  #hasServed = false;
  #wakeUp: () => void = () => {};
  #readyWaiters: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  /** Why the host serves no more; null until it has ended. */
  #end: unknown = null;
  #graceTimer: NodeJS.Timeout | null = null;
  #ttlMs = DEFAULT_TTL_MS;
  /** How long the last try to connect took when it came to nothing; 0 when the connection served. */
  #vainMs = 0;
  /** When a drain ends that the scheduler does not hear of: by then its session has expired there. */
  #drainDeadline = Number.POSITIVE_INFINITY;

  /** Throws OptionsError with everything that is wrong with the options. */
  constructor(options: HostOptions) {
    this.options = checkHostOptions(options);
    const { url, namespace, hostId, buildId, slots, maxLeases, labels, log } = this.options;
    this.#log = log;
    this.#keepAlive = new KeepAlive(url, log);
    this.#session = new HostSession({
      namespace,
      hostId,
      instanceId: randomBytes(16).toString("hex"),
      buildId,
      slots,
      maxLeases,
      labels,
      log,
      offer: (maxMessageBytes) => this.#code.offer(maxMessageBytes),
      find: (lease) => this.#code.find(lease),
      registered: (definitions, workflows) => this.#code.registered(definitions, workflows),
      changed: () => this.#finishWhenIdle(),
    });
  }

  /**
   * Brings a workflow: its graph and the code of all its tasks. While the host runs, the scheduler is told at once. Several
   * versions of a workflow can be brought: each run gets the code of its own.
   *
   * @throws DefinitionError when it is no workflow, with all that is wrong
   */
  register(workflow: WorkflowDefinition<object>): this {
    checkWorkflow(workflow, "host.register");
    this.#bring(workflow);
    return this;
  }

  /**
   * Brings a workflow and resolves, with the version that the scheduler gave it, once it is registered; for a host that does
   * not run yet, once it runs.
   *
   * @throws DefinitionError when it is no workflow, or larger than the scheduler takes in a message; RemoteError when the scheduler
   *   does not take it. It is then forgotten, and all else goes on
   */
  bring(workflow: WorkflowDefinition<object>): Promise<string> {
    try {
      checkWorkflow(workflow, "host.bring");
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#bring(workflow).registered;
  }

  /**
   * Brings the code of one task of a workflow that another registers, for whatever version of it asks:
   *
   * ```ts
   * host.implement("etl", "wait_for_file", async (context, handle) => ({ file: await handle.deferUntil(() => findFile()) }));
   * ```
   *
   * Dependencies, retries, the time limit and the trigger rule are those of the registered graph.
   *
   * @param workflowName name of the workflow, in the host's namespace
   * @param taskId id of the task in it
   * @param fn as of any task; a second parameter named `handle`, `taskHandle` or `task_handle` gets the handle
   * @throws OptionsError with everything that is wrong
   */
  implement(
    workflowName: string,
    taskId: string,
    fn: (context: Context, handle: TaskHandle) => MaybePromise<TaskResult>,
    options?: ImplementOptions,
  ): this;
  /** The same with a task that `task(options, fn)` made, or one of a workflow that was built. Its code, handle and callbacks count. */
  implement(workflowName: string, task: AnyTask | ResolvedTask): this;
  implement(workflowName: string, ...code: readonly unknown[]): this {
    const offer = this.#code.implement(workflowName, implementedTask(workflowName, code));
    if (this.#connection !== null) this.#session.say({ type: "register", offer });
    return this;
  }

  /**
   * Serves until it is drained; connects again for ever, with a growing wait, while the scheduler is away. Rejects when the
   * scheduler refuses the host for good, for example because of a definition that it does not take, and as below.
   *
   * @throws OptionsError with everything that is wrong with the options; the host does not run then
   * @throws DefinitionError when a workflow that was registered before is larger than the scheduler takes in a message
   * @throws CloacaError `MESSAGE_UNWRITABLE` when something that the host has to say does not fit the protocol
   */
  run(options: RunOptions = {}): Promise<void> {
    try {
      checkRunOptions(options);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#running ??= this.#supervise(options);
    return this.#running;
  }

  /** Resolves when the host is registered and can get leases. Rejects when it ends before it was. */
  ready(): Promise<void> {
    if (this.#isServing) return Promise.resolve();
    if (this.#end !== null) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => this.#readyWaiters.push({ resolve, reject }));
  }

  /**
   * Takes no new work, finishes what runs, hands deferred tasks back after the grace time, and ends `run`.
   *
   * @param graceMs time until deferred tasks are handed back, in milliseconds
   */
  async drain(graceMs: number = this.options.drainGraceMs): Promise<void> {
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
    let end: unknown = new CloacaError("HOST_ENDED", `host "${this.options.hostId}" has ended`);
    try {
      await this.#serve();
    } catch (error) {
      end = error;
      throw error;
    } finally {
      signal?.removeEventListener("abort", onStop);
      for (const name of ["SIGINT", "SIGTERM"] as const) process.removeListener(name, onStop);
      if (this.#graceTimer !== null) clearTimeout(this.#graceTimer);
      await this.#keepAlive.stop();
      this.#ended(end);
    }
  }

  async #serve(): Promise<void> {
    await this.#keepAlive.start();
    let address: string | null = null;
    for (;;) {
      // A host that drains with nothing to do need not connect first.
      if (this.#session.isDraining && this.#session.sessionId === "") return;
      const outcome = await this.#connect(address ?? this.options.url);
      if (outcome.type === "drained") return;
      if (outcome.type === "fatal") throw outcome.error;
      if (this.#mayGo()) return;
      if (outcome.wasOfUse) this.#backoff.reset();
      // P12: where the scheduler said; if nobody is there, back to where this host was told.
      address = outcome.address;
      await this.#wait(outcome);
    }
  }

  #ended(end: unknown): void {
    this.#end = end;
    this.#code.end(end);
    for (const { reject } of this.#readyWaiters.splice(0)) reject(end);
  }

  /** A host that drains while the scheduler is away goes when it has nothing to say, or when nobody waits for it any more. */
  #mayGo(): boolean {
    if (!this.#session.isDraining) return false;
    return !this.#session.hasNews || performance.now() > this.#drainDeadline;
  }

  async #connect(url: string): Promise<Outcome> {
    this.#hasSaidHello = true;
    const begun = performance.now();
    const hooks: ConnectionHooks = {
      welcomed: (welcome, hello) => this.#welcomed(welcome, hello),
      drain: (graceMs, reason) => this.#startDrain(graceMs, reason),
    };
    const welcomeTimeoutMs = Math.min(WELCOME_TIMEOUT_MS, this.#msPerTry);
    this.#connection = new HostConnection(url, this.#session, hooks, welcomeTimeoutMs);
    const outcome = await this.#connection.outcome;
    this.#vainMs = this.#isServing ? 0 : performance.now() - begun;
    this.#connection = null;
    this.#isServing = false;
    return outcome;
  }

  #welcomed(welcome: Welcome, hello: Hello): void {
    const missing = this.#code.missingIn(hello.definitions);
    const tooLarge = this.#hasServed ? null : this.#tooLarge(missing);
    if (tooLarge !== null) {
      this.#connection?.refuse(tooLarge);
      return;
    }
    const { sessionId, generation, resumed } = welcome;
    this.#keepAlive.watch(welcome);
    this.#ttlMs = welcome.ttlMs;
    this.#isServing = true;
    this.#log.info("host_connected", { session: sessionId, generation, resumed });
    if (!this.#hasServed && this.#code.isEmpty) this.#log.warn(WITHOUT_TASKS, { hint: WITHOUT_TASKS_HINT });
    this.#hasServed = true;
    for (const brought of missing) this.#sayRegister(brought);
    for (const { resolve } of this.#readyWaiters.splice(0)) resolve();
    this.#finishWhenIdle();
  }

  /**
   * The most that a try to connect may take together with the wait after it. P5, P6: a scheduler that was started again gives
   * each session its TTL, so who has one tries more than once within it, whatever hangs and whatever wait was asked for.
   */
  get #msPerTry(): number {
    return this.#session.sessionId === "" ? Number.POSITIVE_INFINITY : this.#ttlMs / TRIES_PER_TTL;
  }

  async #wait({ error, afterMs }: Extract<Outcome, { type: "retryable" }>): Promise<void> {
    // A try that hung has been a wait already.
    const capMs = Math.max(0, this.#msPerTry - this.#vainMs);
    const waitMs = afterMs === null ? this.#backoff.next(capMs) : Math.min(afterMs, capMs);
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
    // A timer that was asked for more fires at once.
    const timerMs = Math.min(graceMs, MAX_TIMER_MS);
    this.#graceTimer = setTimeout(() => this.#session.declineDeferred("the host drains"), timerMs);
    this.#wakeUp();
  }

  #finishWhenIdle(): void {
    if (this.#isServing && this.#session.isDraining && this.#session.isIdle) this.#connection?.finish();
  }

  #bring(workflow: WorkflowDefinition<object>): BroughtWorkflow {
    const { brought, isNew } = this.#code.bring(workflow, this.#hasSaidHello);
    if (this.#end !== null) brought.refused(this.#end);
    // The Hello of this connection has been said.
    else if (isNew && this.#connection !== null) this.#sayRegister(brought);
    return brought;
  }

  /** What came before the first Hello belongs to the host as its Hello does: if it is refused, so is the host. */
  #tooLarge(missing: readonly BroughtWorkflow[]): DefinitionError | null {
    const early = missing.filter(({ isLate }) => !isLate);
    const errors = early.flatMap(({ offer }) => oversize(offer, this.#session.maxMessageBytes) ?? []);
    const [first] = errors;
    if (first === undefined || errors.length === 1) return first ?? null;
    const problems = errors.map(({ message }) => ({ path: "", message }));
    return new DefinitionError(`host ${JSON.stringify(this.options.hostId)}`, problems);
  }

  #sayRegister(brought: BroughtWorkflow): void {
    if (brought.isAsked) return;
    brought.isAsked = true;
    this.#session.say({ type: "register", offer: brought.offer }, ({ result, code, message }) => {
      brought.isAsked = false;
      if (result === "APPLIED" || result === "DUPLICATE") return;
      this.#code.drop(brought);
      brought.refused(oversize(brought.offer, this.#session.maxMessageBytes) ?? new RemoteError(code, message));
    });
  }
}
