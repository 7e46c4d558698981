import { describe, expect, it } from "vitest";
import type { TaskRun, TaskRunState } from "./model.js";
import { allows, endLease, step } from "./task-machine.js";
import { initialTaskRun, isTerminal, slotsHeld } from "./task-run.js";
import { type TaskInput, type TaskInputType, TRANSITIONS } from "./task-table.js";

const FAILURE = { code: "TASK_FAILED", type: "E", message: "no", stack: "" };
const PATCH = { set: { n: "1" }, removed: [] };

/** One input of each type, and what it may decide. */
const INPUTS: Readonly<Record<TaskInputType, readonly TaskInput[]>> = {
  ready: [{ type: "ready" }],
  skip: [{ type: "skip", cause: "UPSTREAM_FAILED" }],
  refuse: [{ type: "refuse", failure: FAILURE }],
  lease: [{ type: "lease", sessionId: "s2", hostId: "h2" }],
  defer: [{ type: "defer", n: 1, pollIntervalMs: 5, maxWaitMs: 9, description: "rain", patch: PATCH }],
  reclaim: [{ type: "reclaim", outcome: "MET" }],
  grant: [{ type: "grant" }],
  checkpoint: [{ type: "checkpoint", patch: PATCH }],
  complete: [{ type: "complete", patch: PATCH, digest: "d" }],
  fail: [
    { type: "fail", failure: FAILURE, digest: "d", retryAt: null },
    { type: "fail", failure: FAILURE, digest: "d", retryAt: 99 },
  ],
  timeout: [
    { type: "timeout", failure: FAILURE, retryAt: null },
    { type: "timeout", failure: FAILURE, retryAt: 99 },
  ],
  retry: [{ type: "retry" }],
  reset: [{ type: "reset", remaining: 2 }],
  decline: [{ type: "decline", patch: null, reason: "drains", digest: "d" }],
  lose: [
    { type: "lose", reason: "expired", failure: null },
    { type: "lose", reason: "expired", failure: FAILURE },
  ],
  cancel: [
    { type: "cancel", reason: "RUN_CANCELLED", detail: "enough" },
    { type: "cancel", reason: "TIMEOUT", detail: "late" },
  ],
};

/** Inputs that lead from nothing into each state. */
const WAYS: Readonly<Record<TaskRunState, readonly (TaskInputType | TaskInput)[]>> = {
  WAITING: [],
  READY: ["ready"],
  LEASED: ["ready", "lease"],
  DEFERRED: ["ready", "lease", "defer"],
  RECLAIMING: ["ready", "lease", "defer", "reclaim"],
  RETRYING: ["ready", "lease", { type: "fail", failure: FAILURE, digest: "d", retryAt: 99 }],
  SUCCEEDED: ["ready", "lease", "complete"],
  FAILED: ["ready", "lease", "fail"],
  CANCELLED: ["ready", "lease", "cancel"],
  SKIPPED: ["skip"],
};

/** What the design allows, written down a second time: engine.md, States. */
const ALLOWED: Readonly<Record<TaskRunState, readonly TaskInputType[]>> = {
  WAITING: ["ready", "skip", "refuse", "cancel"],
  READY: ["lease", "refuse", "cancel"],
  LEASED: ["defer", "checkpoint", "complete", "fail", "timeout", "decline", "lose", "cancel"],
  DEFERRED: ["reclaim", "checkpoint", "fail", "decline", "lose", "cancel"],
  RECLAIMING: ["grant", "checkpoint", "fail", "decline", "lose", "cancel"],
  RETRYING: ["retry", "cancel"],
  SUCCEEDED: ["reset"],
  FAILED: ["reset"],
  CANCELLED: [],
  SKIPPED: ["reset"],
};

const STATES = Object.keys(TRANSITIONS) as TaskRunState[];
const TYPES = Object.keys(INPUTS) as TaskInputType[];

function first(type: TaskInputType): TaskInput {
  const [input] = INPUTS[type];
  if (input === undefined) throw new Error(`no input ${type}`);
  return input;
}

function inState(state: TaskRunState): TaskRun {
  return WAYS[state].reduce(
    (task, type, at) => step(task, typeof type === "string" ? first(type) : type, 100 + at).next,
    initialTaskRun("r", 3, 0),
  );
}

const pairs = STATES.flatMap((state) => TYPES.map((type) => [state, type] as const));

describe("the table of a task run", () => {
  it.each(pairs.filter(([state, type]) => ALLOWED[state].includes(type)))("%s takes %s", (state, type) => {
    const before = inState(state);
    expect(before.state).toBe(state);
    expect(allows(before, type)).toBe(true);
    const row = TRANSITIONS[state][type];
    const reached = new Set<TaskRunState>();
    for (const input of INPUTS[type]) {
      const frozen = structuredClone(before);
      const { next, event } = step(before, input, 500);
      expect(before).toEqual(frozen);
      reached.add(next.state);
      expect(row?.to).toContain(next.state);
      // The slot delta of the event is the change of the slots that are held.
      expect(event.slotDelta ?? 0).toBe(slotsHeld(next) - slotsHeld(before));
      expect(row?.slot).toBe(event.slotDelta ?? 0);
      expect(event).toMatchObject({ at: 500, task: 3 });
      expect(isTerminal(next.state)).toBe(next.finishedAt !== null);
      expect(next.retryAt).toBe(next.state === "RETRYING" ? 99 : null);
      const leased = next.state === "LEASED" || next.state === "DEFERRED" || next.state === "RECLAIMING";
      expect(next.lease !== null).toBe(leased);
      expect(next.lease?.slotSince !== undefined && next.lease.slotSince !== null).toBe(next.state === "LEASED");
      // Whatever had a lease names it in the log.
      const lease = before.lease ?? next.lease;
      if (lease !== null) {
        expect(event).toMatchObject({ leaseId: lease.id, sessionId: lease.sessionId, hostId: lease.hostId });
      }
      // P3: a fenced lease stays, with its slot; any other lease that ends leaves nothing.
      const fenced = row?.fences === true && before.lease !== null;
      expect(next.ending).toEqual(
        fenced ? [expect.objectContaining({ id: before.lease?.id, holdsSlot: before.state === "LEASED" })] : [],
      );
      expect(next.fence).toBe(before.fence + (type === "lease" ? 1 : 0));
    }
    // The table promises nothing that cannot happen.
    expect([...reached].sort()).toEqual([...(row?.to ?? [])].sort());
  });

  it.each(pairs.filter(([state, type]) => !ALLOWED[state].includes(type)))("%s refuses %s", (state, type) => {
    const before = inState(state);
    expect(allows(before, type)).toBe(false);
    for (const input of INPUTS[type]) expect(() => step(before, input, 500)).toThrow(`not allowed in ${state}`);
  });
});

