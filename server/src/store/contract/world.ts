/** A store with hosts and runs around it, so that a test of the contract reads as what it says. */

import type { CloacaError } from "../../core/errors.js";
import type { LeaseGrant } from "../../core/grants.js";
import { compileGraph } from "../../core/graph.js";
import { type LeaseEvent, leaseEvent, type Receipt } from "../../core/lease-events.js";
import { parseLeaseId } from "../../core/lease-id.js";
import type { RetryPolicy, RunEvent, RunStatus, TaskRun, TriggerRule, WorkflowDefinition } from "../../core/model.js";
import type { Clock, Ids } from "../../core/ports.js";
import { type FailureKind, NO_RETRIES } from "../../core/retry.js";
import { controlRun, type RunControl, type RunControlled } from "../../core/run-control.js";
import type { DecisionLimits, HostEffect } from "../../core/run-draft.js";
import type { SessionSpec } from "../../core/session.js";
import { PLAIN_FAILURE } from "../../testing/plain-draft.js";
import type { GrantRequest, Grants, ListedLease, OpenedSession, RunView, StartRun, Store } from "../store.js";

export const LIMITS: DecisionLimits = {
  maxPatchBytes: 1_000,
  maxContextBytes: 2_000,
  maxFailureBytes: 300,
  maxLossesHeld: 3,
  maxLossesDeferred: 30,
};

export const TTL_MS = 10_000;

/** A clock that stands until a test moves it. */
export class TestClock implements Clock {
  #now = 1_700_000_000_000;

  now(): number {
    return this.#now;
  }

  move(ms: number): void {
    this.#now += ms;
  }

  notBefore(at: number): void {
    this.#now = Math.max(this.#now, at);
  }
}

export class TestIds implements Ids {
  count = 0;

  runId(): string {
    return `run${++this.count}`;
  }

  sessionId(): string {
    return `session${++this.count}`;
  }

  secret(): string {
    return `secret${++this.count}`;
  }
}

/** What a test of the contract opens stores with. The same clock and ids serve a store that is opened again. */
export function testOptions() {
  return { clock: new TestClock(), ids: new TestIds(), limits: LIMITS };
}

export type TestOptions = ReturnType<typeof testOptions>;

/** Task ids to dependencies, or to dependencies and what differs from the defaults. */
export type Tasks = Readonly<Record<string, readonly string[] | TaskOptions>>;

export interface TaskOptions {
  readonly after?: readonly string[];
  readonly timeoutMs?: number;
  readonly retry?: Partial<RetryPolicy>;
  readonly rule?: TriggerRule;
}

export function definition(name: string, tasks: Tasks): WorkflowDefinition {
  return {
    name,
    description: "",
    tags: {},
    tasks: Object.entries(tasks).map(([id, task]) => {
      if (isList(task)) return { id, dependencies: task, timeoutMs: 0 };
      const { after = [], timeoutMs = 0, retry, rule } = task;
      return {
        id,
        dependencies: after,
        timeoutMs,
        ...(retry === undefined ? null : { retry: { ...NO_RETRIES, ...retry } }),
        ...(rule === undefined ? null : { rule }),
      };
    }),
  };
}

function isList(task: readonly string[] | TaskOptions): task is readonly string[] {
  return Array.isArray(task);
}

export type HostOptions = Partial<SessionSpec> & {
  readonly resumeToken?: string;
  readonly held?: readonly ListedLease[];
  readonly takeoverAfterTtl?: number;
};

export type HostState = ListedLease["state"];

export class World {
  readonly clock: TestClock;
  /** What hosts were to be told by decisions. */
  readonly effects: HostEffect[] = [];
  /** Sessions that cannot be sent to. */
  readonly unreachable = new Set<string>();

  constructor(
    readonly store: Store,
    options: TestOptions,
  ) {
    this.clock = options.clock;
  }

  /** Registers a workflow; returns its version. */
  async register(name: string, tasks: Tasks, namespace = "default"): Promise<string> {
    const graph = compileGraph(definition(name, tasks));
    const [registered] = await this.store.registerWorkflows([{ namespace, graph }]);
    return registered?.version ?? "";
  }

  /** Opens a session; a host implements any version of every workflow named `w` unless told otherwise. */
  async tryHost(hostId: string, options: HostOptions = {}) {
    const { resumeToken = "", held = [], takeoverAfterTtl = 1, ...spec } = options;
    const [opened] = await this.store.openSessions([
      { spec: { ...SPEC, hostId, instanceId: `${hostId}-instance`, ...spec }, resumeToken, held, takeoverAfterTtl },
    ]);
    if (opened === undefined) throw new Error("the store gave no result");
    return opened;
  }

  async host(hostId: string, options: HostOptions = {}): Promise<OpenedSession> {
    const opened = await this.tryHost(hostId, options);
    if (opened instanceof Error) throw opened;
    return opened;
  }

  /** The session's host says hello again with its token. */
  again({ session }: OpenedSession, options: HostOptions = {}): Promise<OpenedSession> {
    return this.host(session.spec.hostId, { ...session.spec, resumeToken: session.resumeToken, ...options });
  }

  async tryStart(workflow: string, more: Partial<StartRun> = {}) {
    const [started] = await this.store.startRuns([{ ...START, workflow, ...more }]);
    if (started === undefined) throw new Error("the store gave no result");
    return started;
  }

