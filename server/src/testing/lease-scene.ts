/** A run whose first task a host executes, and what that host can say about its lease. */
import { isDeepStrictEqual } from "node:util";
import { leaseTask, resumeTask } from "../core/grants.js";
import { compileGraph } from "../core/graph.js";
import { type LeaseEvent, leaseEvent, type Receipt } from "../core/lease-events.js";
import type { TaskRun } from "../core/model.js";
import type { DecisionLimits, HostEffect } from "../core/run-draft.js";
import { PLAIN_FAILURE, PlainDraft } from "./plain-draft.js";

export const LIMITS: DecisionLimits = {
  maxPatchBytes: 100,
  maxContextBytes: 200,
  maxFailureBytes: 60,
  maxLossesHeld: 3,
  maxLossesDeferred: 30,
};
/** The lease that session `s1` has. */
export const LEASE = "r1.0.1";
export const FAILURE = { code: "TASK_FAILED", type: "E", message: "no", stack: "at" };

const GRAPH = compileGraph({
  name: "w",
  description: "",
  tags: {},
  tasks: [
    { id: "a", dependencies: [], timeoutMs: 1_000 },
    { id: "b", dependencies: ["a"], timeoutMs: 0 },
  ],
});

/** Its functions stand alone: a test takes them out of it. */
export class LeaseScene {
  draft: PlainDraft;
  effects: HostEffect[] = [];
  now = 100;

  constructor() {
    this.draft = this.begin();
  }

  /** Forgets what happened, and begins anew. */
  begin(): PlainDraft {
    this.effects = [];
    this.now = 100;
    this.draft = PlainDraft.started(GRAPH, LIMITS, this.now);
    leaseTask(this.draft, 0, { id: "s1", hostId: "h1" }, LIMITS, this.now);
    return this.draft;
  }

  readonly say = (event: LeaseEvent, sessionId = "s1"): Receipt =>
    leaseEvent(this.draft, sessionId, event, this.effects, LIMITS, this.now);

  readonly defer = (n = 1, more: Partial<Extract<LeaseEvent, { type: "defer" }>> = {}): Receipt =>
    this.say({
      type: "defer",
      leaseId: LEASE,
      n,
      pollIntervalMs: 5,
      maxWaitMs: 0,
      description: "rain",
      patch: null,
      ...more,
    });

  readonly complete = (set: Record<string, string> | null = null, leaseId = LEASE): Receipt =>
    this.say({ type: "complete", leaseId, patch: set === null ? null : { set, removed: [] } });

  readonly fail = (): Receipt => this.say({ type: "fail", leaseId: LEASE, failure: FAILURE, kind: PLAIN_FAILURE });

  readonly reclaim = (n = 1): Receipt => this.say({ type: "reclaim", leaseId: LEASE, n });

  readonly stopped = (): Receipt => this.say({ type: "stopped", leaseId: LEASE });

  readonly decline = (): Receipt => this.say({ type: "decline", leaseId: LEASE, patch: null, reason: "drains" });

  readonly checkpoint = (set: Record<string, string>): Receipt =>
    this.say({ type: "checkpoint", leaseId: LEASE, patch: { set, removed: [] } });

  /** The reclaim gets its slot. */
  readonly grant = (): void => {
    this.effects.push(resumeTask(this.draft, 0, LIMITS, this.now));
  };

  readonly task = (): TaskRun => this.draft.task(0);

  /** Everything that the host was told, and forgets it. */
  readonly told = (): string[] =>
    this.effects.splice(0).map((e) => (e.type === "deferred" || e.type === "granted" ? `${e.type} ${e.n}` : e.type));

  /** Throws if the event changed anything: the run, its log, or a task run. */
  readonly expectUnchanged = (act: () => Receipt): Receipt => {
    const books = (): unknown => structuredClone([this.draft.run(), this.draft.tasks(), this.draft.events]);
    const before = books();
    const receipt = act();
    if (!isDeepStrictEqual(books(), before)) throw new Error(`answered ${receipt.result}, the event changed the run`);
    return receipt;
  };
}