describe("a task run", () => {
  it("counts an attempt once, a fence with every lease, and a recovery with every loss", () => {
    let task = inState("LEASED");
    expect(task).toMatchObject({ attempt: 1, fence: 1, recovery: 0, startedAt: 101 });
    task = step(task, { type: "lose", reason: "expired", failure: null }, 200).next;
    expect(task).toMatchObject({ state: "READY", recovery: 1, lossesHeld: 1, lossesDeferred: 0 });
    task = step(task, first("lease"), 300).next;
    expect(task).toMatchObject({ attempt: 1, fence: 2, recovery: 1, startedAt: 101, hostId: "h2" });
    expect(task.lease?.id).toBe("r.3.2");
    task = step(task, first("defer"), 310).next;
    task = step(task, { type: "lose", reason: "expired", failure: null }, 320).next;
    expect(task).toMatchObject({ recovery: 2, lossesHeld: 1, lossesDeferred: 1 });
  });

  it("P12: a decline is no recovery, and is remembered for its session, once", () => {
    let task = inState("LEASED");
    for (let fence = 2; fence <= 3; fence++) {
      task = step(task, first("decline"), 200).next;
      expect(task).toMatchObject({ state: "READY", attempt: 1, recovery: 0, declinedBy: ["s2"] });
      task = step(task, first("lease"), 300).next;
      expect(task.fence).toBe(fence);
    }
  });

  it("P9: adds up the time in which it held a slot, and only that", () => {
    let task = step(inState("READY"), first("lease"), 1_000).next;
    task = step(task, first("defer"), 1_030).next;
    task = step(task, first("reclaim"), 5_000).next;
    task = step(task, first("grant"), 6_000).next;
    expect(task.slotHeldMs).toBe(30);
    task = step(task, first("complete"), 6_012).next;
    expect(task.slotHeldMs).toBe(42);
  });

  it("keeps what was committed: checkpoints stay, and come before the last patch", () => {
    let task = inState("LEASED");
    task = step(task, { type: "checkpoint", patch: { set: { a: "1", b: "1" }, removed: ["z"] } }, 200).next;
    task = step(task, { ...first("defer"), patch: { set: { b: "2" }, removed: ["a"] } } as TaskInput, 210).next;
    expect(task.checkpoint).toEqual({ set: { b: "2" }, removed: ["z", "a"] });
    const failed = step(task, first("fail"), 220).next;
    expect(failed.patch).toEqual(task.checkpoint);
    const lost = step(task, { type: "lose", reason: "x", failure: null }, 220).next;
    expect(lost.checkpoint).toEqual(task.checkpoint);
    task = step(step(task, first("reclaim"), 230).next, first("grant"), 240).next;
    task = step(task, { type: "complete", patch: { set: { a: "3" }, removed: [] }, digest: "d" }, 250).next;
    expect(task.patch).toEqual({ set: { b: "2", a: "3" }, removed: ["z"] });
  });

  it("remembers how its last lease ended", () => {
    const lease = inState("LEASED").lease;
    for (const kind of ["complete", "fail", "decline"] as const) {
      expect(step(inState("LEASED"), first(kind), 1).next.outcome).toEqual({
        leaseId: lease?.id,
        sessionId: "s2",
        kind,
        digest: "d",
        retry: null,
      });
    }
    expect(step(inState("LEASED"), first("timeout"), 1).next.outcome).toBeNull();
  });
});

describe("the end of a fenced lease", () => {
  it.each([
    ["LEASED", -1],
    ["DEFERRED", 0],
    ["RECLAIMING", 0],
  ] as const)("that was cancelled when it was %s changes the held slots by %i", (state, slotDelta) => {
    const before = step(inState(state), first("cancel"), 500).next;
    const ended = endLease(before, "r.3.1", "stopped", 600);
    expect(ended?.event).toEqual({
      at: 600,
      type: "LEASE_ENDED",
      task: 3,
      leaseId: "r.3.1",
      sessionId: "s2",
      hostId: "h2",
      slotDelta,
      reason: "stopped",
    });
    expect(ended === null ? Number.NaN : slotsHeld(ended.next) - slotsHeld(before)).toBe(slotDelta);
    expect(ended?.next).toEqual({ ...before, ending: [] });
    expect(endLease(ended?.next ?? before, "r.3.1", "again", 700)).toBeNull();
    expect(endLease(before, "r.3.2", "another", 700)).toBeNull();
  });
});