  async start(workflow: string, more: Partial<StartRun> = {}): Promise<string> {
    const started = await this.tryStart(workflow, more);
    if (started instanceof Error) throw started;
    return started.runId;
  }

  grant(request: Partial<GrantRequest> = {}): Promise<Grants> {
    const reachable = { has: (sessionId: string) => !this.unreachable.has(sessionId) };
    return this.store.grant({ reachable, limit: 1_000, reclaimsInARow: 8, ...request });
  }

  /** Grants, and returns the only lease that went out. */
  async lease(): Promise<LeaseGrant> {
    const { leases } = await this.grant();
    const [lease] = leases;
    if (lease === undefined || leases.length !== 1) throw new Error(`expected one lease, found ${leases.length}`);
    return lease;
  }

  /** A host says something about a lease. */
  async say(sessionId: string, event: LeaseEvent): Promise<Receipt> {
    const runId = parseLeaseId(event.leaseId)?.runId ?? null;
    const [receipt] = await this.store.transact([{ runId }], (draft, _command, now) =>
      leaseEvent(draft, sessionId, event, this.effects, LIMITS, now),
    );
    if (receipt === undefined) throw new Error("the store gave no result");
    return receipt;
  }

  complete({ sessionId, leaseId }: LeaseGrant, set: Readonly<Record<string, string>> = {}): Promise<Receipt> {
    const patch = Object.keys(set).length === 0 ? null : { set, removed: [] };
    return this.say(sessionId, { type: "complete", leaseId, patch });
  }

  fail({ sessionId, leaseId }: LeaseGrant, kind: Partial<FailureKind> = {}): Promise<Receipt> {
    return this.say(sessionId, { type: "fail", leaseId, failure: FAILURE, kind: { ...PLAIN_FAILURE, ...kind } });
  }

  defer({ sessionId, leaseId }: LeaseGrant, maxWaitMs = 0, n = 1): Promise<Receipt> {
    const patch = null;
    return this.say(sessionId, { type: "defer", leaseId, n, pollIntervalMs: 5, maxWaitMs, description: "rain", patch });
  }

  reclaim({ sessionId, leaseId }: LeaseGrant, n = 1): Promise<Receipt> {
    return this.say(sessionId, { type: "reclaim", leaseId, n });
  }

  decline({ sessionId, leaseId }: LeaseGrant): Promise<Receipt> {
    return this.say(sessionId, { type: "decline", leaseId, patch: null, reason: "drains" });
  }

  stopped({ sessionId, leaseId }: LeaseGrant): Promise<Receipt> {
    return this.say(sessionId, { type: "stopped", leaseId });
  }

  async control(runId: string, control: RunControl): Promise<RunControlled | CloacaError | undefined> {
    const [result] = await this.store.transact([{ runId }], (draft, _command, now) =>
      draft === null ? undefined : controlRun(draft, control, this.effects, LIMITS, now),
    );
    return result;
  }

  async cancel(runId: string): Promise<RunStatus | undefined> {
    const result = await this.control(runId, { type: "cancel", reason: "enough" });
    return result === undefined || result instanceof Error ? undefined : result.status;
  }

  /** The session is silent for its TTL, and expires. */
  async expire(): Promise<readonly string[]> {
    this.clock.move(TTL_MS);
    return this.store.expireSessions(1_000);
  }

  async view(runId: string): Promise<RunView> {
    const view = await this.store.readRun("default", runId);
    if (view === null) throw new Error(`there is no run ${runId}`);
    return view;
  }

  async task(runId: string, taskId: string): Promise<TaskRun> {
    const { graph, tasks } = await this.view(runId);
    const task = tasks[graph.indexOf.get(taskId) ?? -1];
    if (task === undefined) throw new Error(`run ${runId} has no task ${taskId}`);
    return task;
  }

  async status(runId: string): Promise<RunStatus> {
    return (await this.view(runId)).run.status;
  }

  async events(runId: string): Promise<RunEvent[]> {
    const { chunks } = await this.store.events({ namespace: "default", runId, after: 0, limit: 10_000 });
    return chunks.flatMap((chunk) => chunk.events);
  }

  /** Slots that the books say a session holds. */
  held(sessionId: string): number {
    return this.store.listSessions("default").find((s) => s.session.id === sessionId)?.held ?? 0;
  }

  listed({ leaseId }: LeaseGrant, state: HostState, deferral = 0): ListedLease {
    return { leaseId, state, deferral };
  }
}

export const FAILURE = { code: "TASK_FAILED", type: "TypeError", message: "no rain", stack: "at noon" };

const SPEC: Omit<SessionSpec, "hostId" | "instanceId"> = {
  namespace: "default",
  slots: 1,
  maxLeases: 0,
  ttlMs: TTL_MS,
  labels: { zone: "a" },
  sdk: "test",
  buildId: "7",
  capabilities: [],
  implementations: [{ workflow: "w", version: null, tasks: null }],
};

const START: Omit<StartRun, "workflow"> = {
  namespace: "default",
  version: "",
  context: {},
  priority: 0,
  labels: {},
  traceparent: "",
  requestId: "",
  timeoutMs: 0,
};
