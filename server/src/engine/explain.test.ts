import { describe, expect, it } from "vitest";
import { compileGraph } from "../core/graph.js";
import type { Lease, Run, TaskDefinition, TaskRun } from "../core/model.js";
import type { Implementation } from "../core/session.js";
import type { SessionView } from "../store/store.js";
import { PlainDraft } from "../testing/plain-draft.js";
import { explain, type WaitReason } from "./explain.js";

const NOW = 100_000;
const RETRY = { attempts: 3, backoff: "fixed", delayMs: 1, maxDelayMs: 1, condition: "all", jitter: false } as const;

const task = (id: string, more: Partial<TaskDefinition> = {}): TaskDefinition => ({
  id,
  dependencies: [],
  timeoutMs: 0,
  ...more,
});

const GRAPH = compileGraph({
  name: "etl",
  description: "",
  tags: {},
  tasks: [
    task("a", { retry: RETRY }),
    task("b", {
      dependencies: ["a"],
      rule: {
        kind: "any",
        rules: [
          { kind: "failed", task: "a" },
          { kind: "context_value", key: "n", operator: "greater", value: "3" },
        ],
      },
    }),
    task("c", { dependencies: ["b"] }),
    task("slow", { timeoutMs: 60_000 }),
  ],
});
const A = 0;
const B = 1;
const C = 2;
const SLOW = 3;

const LEASE: Lease = { id: "r1.0.1", sessionId: "s1", hostId: "h1", deferral: null, slotSince: NOW - 2_000 };
const DEFERRAL = {
  n: 1,
  pollIntervalMs: 5_000,
  maxWaitMs: 0,
  description: "",
  deferredAt: NOW - 30_000,
  reclaimedAt: null,
  outcome: null,
} as const;

interface HostFacts {
  readonly slots?: number;
  readonly maxLeases?: number;
  readonly held?: number;
  readonly draining?: boolean;
  readonly serves?: Partial<Implementation>;
  readonly leases?: readonly { state: TaskRun["state"]; ending?: boolean }[];
}

function host(hostId: string, { slots = 1, maxLeases = 0, held = 0, draining, serves, leases }: HostFacts = {}) {
  const view: SessionView = {
    session: {
      id: hostId.replace("h", "s"),
      resumeToken: "",
      generation: 1,
      spec: {
        namespace: "default",
        hostId,
        instanceId: "i",
        slots,
        maxLeases,
        ttlMs: 15_000,
        labels: {},
        sdk: "",
        buildId: "",
        capabilities: [],
        implementations: [{ workflow: "etl", version: GRAPH.version, tasks: null, ...serves }],
      },
      draining: draining ?? false,
      drainRequest: null,
      createdAt: 0,
    },
    held,
    lastHeard: NOW,
    leases: (leases ?? []).map(({ state, ending = false }, n) => ({
      leaseId: `r9.${n}.1`,
      runId: "r9",
      taskId: "x",
      state,
      ending,
    })),
  };
  return view;
}

interface Facts {
  readonly run?: Partial<Run>;
  /** What differs from a task run that waits. */
  readonly tasks?: Readonly<Record<number, Partial<TaskRun>>>;
  readonly hosts?: readonly SessionView[];
  /** Sessions without an open stream. */
  readonly away?: readonly string[];
  readonly isWorkflowPaused?: boolean;
}

async function said(index: number, { run, tasks = {}, hosts = [], away = [], isWorkflowPaused = false }: Facts) {
  const draft = new PlainDraft(GRAPH, run);
  for (const [at, facts] of Object.entries(tasks)) draft.setTask({ ...draft.task(Number(at)), ...facts });
  const source = {
    store: {
      listSessions: () => hosts,
      readWorkflow: async () => ({
        namespace: "default",
        graph: GRAPH,
        registeredAt: 0,
        current: true,
        promoted: false,
        paused: isWorkflowPaused,
      }),
    },
    options: { clock: { now: () => NOW }, limits: { maxLossesHeld: 3, maxLossesDeferred: 10 } },
    connections: { reachable: { has: (id: string) => !away.includes(id) } },
  };
  const [explanation] = await explain(source, { run: draft.run(), graph: GRAPH, tasks: draft.tasks() }, [index]);
  if (explanation === undefined) throw new Error(`task ${index} was not explained`);
  return explanation;
}

const READY = { tasks: { [A]: { state: "READY" } } } as const;

