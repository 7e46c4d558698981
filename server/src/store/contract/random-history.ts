/** Random histories of a store: what each step does to it, and what must be true of it then. */
import { expect } from "vitest";
import { auditFile } from "../../audit.js";
import type { LeaseGrant } from "../../core/grants.js";
import { isRunOver } from "../../core/run-machine.js";
import { slotsHeld } from "../../core/task-run.js";
import type { Journal, WriteSet } from "../live/journal.js";
import { LiveStore } from "../live/live-store.js";
import type { Retention, Store } from "../store.js";
import { auditStore } from "./audit-store.js";
import { EVERYTHING, HOSTS, leaseEvent, type Step } from "./random-steps.js";
import { dump } from "./reopening-store.js";
import { TTL_MS, testOptions, World } from "./world.js";

/** Where a history keeps its store. */
export interface Place {
  readonly file: string | null;
  open(now: number): Journal;
  remove(): void;
}

/** One random history: takes steps, and looks whether the store does what it should. */
export class History {
  readonly options = testOptions();
  readonly runs: string[] = [];
  /** Every lease that ever went out, the newest last, with the number of its next deferral. */
  readonly leases: { lease: LeaseGrant; deferral: number }[] = [];
  readonly #seen = new Set<string>();
  readonly #purged = new Set<string>();
  /** Versions of workflow `w`, the newest last, and the promoted one. */
  readonly #versions: string[] = [];
  #promoted: string | undefined;
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
    const retry = { attempts: 1, delayMs: 40, jitter: false };
    this.#versions.push(
      await this.world.register("w", { a: { timeoutMs: 250 }, b: [], c: ["a", "b"] }),
      await this.world.register("w", { a: { timeoutMs: 250, retry }, b: [], c: ["a", "b"] }),
    );
    await this.world.register("x", { only: { retry } });
    // Something to do, and somebody who does it: most histories would end before that.
    for (const workflow of ["w", "x"] as const) {
      await this.#take({ type: "start", workflow, priority: 0 });
    }
    await this.#take({ type: "host", host: 0, slots: 3, another: false });
    await this.#take({ type: "grant", limit: 100, unreachable: HOSTS.length });
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
        await this.#start(step);
        break;
      case "cancel":
      case "pause":
        await world.control(this.#run(step.run), { type: step.type, reason: "enough" });
        break;
      case "resume":
        await world.control(this.#run(step.run), { type: "resume" });
        break;
      case "retry":
        await this.#retry(step);
        break;
      case "pause_workflow":
        await this.#updateWorkflow(step.workflow, { paused: step.paused });
        break;
      case "promote": {
        const version = this.#versions[step.version ?? -1];
        await this.#updateWorkflow("w", { promote: version ?? "" });
        this.#promoted = version;
        break;
      }
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
      case "purge":
        await this.#purge(step.retention, step.limit);
        break;
      case "crash": {
        if (this.place.file === null) break;
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

  async #start({ workflow, priority }: Extract<Step, { type: "start" }>): Promise<void> {
    const { world } = this;
    const started = await world.tryStart(workflow, { priority });
    if (started instanceof Error) throw started;
    this.runs.push(started.runId);
    // P13: the promoted version, or else the newest.
    if (workflow === "w") expect(started.version).toBe(this.#promoted ?? this.#versions.at(-1));
  }

  async #retry({ run, requestId }: Extract<Step, { type: "retry" }>): Promise<void> {
    const { world } = this;
    // One that has failed, where there is one: few have.
    const query = { namespace: "default", workflow: "", statuses: ["FAILED" as const], pageSize: 10, pageToken: "" };
    const { items: failed } = await world.store.listRuns(query);
    const runId = failed[run % Math.max(1, failed.length)]?.id ?? this.#run(run);
    const before = await world.store.readRun("default", runId);
    const result = await world.control(runId, { type: "retry", requestId });
    if (before === null) expect(result).toBeUndefined();
    else if (result instanceof Error) {
      expect(result).toMatchObject({ code: "RUN_NOT_FAILED" });
      expect(before.run.status).not.toBe("FAILED");
    } else if (requestId === "" || before.run.retriedBy !== requestId) {
      expect(before.run.status).toBe("FAILED");
      // What succeeded and comes after nothing that failed stays.
      const after = await world.view(runId);
      const isReset = (id: string): boolean => result?.resetTasks.includes(id) ?? false;
      for (const task of before.tasks) {
        const id = before.graph.tasks[task.task]?.id ?? "";
        if (task.state === "FAILED") expect([id, isReset(id)]).toEqual([id, true]);
        if (!isReset(id)) expect(after.tasks[task.task]).toEqual(task);
      }
    } else expect(result).toEqual({ status: before.run.status, resetTasks: [] });
  }

  /** The runs that have finished, by their last events, with the ends of the runs. */
  async #finished(): Promise<{ runId: string; finishedAt: number }[]> {
    const last = new Map<string, number>();
    const { chunks } = await this.store.events({ namespace: "default", runId: null, after: 0, limit: 100_000 });
    for (const { runId, position } of chunks) last.set(runId, position);
    const finished = [];
    for (const [runId] of [...last].sort(([, a], [, b]) => a - b)) {
      const { run, tasks } = await this.world.view(runId);
      if (!isRunOver(run.status) || tasks.some(({ ending }) => ending.length > 0)) continue;
      finished.push({ runId, finishedAt: run.finishedAt ?? 0 });
    }
    return finished;
  }

  async #purge(retention: Retention, limit: number): Promise<void> {
    const finished = await this.#finished();
    expect(this.store.stats().finishedRuns).toBe(finished.length);
    const count = await this.store.purge(retention, limit);
    const { forMs, newest } = retention;
    const now = this.options.clock.now();
    const surplus = newest === null ? 0 : finished.length - newest;
    // The first ones go, up to one that stays.
    const staying = finished.findIndex(
      ({ finishedAt }, index) => index >= surplus && (forMs === null || finishedAt + forMs > now),
    );
    const most = staying < 0 ? finished.length : staying;
    if (limit === EVERYTHING) expect(count).toBe(most);
    else expect(count).toBeLessThanOrEqual(most);
    for (const { runId } of finished.slice(0, count)) this.#purged.add(runId);
    expect(await this.#finished()).toEqual(finished.slice(count));
    expect(this.store.stats()).toMatchObject({
      finishedRuns: finished.length - count,
      purgedRuns: this.#purged.size,
    });
    for (const runId of this.#purged) expect(await this.store.readRun("default", runId)).toBeNull();
  }

  async #updateWorkflow(workflow: string, change: { paused: boolean } | { promote: string }): Promise<void> {
    const [record] = await this.store.updateWorkflows([{ namespace: "default", workflow, ...change }]);
    if ("paused" in change) expect(record).toMatchObject({ paused: change.paused });
  }

  #run(index: number): string {
    return this.runs.at(-1 - (index % Math.max(1, this.runs.length))) ?? "none";
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
    const workflows = await this.store.listWorkflows("default", 10, "");
    const paused = workflows.items.filter((record) => record.paused).map(({ graph }) => graph.definition.name);
    for (const { run } of leases) {
      expect(paused).not.toContain(run.workflow);
      expect(await this.world.status(run.id)).toBe("RUNNING");
    }
    return leases.length + resumed.length;
  }

  async #say({ lease: index, event, byHost }: Extract<Step, { type: "say" }>): Promise<void> {
    const said = this.leases.at(-1 - (index % Math.max(1, this.leases.length)));
    if (said === undefined) return;
    const { lease } = said;
    const sessionId = byHost === null ? lease.sessionId : (this.#session(byHost)?.id ?? "none");
    if (this.#purged.has(lease.run.id)) {
      expect(await this.world.say(sessionId, leaseEvent(event, said))).toMatchObject({ result: "STALE" });
      return;
    }
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

  /** Whatever is leased from now on is completed, but for what `fails`. */
  async #finish(fails: (lease: LeaseGrant) => Promise<unknown> | false): Promise<void> {
    for (;;) {
      const from = this.leases.length;
      if ((await this.grant(100)) === 0) return;
      for (const { lease } of this.leases.slice(from)) await (fails(lease) || this.world.complete(lease));
    }
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
    const { breaches, runs, purgedRuns } = await auditFile(this.place.file, { keep: 10 });
    expect([breaches, runs, purgedRuns]).toEqual([[], this.runs.length - this.#purged.size, this.#purged.size]);
  }

  /**
   * All sessions go, what is paused is resumed, fresh hosts come, and whatever is open is finished: some of it fails, and is
   * retried.
   */
  async end(): Promise<void> {
    for (const runId of this.runs) await this.world.control(runId, { type: "resume" });
    for (const workflow of ["w", "x"]) await this.#updateWorkflow(workflow, { paused: false });
    this.options.clock.move(TTL_MS * 2);
    await this.store.expireSessions(100);
    await this.store.fireDue(1_000);
    const implementations = ["w", "x"].map((workflow) => ({ workflow, version: null, tasks: null }));
    await this.world.host("last", { slots: 2, implementations });
    await this.#finish((lease) => lease.taskId === "a" && this.world.fail(lease, { final: true }));
    for (let n = 0; n < this.runs.length; n++) await this.#retry({ type: "retry", run: n, requestId: "" });
    await this.check();
    await this.#finish(() => false);
    for (const runId of this.runs) {
      if (this.#purged.has(runId)) continue;
      const { run, tasks } = await this.world.view(runId);
      expect([runId, isRunOver(run.status)]).toEqual([runId, true]);
      for (const task of tasks) expect(slotsHeld(task)).toBe(0);
    }
    expect(this.store.stats()).toMatchObject({ liveRuns: 0, waiting: 0 });
    await this.check();
    await this.audit();
    await this.#purge({ forMs: null, newest: 1 }, EVERYTHING);
    await this.check();
    await this.audit();
  }
}
