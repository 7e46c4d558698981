/**
 * Defects that somebody could put into the scheduler, each of them by a small change from outside. The simulation must
 * find every one; `mutations.test.ts` says within how many seeds.
 */
import { parseLeaseId } from "../../server/src/core/lease-id.js";
import type { TaskRun } from "../../server/src/core/model.js";
import { Liveness } from "../../server/src/engine/liveness.js";
import { Outbox } from "../../server/src/engine/outbox.js";
import { Scheduler } from "../../server/src/engine/scheduler.js";
import { GroupCommit } from "../../server/src/store/live/group-commit.js";
import type { FinishedRun, Journal } from "../../server/src/store/live/journal.js";
import { LiveRun } from "../../server/src/store/live/live-run.js";
import { LiveSession } from "../../server/src/store/live/live-session.js";
import { Purging } from "../../server/src/store/live/purging.js";
import { ReclaimQueue } from "../../server/src/store/live/reclaim-queue.js";
import { SessionBooks } from "../../server/src/store/live/session-books.js";
import type { Store } from "../../server/src/store/store.js";
import type { Mutation } from "./mutation.js";
import { TTL_MS } from "./plan.js";

/** Replaces a method of a class; returns what puts it back. */
function patch<T extends object, K extends keyof T>(of: T, name: K, make: (original: T[K]) => T[K]): () => void {
  const original = of[name];
  of[name] = make(original);
  return () => {
    of[name] = original;
  };
}

/** Replaces a getter of a class. */
function patchGetter<T extends object, K extends keyof T & string>(of: T, name: K, get: (self: T) => T[K]): () => void {
  const original = Object.getOwnPropertyDescriptor(of, name);
  if (original === undefined) throw new Error(`${name} is no getter`);
  Object.defineProperty(of, name, {
    configurable: true,
    get(this: T) {
      return get(this);
    },
  });
  return () => void Object.defineProperty(of, name, original);
}

/** A task run becomes something else than was decided. */
function decides(name: string, change: (before: TaskRun, after: TaskRun) => Partial<TaskRun> | null): Mutation {
  const install = () =>
    patch(
      LiveRun.prototype,
      "setTask",
      (setTask) =>
        function (this: LiveRun, task) {
          const changes = change(this.task(task.task), task);
          setTask.call(this, changes === null ? task : { ...task, ...changes });
        },
    );
  return { name, install };
}