/** Every reason: what is the case, and the sentence that tells of it. */
const CASES: readonly [reason: WaitReason, what: string, index: number, facts: Facts, message: string][] = [
  ["DEPENDENCY", "a dependency has not ended", C, {}, 'it waits for task "b" (waiting)'],
  ["DEPENDENCY", "a dependency runs", C, { tasks: { [B]: { state: "LEASED" } } }, 'it waits for task "b" (running)'],
  [
    "DEPENDENCY",
    "a rule decides after it",
    B,
    { tasks: { [A]: { state: "READY" } } },
    'it waits for task "a" (ready); then its trigger rule decides: any(failed("a"), contextValue("n", "greater", 3))',
  ],
  [
    "ENDED",
    "its own rule skipped it",
    B,
    { tasks: { [A]: { state: "SUCCEEDED" }, [B]: { state: "SKIPPED", skip: "RULE" } } },
    'it was skipped: its trigger rule did not hold: any(failed("a"), contextValue("n", "greater", 3))',
  ],
  [
    "ENDED",
    "a rule before it skipped it",
    C,
    { tasks: { [B]: { state: "SKIPPED", skip: "RULE" }, [C]: { state: "SKIPPED", skip: "RULE" } } },
    'it was skipped: task "b" is skipped',
  ],
  [
    "ENDED",
    "it failed",
    A,
    {
      tasks: { [A]: { state: "FAILED", failure: { code: "TASK_FAILED", type: "Error", message: "full", stack: "" } } },
    },
    "it failed: full",
  ],
  [
    "RETRY_DELAY",
    "the next attempt has a time",
    A,
    { tasks: { [A]: RETRYING() } },
    "attempt 1 failed (full); retry 1 of 3 begins in 42 s",
  ],
  [
    "RETRY_DELAY",
    "and its run is paused",
    A,
    { run: { status: "PAUSED" }, tasks: { [A]: RETRYING() } },
    "attempt 1 failed (full); retry 1 of 3 begins in 42 s, but not before the run is resumed",
  ],
  [
    "RETRY_DELAY",
    "and its workflow is paused",
    A,
    { isWorkflowPaused: true, tasks: { [A]: RETRYING() } },
    "attempt 1 failed (full); retry 1 of 3 begins in 42 s, but not before the workflow is resumed",
  ],
  [
    "RETRY_DELAY",
    "the run was retried before",
    A,
    { tasks: { [A]: { ...RETRYING(), attempt: 6, attemptsBefore: 4 } } },
    "attempt 6 failed (full); retry 2 of 3 begins in 42 s",
  ],
  [
    "RUN_PAUSED",
    "somebody paused the run",
    A,
    { ...READY, run: { status: "PAUSED", reason: "lunch" }, hosts: [host("h1")] },
    "the run is paused (lunch); resume it",
  ],
  [
    "WORKFLOW_PAUSED",
    "somebody paused the workflow",
    A,
    { ...READY, isWorkflowPaused: true, hosts: [host("h1")] },
    'workflow "etl" is paused; resume it',
  ],
  [
    "NO_HOST",
    "hosts serve other workflows",
    A,
    { ...READY, hosts: [host("h1", { serves: { workflow: "mail" } })] },
    'no host that is alive has code for task "a" of workflow "etl"; start one that has',
  ],
  [
    "NO_HOST",
    "a host has other tasks of it",
    A,
    { ...READY, hosts: [host("h1", { serves: { tasks: ["b"] } })] },
    'no host that is alive has code for task "a" of workflow "etl"; start one that has',
  ],
  [
    "NO_HOST_FOR_VERSION",
    "a host has another version",
    A,
    { ...READY, hosts: [host("h2", { serves: { version: "old" } })] },
    `the run is pinned to version ${GRAPH.version} of workflow "etl", and hosts have code for task "a" in other versions ` +
      'only: "h2"; start one that brings that version',
  ],
  [
    "HOSTS_DRAINING",
    "those that have it take nothing new",
    A,
    {
      tasks: { [A]: { state: "READY", declinedBy: ["s2"] } },
      hosts: [host("h1", { draining: true }), host("h2"), host("h3", { slots: 0 })],
    },
    'no host for it takes new work: host "h1" drains, host "h2" has declined it, host "h3" offers no slots; start another',
  ],
  [
    "HOSTS_DISCONNECTED",
    "its host is away",
    A,
    { ...READY, hosts: [host("h1"), host("h2", { draining: true })], away: ["s1"] },
    'no host for it is connected: "h1"; it goes on when one connects again, or another starts',
  ],
  [
    "NO_FREE_SLOT",
    "slots are held, one by code that was cancelled",
    A,
    {
      ...READY,
      hosts: [host("h1", { slots: 2, held: 2, leases: [{ state: "LEASED" }, { state: "FAILED", ending: true }] })],
    },
    'no slot is free for it: host "h1" holds 2 of 2 slots (1 by cancelled code that has not stopped)',
  ],
  [
    "NO_FREE_SLOT",
    "a host has all its leases",
    A,
    { ...READY, hosts: [host("h1", { maxLeases: 2, leases: [{ state: "DEFERRED" }, { state: "DEFERRED" }] })] },
    'no slot is free for it: host "h1" holds 0 of 1 slot, and has all 2 leases that it takes at once, deferred ones included',
  ],
  [
    "NO_FREE_SLOT",
    "P2: a lease that was cancelled counts until its code has stopped",
    A,
    {
      ...READY,
      hosts: [host("h1", { slots: 5, maxLeases: 1, held: 1, leases: [{ state: "CANCELLED", ending: true }] })],
    },
    'no slot is free for it: host "h1" holds 1 of 5 slots (1 by cancelled code that has not stopped), and has all 1 lease that it takes at once, deferred ones included',
  ],
  [
    "NO_FREE_SLOT",
    "what is free goes to a task that resumes",
    A,
    { ...READY, hosts: [host("h1", { leases: [{ state: "RECLAIMING" }] })] },
    'no slot is free for it: host "h1" holds 0 of 1 slot, and what is free goes to a task that resumes',
  ],
  ["NEXT_TURN", "a slot is free", A, { ...READY, hosts: [host("h1")] }, 'it is about to be leased to "h1"'],
  [
    "EXECUTING",
    "over several times with a slot",
    A,
    {
      tasks: { [A]: { state: "LEASED", attempt: 2, hostId: "h1", lease: LEASE, slotHeldMs: 5_000 } },
      hosts: [host("h1")],
    },
    'host "h1" has executed attempt 2 for 7 s',
  ],
  [
    "EXECUTING",
    "within a timeout, at a host that is away",
    SLOW,
    { tasks: { [SLOW]: { state: "LEASED", attempt: 1, hostId: "h1", lease: LEASE } }, away: ["s1"] },
    'host "h1" has executed attempt 1 for 2 s of at most 60 s (the host is not connected now)',
  ],
  [
    "CONDITION",
    "it polls",
    A,
    { tasks: { [A]: { state: "DEFERRED", hostId: "h1", lease: { ...LEASE, deferral: DEFERRAL, slotSince: null } } } },
    'host "h1" polls its condition every 5 s, for 30 s so far',
  ],
  [
    "CONDITION",
    "it polls, and has a limit",
    A,
    {
      tasks: {
        [A]: {
          state: "DEFERRED",
          hostId: "h1",
          lease: { ...LEASE, deferral: { ...DEFERRAL, maxWaitMs: 40_000, description: "a file" }, slotSince: null },
        },
      },
    },
    'host "h1" polls "a file" every 5 s, for 30 s so far, at the longest for another 10 s',
  ],
  [
    "SLOT_TO_RESUME",
    "it has no slot to go on",
    A,
    {
      tasks: {
        [A]: {
          state: "RECLAIMING",
          hostId: "h1",
          lease: { ...LEASE, deferral: { ...DEFERRAL, reclaimedAt: NOW - 1_500, outcome: "MET" }, slotSince: null },
        },
      },
      hosts: [host("h1", { held: 1, leases: [{ state: "LEASED" }, { state: "RECLAIMING" }] })],
    },
    'its condition holds, and it has waited 1.5 s for a slot of host "h1"; host "h1" holds 1 of 1 slot',
  ],
];

function RETRYING(): Partial<TaskRun> {
  const failure = { code: "TASK_FAILED", type: "Error", message: "full", stack: "" };
  return { state: "RETRYING", attempt: 1, retryAt: NOW + 42_000, failure };
}

describe("explain", () => {
  it.each(CASES)("%s: %s", async (reason, _what, index, facts, message) => {
    expect(await said(index, facts)).toMatchObject({ task: index, reason, message });
  });

  it("says when a task goes on by itself", async () => {
    expect((await said(A, { tasks: { [A]: RETRYING() } })).until).toBe(NOW + 42_000);
    expect((await said(A, { ...READY, hosts: [host("h1")] })).until).toBe(null);
  });

  it("takes hosts of any version where none of the very version is left", async () => {
    const any = host("h2", { serves: { version: null } });
    expect(await said(A, { ...READY, hosts: [host("h1", { held: 1 }), any] })).toMatchObject({ hosts: ["h1"] });
    expect(await said(A, { ...READY, hosts: [host("h1", { draining: true }), any] })).toMatchObject({
      reason: "NEXT_TURN",
      hosts: ["h2"],
    });
  });
});
