import { describe, expect, it } from "vitest";
import { PlainDraft } from "../testing/plain-draft.js";
import { leaseTask } from "./grants.js";
import { compileGraph } from "./graph.js";
import { type BooksOfSession, breaches } from "./invariants.js";
import type { Lease, Run, TaskRun } from "./model.js";
import { advance, cancelRun } from "./run-machine.js";

const LIMITS = {
  maxPatchBytes: 100,
  maxContextBytes: 200,
  maxFailureBytes: 60,
  maxLossesHeld: 3,
  maxLossesDeferred: 30,
};
const GRAPH = compileGraph({
  name: "w",
  description: "",
  tags: {},
  tasks: ["held", "deferred", "fenced", "waiting"].map((id) => ({ id, dependencies: [], timeoutMs: 0 })),
});

/** A run with a lease that holds its slot and one that is deferred, and another with one that is fenced. */
function books() {
  const runs = ["r1", "r2"].map((id) => PlainDraft.started(GRAPH, LIMITS, 1, { id }));
  const [run, cancelled] = runs;
  if (run === undefined || cancelled === undefined) throw new Error("expected two runs");
  for (const task of [0, 1]) leaseTask(run, task, { id: "s1", hostId: "h1" }, LIMITS, 2);
  const defer = { type: "defer" as const, n: 1, pollIntervalMs: 1, maxWaitMs: 0, description: "", patch: null };
  advance(run, 1, defer, LIMITS, 3);
  leaseTask(cancelled, 2, { id: "s1", hostId: "h1" }, LIMITS, 4);
  cancelRun(cancelled, "enough", 5);
  const session: BooksOfSession = { id: "s1", held: 2, leaseIds: new Set(["r1.0.1", "r1.1.1", "r2.2.1"]) };
  return {
    runs: runs.map((draft) => ({ run: draft.run(), tasks: [...draft.tasks()] })),
    sessions: new Map([["s1", session]]),
    session,
  };
}

type Books = ReturnType<typeof books>;

function task(of: Books, run: number, index: number): TaskRun {
  const found = of.runs[run]?.tasks[index];
  if (found === undefined) throw new Error("no such task");
  return found;
}

function setTask(of: Books, run: number, index: number, change: Partial<TaskRun>): void {
  of.runs[run]?.tasks.splice(index, 1, { ...task(of, run, index), ...change });
}

function setRun(of: Books, index: number, change: Partial<Run>): void {
  const found = of.runs[index];
  if (found !== undefined) found.run = { ...found.run, ...change };
}

function setSession(of: Books, change: Partial<BooksOfSession>): void {
  of.sessions.set("s1", { ...of.session, ...change });
}

function leaseOf(of: Books, index: number): Lease {
  const { lease } = task(of, 0, index);
  if (lease === null) throw new Error("no lease");
  return lease;
}

describe("the invariants", () => {
  it("hold in books that are right", () => {
    const { runs, sessions } = books();
    expect(breaches(runs, sessions)).toEqual([]);
  });

  it.each<[string, (of: Books) => void, RegExp]>([
    [
      "a slot that was freed while a lease holds it",
      (of) => setSession(of, { held: 1 }),
      /books say 1 held, leases hold 2/,
    ],
    ["a slot that nothing holds", (of) => setSession(of, { held: 3 }), /books say 3 held, leases hold 2/],
    [
      "a fenced lease that is forgotten while its slot is held",
      (of) => setTask(of, 1, 2, { ending: [] }),
      /leases hold 1/,
    ],
    ["a lease of a session that is gone", (of) => of.sessions.clear(), /session s1, which is not alive/],
    [
      "a lease that is not in its session's books",
      (of) => setSession(of, { leaseIds: new Set(["r1.0.1", "r2.2.1"]) }),
      /r1\.1\.1 is not in the books/,
    ],
    [
      "a lease in a session's books that no task run has",
      (of) => setSession(of, { leaseIds: new Set([...of.session.leaseIds, "r3.0.1"]) }),
      /r3\.0\.1 in its books, which no task run has/,
    ],
    [
      "a lease that is current twice",
      (of) => {
        const lease = leaseOf(of, 0);
        setTask(of, 0, 3, { state: "LEASED", lease });
        setSession(of, { held: 3 });
      },
      /r1\.0\.1 is current or ending twice/,
    ],
    ["a leased task run without a lease", (of) => setTask(of, 0, 0, { lease: null }), /is LEASED without a lease/],
    ["a ready task run with a lease", (of) => setTask(of, 0, 0, { state: "READY" }), /is READY with a lease/],
    [
      "a deferred lease that holds a slot",
      (of) => {
        setTask(of, 0, 1, { lease: { ...leaseOf(of, 1), slotSince: 3 } });
        setSession(of, { held: 3 });
      },
      /is DEFERRED and holds a slot/,
    ],
    [
      "a leased task run without a slot",
      (of) => {
        setTask(of, 0, 0, { lease: { ...leaseOf(of, 0), slotSince: null } });
        setSession(of, { held: 1 });
      },
      /is LEASED and has no slot/,
    ],
    [
      "a time of a next attempt that does not come",
      (of) => setTask(of, 0, 3, { retryAt: 9 }),
      /is READY with a time of its next attempt/,
    ],
    [
      "a task run that waits for no time",
      (of) => setTask(of, 0, 3, { state: "RETRYING" }),
      /is RETRYING without a time of its next attempt/,
    ],
    ["a wrong count of open task runs", (of) => setRun(of, 0, { open: 3 }), /3 open in its books, 4 task runs/],
    ["a wrong count of failed task runs", (of) => setRun(of, 0, { failed: 1 }), /1 failed in its books, 0 task runs/],
    ["a run that is over with open task runs", (of) => setRun(of, 0, { status: "SUCCEEDED" }), /SUCCEEDED with 4 open/],
    ["a run that goes on with none", (of) => setRun(of, 1, { status: "RUNNING" }), /RUNNING with 0 open/],
  ])("name %s", (_name, spoil, sentence) => {
    const wrong = books();
    spoil(wrong);
    const found = breaches(wrong.runs, wrong.sessions);
    expect(found.some((breach) => sentence.test(breach))).toBe(true);
  });
});
