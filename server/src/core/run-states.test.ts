import fc from "fast-check";
import { expect, it } from "vitest";
import { PlainDraft } from "../testing/plain-draft.js";
import { leaseTask } from "./grants.js";
import { compileGraph } from "./graph.js";
import type { RunEventType, RunStatus } from "./model.js";
import { controlRun, type RunControl } from "./run-control.js";
import type { DecisionLimits } from "./run-draft.js";
import { advance, plainFailure, startRun, timeOutRun } from "./run-machine.js";
import { RUN_TRANSITIONS } from "./run-states.js";
import { allows, type EventDraft } from "./task-machine.js";

const LIMITS: DecisionLimits = {
  maxPatchBytes: 1_000,
  maxContextBytes: 100,
  maxFailureBytes: 60,
  maxLossesHeld: 3,
  maxLossesDeferred: 30,
};

const NEVER = { kind: "context_value", key: "k", operator: "exists", value: "" } as const;
const TOO_LARGE = { input: { k: `"${"x".repeat(200)}"` } };

/** Workflows: two tasks in a row, one task, and one that is skipped. */
const ROW = compileGraph({
  name: "row",
  description: "",
  tags: {},
  tasks: [
    { id: "a", dependencies: [], timeoutMs: 0 },
    { id: "b", dependencies: ["a"], timeoutMs: 0 },
  ],
});
const ONE = compileGraph({
  name: "one",
  description: "",
  tags: {},
  tasks: [{ id: "a", dependencies: [], timeoutMs: 0 }],
});
const SKIPPED = compileGraph({
  name: "skipped",
  description: "",
  tags: {},
  tasks: [{ id: "a", dependencies: [], timeoutMs: 0, rule: NEVER }],
});

/** A run that remembers each change of its status, and the event that it came with. */
class WatchedDraft extends PlainDraft {
  readonly moves = new Set<string>();
  #status: RunStatus = "PENDING";
  #last: RunEventType = "RUN_STARTED";

  override log(event: EventDraft): void {
    super.log(event);
    this.#last = event.type;
    this.notice();
  }

  /** After a decision: some change the status once they have logged. */
  notice(): void {
    const { status } = this.run();
    if (status !== this.#status) this.moves.add(`${this.#status} ${this.#last} ${status}`);
    this.#status = status;
  }
}

type Act = RunControl["type"] | "lease" | "complete" | "fail" | "time out";

const act = fc.constantFrom<Act>(
  "lease",
  "lease",
  "complete",
  "complete",
  "fail",
  "pause",
  "resume",
  "cancel",
  "retry",
  "retry",
  "time out",
);

function take(draft: WatchedDraft, type: Act): void {
  switch (type) {
    case "lease": {
      const ready = draft.tasks().find((task) => task.state === "READY");
      // Nothing is claimed of a paused run: the store's grants see to that.
      if (ready === undefined || draft.run().status === "PAUSED") return;
      leaseTask(draft, ready.task, { id: "s", hostId: "h" }, LIMITS, 1);
      return;
    }
    case "complete":
    case "fail": {
      const leased = draft.tasks().find((task) => allows(task, type));
      if (leased === undefined) return;
      const failure = plainFailure("TASK_FAILED", "no");
      const input = type === "complete" ? { type, patch: null } : { type, failure, retryAt: null };
      advance(draft, leased.task, { ...input, digest: "" } as never, LIMITS, 1);
      return;
    }
    case "time out":
      timeOutRun(draft, 1);
      return;
    case "pause":
    case "cancel":
      controlRun(draft, { type, reason: "" }, [], LIMITS, 1);
      return;
    case "resume":
      controlRun(draft, { type }, [], LIMITS, 1);
      return;
    case "retry":
      controlRun(draft, { type, requestId: "" }, [], LIMITS, 1);
  }
}

it("the table has every change of a run's status that happens, and none that does not", () => {
  const seen = new Set<string>();
  const start = fc.constantFrom<() => WatchedDraft>(
    () => new WatchedDraft(ROW),
    () => new WatchedDraft(ONE),
    () => new WatchedDraft(SKIPPED),
    () => new WatchedDraft(ROW, TOO_LARGE),
  );
  fc.assert(
    fc.property(start, fc.array(act, { maxLength: 12 }), (begin, acts) => {
      const draft = begin();
      startRun(draft, LIMITS, 0);
      draft.notice();
      for (const type of acts) {
        take(draft, type);
        draft.notice();
      }
      for (const move of draft.moves) seen.add(move);
    }),
    // Enough to come across all of them, always the same.
    { seed: 1, numRuns: 3_000 },
  );
  const listed = Object.entries(RUN_TRANSITIONS).flatMap(([from, moves]) =>
    Object.entries(moves).flatMap(([event, to]) => to.map((status) => `${from} ${event} ${status}`)),
  );
  expect([...seen].toSorted()).toEqual(listed.toSorted());
});