/** Another store in front of the real one, with some operations of its own. */
function instead(store: Store, operations: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, key) {
      const own: unknown = Reflect.get(operations, key);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function journal(name: string, change: (journal: Journal) => Partial<Journal>): Mutation {
  return { name, journal: (of) => Object.assign(of, change(of)) };
}

/** Whether a host was lost with this step. */
function isLost(before: TaskRun, after: TaskRun): boolean {
  return after.recovery > before.recovery;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "P3: the fence is not checked: an event of a stale lease counts for the current one",
    store: (store) =>
      instead(store, {
        transact: (commands, decide) =>
          store.transact(commands, (draft, command, now) => {
            const said = command as { event?: { leaseId: string } };
            const address = parseLeaseId(said.event?.leaseId ?? "");
            const lease = address === null ? null : (draft?.task(address.task).lease ?? null);
            if (lease === null || said.event === undefined) return decide(draft, command, now);
            const event = { ...said.event, leaseId: lease.id };
            return decide(draft, { ...command, event, sessionId: lease.sessionId }, now);
          }),
      }),
  },
  {
    name: "P4: receipts go out although the commit failed",
    install: () =>
      patch(
        GroupCommit.prototype,
        "stage",
        (stage) =>
          function <T>(this: GroupCommit, operation: () => T): Promise<T> {
            const values: T[] = [];
            const staged = stage.call(this, () => values.push(operation()));
            const value = () => values[0] as T;
            return staged.then(value, value);
          },
      ),
  },
  journal("P4: receipts go out before the disk has the commit", () => ({ sync: () => null })),
  {
    name: "P4: exceptions are left out of receipts",
    install: () =>
      patch(
        Outbox.prototype,
        "receipt",
        (receipt) =>
          function (this: Outbox, { seq }) {
            receipt.call(this, { seq, result: "APPLIED" });
          },
      ),
  },
  {
    name: "P4: a repeated outcome is not known again",
    store: (store) =>
      instead(store, {
        transact: async (commands, decide) => {
          const results = await store.transact(commands, decide);
          return results.map((r) => {
            const receipt = r as { result?: string };
            return receipt.result === "DUPLICATE" ? ({ result: "STALE" } as typeof r) : r;
          });
        },
      }),
  },
  decides("P5: a lost host counts as an attempt", (before, after) =>
    isLost(before, after) ? { attempt: after.attempt + 1 } : null,
  ),
  decides("P5: what was committed before a host was lost is forgotten", (before, after) =>
    isLost(before, after) ? { checkpoint: null } : null,
  ),
  decides("P3: the fence begins anew after a host was lost", (before, after) =>
    isLost(before, after) ? { fence: 0 } : null,
  ),
  decides("P3: a cancelled lease frees its slot at once", (before, after) =>
    after.ending.length > before.ending.length
      ? { ending: after.ending.map((e) => ({ ...e, holdsSlot: false })) }
      : null,
  ),
  decides("P12: a declined task may go to the same session again", (_, after) =>
    after.declinedBy.length > 0 ? { declinedBy: [] } : null,
  ),
  decides("P9: a timeout counts the wait outside as well", (before, after) => {
    const deferredAt = before.lease?.deferral?.deferredAt ?? 0;
    const since = after.lease?.slotSince ?? 0;
    const isResumed = before.state === "RECLAIMING" && after.state === "LEASED";
    return isResumed ? { slotHeldMs: after.slotHeldMs + since - deferredAt } : null;
  }),
  decides("P8: the longest wait is too short", (before, after) => {
    const { lease } = after;
    if (before.state !== "LEASED" || after.state !== "DEFERRED" || lease === null || lease.deferral === null)
      return null;
    return { lease: { ...lease, deferral: { ...lease.deferral, maxWaitMs: lease.deferral.maxWaitMs / 2 } } };
  }),
  {
    name: "P6: a broken stream loses the leases of its session",
    install: () =>
      patch(
        Scheduler.prototype,
        "closed",
        (closed) =>
          function (this: Scheduler, connection, clean) {
            closed.call(this, connection, clean);
            if (connection.sessionId === "") return;
            this.store.endSessions([connection.sessionId], "its stream broke").catch(() => {});
          },
      ),
  },
  {
    name: "P6: a lease that was sent and is not listed is not sent again",
    install: () => patch(SessionBooks.prototype, "pendingFor", () => () => []),
  },
  {
    name: "P2: one lease more than there are slots",
    install: () => patchGetter(LiveSession.prototype, "freeSlots", (s) => s.record.spec.slots - s.held + 1),
  },
  {
    name: "P12: a host that drains gets new leases",
    install: () => patchGetter(LiveSession.prototype, "takesNewLeases", (session) => session.freeSlots > 0),
  },
  {
    name: "P5: no full TTL after a restart",
    install: () =>
      patch(
        SessionBooks.prototype,
        "enter",
        (enter) =>
          function (this: SessionBooks, record, now) {
            enter.call(this, record, now - TTL_MS / 2);
          },
      ),
  },
  {
    name: "P5: messages do not renew their session",
    install: () => patch(Liveness.prototype, "heard", () => () => {}),
  },
  {
    name: "P5: no full TTL after a stall of the loop",
    install: () => patch(Liveness.prototype, "plan", () => () => {}),
  },
  {
    name: "P8: the newest reclaim is granted first",
    install: () => {
      const homes = new WeakMap<ReclaimQueue, Map<string, Parameters<ReclaimQueue["add"]>[2]>>();
      const of = (queue: ReclaimQueue) => {
        const known = homes.get(queue) ?? new Map<string, Parameters<ReclaimQueue["add"]>[2]>();
        homes.set(queue, known);
        return known;
      };
      const undo = [
        patch(
          ReclaimQueue.prototype,
          "add",
          (add) =>
            function (this: ReclaimQueue, leaseId, deferral, home) {
              of(this).set(leaseId, home);
              add.call(this, leaseId, deferral, home);
            },
        ),
        patch(
          ReclaimQueue.prototype,
          "delete",
          (remove) =>
            function (this: ReclaimQueue, leaseId) {
              of(this).delete(leaseId);
              return remove.call(this, leaseId);
            },
        ),
        patch(
          ReclaimQueue.prototype,
          "oldest",
          () =>
            function (this: ReclaimQueue) {
              return [...of(this).values()].at(-1);
            },
        ),
      ];
      return () => {
        for (const one of undo) one();
      };
    },
  },
  {
    name: "P8: new leases go before reclaims",
    store: (store) => instead(store, { grant: (request) => store.grant({ ...request, reclaimsInARow: 0 }) }),
  },
  {
    name: "P8: a grant is not told",
    install: () =>
      patch(
        Outbox.prototype,
        "push",
        (push) =>
          function (this: Outbox, event) {
            if (event.type !== "granted") push.call(this, event);
          },
      ),
  },
  {
    name: "P7: a lease goes out although it was cancelled in the queue",
    install: () => patch(Outbox.prototype, "withdraw", () => () => false),
  },
  {
    name: "a failed commit is not taken back",
    install: () =>
      patch(
        LiveRun.prototype,
        "rollBack",
        () =>
          function (this: LiveRun) {
            this.settle();
          },
      ),
  },
  { name: "P9: the time in which no scheduler ran counts", openedAt: (now) => now - 60_000 },
  {
    name: "a run is purged although a fenced lease of it is left",
    journal: (of) => {
      const { finishedAfter } = of;
      // As if no one had looked whether the run has stopped: a cancelled run has ended.
      return Object.assign(of, {
        finishedAfter: (position: number, limit: number) => {
          const page = finishedAfter.call(of, position, limit);
          const { chunks } = of.events({ namespace: "default", runId: null, after: position, limit });
          const known = new Set(page.runs.map(({ runId }) => runId));
          const ended = chunks.flatMap((chunk): FinishedRun[] => {
            const stored = of.findRun(chunk.runId);
            const finishedAt = stored?.run.finishedAt ?? null;
            if (stored === null || finishedAt === null || known.has(chunk.runId)) return [];
            known.add(chunk.runId);
            const { namespace, requestId } = stored.run;
            const { number } = stored;
            return [
              { number, runId: chunk.runId, namespace, requestId, finishedAt, position: chunk.position, cost: 1 },
            ];
          });
          return { ...page, runs: [...page.runs, ...ended] };
        },
      });
    },
    install: () =>
      patch(
        Purging.prototype,
        "step",
        (step) =>
          function (this: Purging, retention, limit, now, _isLive, takenUp) {
            return step.call(this, retention, limit, now, () => false, takenUp);
          },
      ),
  },
  journal("sessions are not durable", ({ commit }) => ({ commit: (writes) => commit({ ...writes, sessions: [] }) })),
  journal("ended sessions come back after a restart", ({ commit }) => ({
    commit: (writes) => commit({ ...writes, endedSessions: [] }),
  })),
  journal("the event log misses every fiftieth entry", ({ commit }) => ({
    commit: (writes) => commit({ ...writes, chunks: writes.chunks.filter((c) => c.position % 50 !== 0) }),
  })),
  journal("a start that is asked for again starts another run", () => ({ findRequest: () => null })),
];
