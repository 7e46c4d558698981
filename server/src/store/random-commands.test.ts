/**
 * Whatever hosts say, in whatever order, and whatever fails on the way: the books are right after every step, no grant goes
 * above a host's slots, no lease is executed twice, and every run comes to its end.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { auditFile } from "../audit.js";
import type { LeaseGrant } from "../core/grants.js";
import type { LeaseEvent } from "../core/lease-events.js";
import { isRunOver } from "../core/run-machine.js";
import { slotsHeld } from "../core/task-machine.js";
import { PLAIN_FAILURE } from "../testing/plain-draft.js";
import { auditStore } from "./contract/audit-store.js";
import { dump } from "./contract/reopening-store.js";
import { TTL_MS, testOptions, World } from "./contract/world.js";
import type { Journal, WriteSet } from "./live/journal.js";
import { LiveStore } from "./live/live-store.js";
import { MemoryJournal } from "./memory/memory-journal.js";
import { openDatabase } from "./sqlite/open-database.js";
import { SqliteJournal } from "./sqlite/sqlite-journal.js";
import type { Store } from "./store.js";

const HOSTS = ["g", "h", "i"];

type Step =
  | { readonly type: "host"; readonly host: number; readonly slots: number; readonly another: boolean }
  | { readonly type: "slots"; readonly host: number; readonly slots: number }
  | { readonly type: "drain"; readonly host: number }
  | { readonly type: "start"; readonly workflow: "w" | "x"; readonly priority: number }
  | { readonly type: "cancel"; readonly run: number }
  | { readonly type: "grant"; readonly limit: number; readonly unreachable: number }
  | { readonly type: "say"; readonly lease: number; readonly event: Said; readonly byHost: number | null }
  | { readonly type: "wait"; readonly ms: number }
  | { readonly type: "forget"; readonly host: number }
  | { readonly type: "leave"; readonly host: number }
  | { readonly type: "crash" }
  | { readonly type: "fail"; readonly step: Step };

type Said =
  | "complete"
  | "fail"
  | "defer"
  | "defer with max_wait"
  | "defer again"
  | "reclaim"
  | "checkpoint"
  | "stopped"
  | "decline"
  | "too large";

const host = fc.nat({ max: HOSTS.length - 1 });
const slots = fc.integer({ min: 0, max: 3 });
const said = fc.constantFrom<Said>(
  "complete",
  "complete",
  "fail",
  "defer",
  "defer",
  "defer with max_wait",
  "defer again",
  "reclaim",
  "reclaim",
  "checkpoint",
  "stopped",
  "stopped",
  "decline",
  "too large",
);
const plain: fc.Arbitrary<Step>[] = [
  fc.record({ type: fc.constant("host"), host, slots, another: fc.boolean() }),
  fc.record({ type: fc.constant("slots"), host, slots }),
  fc.record({ type: fc.constant("drain"), host }),
  fc.record({
    type: fc.constant("start"),
    workflow: fc.constantFrom("w", "x"),
    priority: fc.integer({ min: 0, max: 1 }),
  }),
  fc.record({ type: fc.constant("cancel"), run: fc.nat({ max: 6 }) }),
  fc.record({ type: fc.constant("wait"), ms: fc.constantFrom(1, 40, 300, TTL_MS / 2, TTL_MS) }),
  fc.record({ type: fc.constant("forget"), host }),
  fc.record({ type: fc.constant("leave"), host }),
  fc.record({ type: fc.constant("crash") }),
];
const grant = fc.record<Step & { type: "grant" }>({
  type: fc.constant("grant"),
  limit: fc.constantFrom(1, 2, 100),
  unreachable: fc.nat({ max: HOSTS.length }),
});
const say = fc.record<Step & { type: "say" }>({
  type: fc.constant("say"),
  lease: fc.nat({ max: 8 }),
  event: said,
  byHost: fc.option(host, { freq: 8, nil: null }),
});
const once = fc.oneof(
  { weight: 6, arbitrary: fc.oneof(...plain) },
  { weight: 4, arbitrary: grant },
  { weight: 8, arbitrary: say },
);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: once },
  { weight: 1, arbitrary: once.map((step): Step => ({ type: "fail", step })) },
);

interface Place {
  readonly file: string | null;
  open(now: number): Journal;
  remove(): void;
}

/** One random history. */
class History {
  readonly options = testOptions();
  readonly runs: string[] = [];
  /** Every lease that ever went out, the newest last, with the number of its next deferral. */
  readonly leases: { lease: LeaseGrant; deferral: number }[] = [];
  readonly #seen = new Set<string>();
  #instances = 0;
  #fails = false;
  world: World;

  constructor(readonly place: Place) {
    this.world = this.#open();
  }

  #open(): World {
    const journal = this.place.open(this.options.clock.now());
    const commit = journal.commit.bind(journal);
    const failing = Object.assign(journal, {
      commit: (writes: WriteSet) => {
        if (this.#fails) throw new Error("the disk is full");
        commit(writes);
      },
    });
    return new World(new LiveStore(failing, this.options), this.options);
  }

