/** What the log of a run may say, sensible or not, for tests of its rows. */
import fc from "fast-check";
import { leaseId } from "../../core/lease-id.js";
import type {
  Deferral,
  Failure,
  Lease,
  Patch,
  RunEvent,
  RunEventType,
  TaskRun,
  TaskRunState,
} from "../../core/model.js";
import { AWKWARD } from "../../testing/awkward.js";
import { LARGE } from "../sqlite/task-changes.js";
import { failure, fullTask } from "./lone-run.js";

/** Every type of event, in the order of their numbers in rows. */
export const EVENT_TYPES = Object.keys({
  RUN_STARTED: 0,
  RUN_SUCCEEDED: 0,
  RUN_FAILED: 0,
  RUN_CANCELLED: 0,
  RUN_PAUSED: 0,
  RUN_RESUMED: 0,
  RUN_RETRIED: 0,
  TASK_READY: 0,
  TASK_LEASED: 0,
  TASK_DEFERRED: 0,
  TASK_RECLAIMING: 0,
  TASK_RESUMED: 0,
  TASK_CHECKPOINTED: 0,
  TASK_SUCCEEDED: 0,
  TASK_FAILED: 0,
  TASK_CANCELLED: 0,
  TASK_SKIPPED: 0,
  TASK_DECLINED: 0,
  TASK_LOST: 0,
  TASK_RETRYING: 0,
  TASK_RESET: 0,
  LEASE_ENDED: 0,
} satisfies Record<RunEventType, 0>) as RunEventType[];

export const TASK_STATES = Object.keys({
  WAITING: 0,
  READY: 0,
  LEASED: 0,
  DEFERRED: 0,
  RECLAIMING: 0,
  RETRYING: 0,
  SUCCEEDED: 0,
  FAILED: 0,
  CANCELLED: 0,
  SKIPPED: 0,
} satisfies Record<TaskRunState, 0>) as TaskRunState[];

const text = fc.string({ unit: "binary", maxLength: 60 });
const name = fc.oneof(fc.constantFrom("h1", "h2", "s1", "s2", ""), text);
const nat = fc.nat({ max: 2 ** 31 - 1 });
const time = fc.oneof(fc.nat({ max: 2 ** 45 }), fc.integer({ min: 1_764_000_000_000, max: 1_764_000_001_000 }));
export const runIds = fc.oneof(fc.constantFrom("r1", "r.1", "r.0.1"), fc.string({ minLength: 1 }));

/** Lease ids of a task run, of others, and texts that are nearly one. */
const leaseIds = (runId: string, task: number) =>
  fc.oneof(
    fc.integer({ min: 1, max: 2 ** 31 - 1 }).map((fence) => leaseId(runId, task, fence)),
    fc.tuple(fc.constantFrom(runId, `${runId}0`, "other"), fc.nat({ max: 12 }), fc.nat()).map((of) => leaseId(...of)),
    fc.constantFrom(`${runId}.${task}.01`, `${runId}.${task}.0`, `${runId}.${task}.`, `.${task}.1`, `${runId}..1`),
    text,
  );

const deferral: Deferral = {
  ...{ n: 2, pollIntervalMs: 5, maxWaitMs: 9, description: AWKWARD },
  ...{ deferredAt: 3, reclaimedAt: 4, outcome: "MAX_WAIT" },
};
const failures: fc.Arbitrary<Failure> = fc.oneof(
  fc.constant(failure),
  fc.record(
    { code: text, type: text, message: text, stack: text, losses: fc.constant(fullTask.losses) },
    { requiredKeys: ["code", "type", "message", "stack"], noNullPrototype: true },
  ),
);

/** What a commit may say of a run, numbered from anywhere. */
export function anyEvents(runId: string): fc.Arbitrary<RunEvent[]> {
  const event = fc.nat({ max: 300 }).chain((task) =>
    fc.record<Omit<RunEvent, "seq">, "at" | "type">(
      {
        at: time,
        type: fc.constantFrom(...EVENT_TYPES),
        task: fc.constant(task),
        leaseId: leaseIds(runId, task),
        hostId: name,
        sessionId: name,
        attempt: nat,
        recovery: nat,
        slotDelta: fc.integer({ min: -2, max: 2 }),
        slots: nat,
        deferral: nat,
        reason: text,
        failure: failures,
        retryAt: time,
      },
      { requiredKeys: ["at", "type"], noNullPrototype: true },
    ),
  );
  return fc
    .tuple(fc.integer({ min: 1, max: 1_000_000 }), fc.array(event, { minLength: 1, maxLength: 8 }))
    .map(([first, events]) => events.map((rest, index) => ({ seq: first + index, ...rest })));
}

const none = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { nil: null });
const patches: fc.Arbitrary<Patch | null> = none(
  fc.record({
    set: fc.dictionary(
      text.map((key) => `k${key}`),
      fc.oneof(
        text,
        fc.integer({ min: 200, max: 2 * LARGE }).map((length) => "x".repeat(length)),
      ),
      { maxKeys: 1, noNullPrototype: true },
    ),
    removed: fc.array(text, { maxLength: 1 }),
  }),
);

/** Some of what a task run says. It must be said: it has been leased. */
export function anyChange(runId: string, task: number): fc.Arbitrary<Partial<TaskRun>> {
  const lease: fc.Arbitrary<Lease> = fc.record({
    id: leaseIds(runId, task),
    sessionId: name,
    hostId: name,
    deferral: none(fc.constant(deferral)),
    slotSince: none(time),
  });
  return fc.record<Partial<TaskRun>>(
    {
      state: fc.constantFrom(...TASK_STATES),
      attempt: nat,
      attemptsBefore: nat,
      retryAt: none(time),
      recovery: nat,
      lossesHeld: nat,
      lossesDeferred: nat,
      losses: fc.constantFrom([], fullTask.losses),
      fence: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      lease: none(lease),
      ending: fc.constantFrom([], fullTask.ending),
      outcome: none(
        fc.record({
          leaseId: leaseIds(runId, task),
          sessionId: name,
          kind: fc.constantFrom("complete", "fail", "decline"),
          digest: text,
          retry: none(fc.record({ at: time, attempt: nat })),
        }),
      ),
      declinedBy: fc.array(text, { maxLength: 2 }),
      checkpoint: patches,
      patch: patches,
      failure: none(failures),
      skip: none(fc.constantFrom("UPSTREAM_FAILED", "RULE")),
      hostId: name,
      slotHeldMs: nat,
      readyAt: none(time),
      startedAt: none(time),
      finishedAt: none(time),
    },
    { requiredKeys: [], noNullPrototype: true },
  );
}