  get store(): Store {
    return this.world.store;
  }

  async begin(): Promise<void> {
    await this.world.register("w", { a: { timeoutMs: 250 }, b: [], c: ["a", "b"] });
    await this.world.register("x", { only: [] });
  }

  async take(step: Step): Promise<void> {
    if (step.type !== "fail") {
      await this.#take(step);
      return;
    }
    const before = await dump(this.store);
    const { count } = this.options.ids;
    this.#fails = true;
    await this.#take(step.step).catch((error: unknown) => expect(error).toMatchObject({ code: "STORE_UNAVAILABLE" }));
    this.#fails = false;
    this.options.ids.count = count;
    expect(await dump(this.store)).toEqual(before);
  }

  async #take(step: Exclude<Step, { type: "fail" }> | Step): Promise<void> {
    const { world, store } = this;
    switch (step.type) {
      case "host": {
        const known = this.#session(step.host);
        const implementations = ["w", "x"].map((workflow) => ({ workflow, version: null, tasks: null }));
        const instance = step.another || known === undefined ? `instance-${++this.#instances}` : known.spec.instanceId;
        const resumeToken = step.another ? "" : (known?.resumeToken ?? "");
        const held = this.leases.slice(-3).map(({ lease }) => world.listed(lease, "HELD"));
        const hostId = HOSTS[step.host] ?? "";
        const options = {
          slots: step.slots,
          implementations,
          instanceId: instance,
          takeoverAfterTtl: 200 / TTL_MS,
          resumeToken,
          held,
        };
        await world.tryHost(hostId, options);
        break;
      }
      case "slots":
        await store.updateSessions([{ sessionId: this.#session(step.host)?.id ?? "none", slots: step.slots }]);
        break;
      case "drain":
        await store.updateSessions([{ sessionId: this.#session(step.host)?.id ?? "none", draining: true }]);
        break;
      case "start":
        this.runs.push(await world.start(step.workflow, { priority: step.priority }));
        break;
      case "cancel":
        await world.cancel(this.runs.at(-1 - step.run) ?? "none");
        break;
      case "grant":
        await this.grant(step.limit, this.#session(step.unreachable)?.id);
        break;
      case "say":
        await this.#say(step);
        break;
      case "wait":
        this.options.clock.move(step.ms);
        await Promise.all([store.expireSessions(100), store.fireDue(100)]);
        break;
      case "forget": {
        const session = this.#session(step.host)?.id ?? "none";
        const listed = new Set(this.leases.slice(-2).map(({ lease }) => lease.leaseId));
        for (const lease of await store.pendingFor(session, listed)) expect(this.#seen).toContain(lease.leaseId);
        break;
      }
      case "leave":
        await store.endSessions([this.#session(step.host)?.id ?? "none"], "leaves");
        break;
      case "crash": {
        if (this.place.open === memoryPlace) break;
        const before = await dump(store);
        await store.close();
        this.world = this.#open();
        expect(await dump(this.store)).toEqual(before);
        break;
      }
      case "fail":
        break;
    }
  }

  async grant(limit: number, unreachable?: string): Promise<number> {
    const reachable = { has: (id: string) => id !== unreachable };
    const { leases, resumed } = await this.store.grant({ reachable, limit, reclaimsInARow: 2 });
    for (const lease of leases) {
      // A lease is given out once; only `pendingFor` says it again.
      expect(this.#seen).not.toContain(lease.leaseId);
      this.#seen.add(lease.leaseId);
      this.leases.push({ lease, deferral: 1 });
    }
    // P2: whoever was given something holds no more than it offers, and was reachable.
    for (const id of [...leases, ...resumed].map((g) => g.sessionId)) {
      const view = this.store.listSessions("default").find((s) => s.session.id === id);
      expect(view?.held).toBeLessThanOrEqual(view?.session.spec.slots ?? -1);
      expect(id).not.toBe(unreachable);
    }
    for (const { sessionId } of leases) expect(this.store.session(sessionId)?.draining).toBe(false);
    return leases.length + resumed.length;
  }

  async #say({ lease: index, event, byHost }: Extract<Step, { type: "say" }>): Promise<void> {
    const said = this.leases.at(-1 - index);
    if (said === undefined) return;
    const { lease } = said;
    const sessionId = byHost === null ? lease.sessionId : (this.#session(byHost)?.id ?? "none");
    const task = () => this.world.task(lease.run.id, lease.taskId);
    const before = await task();
    const receipt = await this.world.say(sessionId, leaseEvent(event, said));
    if (receipt.result === "APPLIED" && event === "reclaim") said.deferral++;
    if (receipt.result === "APPLIED" || (receipt.result === "REJECTED" && receipt.failure !== undefined)) {
      // P3: only the session that has the lease can change anything about it.
      const owner =
        before.lease?.id === lease.leaseId ? before.lease : before.ending.find((e) => e.id === lease.leaseId);
      expect(owner?.sessionId).toBe(sessionId);
      return;
    }
    const after = await task();
    const late = receipt.result === "STALE" && after.ending.length < before.ending.length;
    expect(late ? { ...after, ending: [] } : after).toEqual(late ? { ...before, ending: [] } : before);
  }

  #session(index: number) {
    return this.store.listSessions("default").find((s) => s.session.spec.hostId === HOSTS[index])?.session;
  }

  /** After every step. */
  async check(): Promise<void> {
    expect(await this.store.check()).toEqual([]);
    const held = new Map<string, number>();
    const { chunks } = await this.store.events({ namespace: "default", runId: null, after: 0, limit: 100_000 });
    const last = new Map<string, number>();
    for (const { runId, events } of chunks) {
      for (const { seq, sessionId = "", slotDelta = 0 } of events) {
        expect(seq).toBe((last.get(runId) ?? 0) + 1);
        last.set(runId, seq);
        held.set(sessionId, (held.get(sessionId) ?? 0) + slotDelta);
      }
    }
    for (const view of this.store.listSessions("default")) expect(held.get(view.session.id) ?? 0).toBe(view.held);
    expect(held.get("") ?? 0).toBe(0);
  }

  /** The slot ledger finds nothing, in the log and in the file that is still open. */
  async audit(): Promise<void> {
    expect(await auditStore(this.store)).toEqual([]);
    if (this.place.file === null) return;
    const { breaches, runs } = await auditFile(this.place.file, { keep: 10 });
    expect([breaches, runs]).toEqual([[], this.runs.length]);
  }

  /** All sessions go, fresh hosts come, and whatever is open is finished. */
  async end(): Promise<void> {
    this.options.clock.move(TTL_MS * 2);
    await this.store.expireSessions(100);
    const implementations = ["w", "x"].map((workflow) => ({ workflow, version: null, tasks: null }));
    await this.world.host("last", { slots: 2, implementations });
    for (;;) {
      const from = this.leases.length;
      if ((await this.grant(100)) === 0) break;
      for (const { lease } of this.leases.slice(from)) await this.world.complete(lease);
    }
    for (const runId of this.runs) {
      const { run, tasks } = await this.world.view(runId);
      expect([runId, isRunOver(run.status)]).toEqual([runId, true]);
      for (const task of tasks) expect(slotsHeld(task)).toBe(0);
    }
    expect(this.store.stats()).toMatchObject({ liveRuns: 0, waiting: 0 });
    await this.check();
    await this.audit();
  }
}

function leaseEvent(event: Said, { lease, deferral }: { lease: LeaseGrant; deferral: number }): LeaseEvent {
  const { leaseId } = lease;
  const defer = { type: "defer" as const, leaseId, pollIntervalMs: 1, description: "", patch: null };
  switch (event) {
    case "complete":
      return { type: "complete", leaseId, patch: { set: { n: "1" }, removed: [] } };
    case "fail":
      return {
        type: "fail",
        leaseId,
        failure: { code: "TASK_FAILED", type: "", message: "no", stack: "" },
        kind: PLAIN_FAILURE,
      };
    case "defer":
      return { ...defer, n: deferral, maxWaitMs: 0 };
    case "defer with max_wait":
      return { ...defer, n: deferral, maxWaitMs: 100 };
    case "defer again":
      return { ...defer, n: deferral + 1, maxWaitMs: 0 };
    case "reclaim":
      return { type: "reclaim", leaseId, n: deferral };
    case "checkpoint":
      return { type: "checkpoint", leaseId, patch: { set: { half: "1" }, removed: [] } };
    case "stopped":
      return { type: "stopped", leaseId };
    case "decline":
      return { type: "decline", leaseId, patch: null, reason: "drains" };
    case "too large":
      return { type: "complete", leaseId, patch: { set: { big: `"${"x".repeat(1_000)}"` }, removed: [] } };
  }
}

const memoryPlace = (): Journal => new MemoryJournal();

function sqlitePlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), "cloaca-random-"));
  return {
    file: join(folder, "runs.db"),
    open: (now) => {
      const { db, release } = openDatabase(join(folder, "runs.db"), "");
      // Nothing is to survive the machine here, and thousands of commits would each wait for its disk.
      db.pragma("synchronous = OFF");
      return new SqliteJournal(db, release, now);
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

describe.each<[string, () => Place, number]>([
  ["memory", () => ({ file: null, open: memoryPlace, remove: () => {} }), 300],
  ["sqlite", sqlitePlace, 60],
])("random histories on %s", (_name, makePlace, numRuns) => {
  it("keep the books right, and every run ends", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 60, size: "max" }), async (steps) => {
        const place = makePlace();
        const history = new History(place);
        try {
          await history.begin();
          for (const step of steps) {
            await history.take(step);
            await history.check();
          }
          // While runs go on, and leases are held.
          await history.audit();
          await history.end();
        } finally {
          await history.store.close();
          place.remove();
        }
      }),
      { numRuns },
    );
  });
});
