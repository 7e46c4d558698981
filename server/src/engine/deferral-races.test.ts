/** P8: whatever comes between a deferral and its end, a deferred lease ends well, and the slots are right at every step. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LeaseState } from "../core/session.js";
import { openStore } from "../store/open-store.js";
import type { Store } from "../store/store.js";
import { CountingIds, ManualTime } from "../testing/manual-time.js";
import { offering, ScriptedHost, workflowOf } from "../testing/scripted-host.js";
import type { Hello } from "./events.js";
import { DEFAULT_LIMITS } from "./limits.js";
import { Scheduler } from "./scheduler.js";

const START = {
  namespace: "default",
  version: "",
  context: {},
  priority: 0,
  labels: {},
  traceparent: "",
  timeoutMs: 0,
  requestId: "",
};
const OFFER = offering(workflowOf("pair", { a: [], b: [] }));
const TTL_MS = DEFAULT_LIMITS.sessionTtlMs;
const errors: string[] = [];
const log = { info() {}, warn() {}, error: (event: string) => errors.push(event) };

/** How far the deferral of `a` is when the stream breaks, as the host knows it. */
const MOMENTS = [
  "DeferUntil not sent",
  "Deferred on the wire",
  "deferred",
  "reclaiming",
  "SlotGranted on the wire",
] as const;
type Moment = (typeof MOMENTS)[number];

const LISTED: Readonly<Record<Moment, LeaseState>> = {
  "DeferUntil not sent": "DEFERRING",
  "Deferred on the wire": "DEFERRING",
  deferred: "DEFERRED",
  reclaiming: "RECLAIMING",
  "SlotGranted on the wire": "RECLAIMING",
};

/** What the books say of it then. A grant that was lost on the wire answers HELD (P6). */
const VERDICT: Readonly<Record<Moment, object>> = {
  "DeferUntil not sent": { state: "HELD", deferral: 0, outcome: null },
  "Deferred on the wire": { state: "DEFERRED", deferral: 1, outcome: null },
  deferred: { state: "DEFERRED", deferral: 1, outcome: null },
  reclaiming: { state: "RECLAIMING", deferral: 1, outcome: "MET" },
  "SlotGranted on the wire": { state: "HELD", deferral: 1, outcome: "MET" },
};

/** What happens while the host is away. */
const EVENTS = [
  "nothing",
  "a cancellation",
  "a smaller offer",
  "a drain",
  "a restart",
  "the loss of the host",
] as const;

class Race {
  readonly time = new ManualTime();
  readonly folder = mkdtempSync(join(tmpdir(), "cloaca-races-"));
  store: Store;
  scheduler: Scheduler;
  host: ScriptedHost;
  runId = "";
  /** Events of the host without a receipt, sent again after a reconnect (P4). */
  seq = 0;
  resumeToken = "";
  bIsDone = false;
  #opened = 0;

  constructor() {
    [this.store, this.scheduler] = this.#open();
    this.host = new ScriptedHost(this.scheduler);
  }

  #open(): [Store, Scheduler] {
    const ids = new CountingIds(`${++this.#opened}-`);
    const store = openStore(
      `sqlite://${join(this.folder, "runs.db")}`,
      { clock: this.time, ids, limits: DEFAULT_LIMITS },
      "",
    );
    const scheduler = new Scheduler({
      store,
      clock: this.time,
      runtime: this.time,
      limits: DEFAULT_LIMITS,
      log,
      checkBooks: true,
    });
    scheduler.start();
    return [store, scheduler];
  }

  async connect(hello: Partial<Hello> = {}): Promise<void> {
    this.host = new ScriptedHost(this.scheduler);
    this.host.hello({ ...OFFER, resumeToken: this.resumeToken, ...hello });
    await this.time.settle();
    this.resumeToken = this.host.welcome?.session.resumeToken ?? "";
  }

  lease(task: string): string {
    return this.host.leases.find((l) => l.taskId === task)?.leaseId ?? "";
  }

  async say(event: Parameters<ScriptedHost["say"]>[0]): Promise<void> {
    this.host.connection.receive([{ seq: ++this.seq, type: "lease_event", event }]);
    await this.time.settle();
  }

  async defer(leaseId: string): Promise<void> {
    await this.say({ type: "defer", leaseId, n: 1, pollIntervalMs: 10, maxWaitMs: 0, description: "", patch: null });
  }

  /** One slot: while `a` is deferred, `b` holds it. */
  async bring(moment: Moment): Promise<{ a: string; b: string }> {
    await this.connect();
    const started = this.scheduler.startRun({ ...START, workflow: "pair" });
    await this.time.settle();
    this.runId = (await started).runId;
    const a = this.lease("a");
    if (moment === "DeferUntil not sent") return { a, b: "" };
    await this.defer(a);
    const b = this.lease("b");
    expect(b).not.toBe("");
    if (moment === "reclaiming" || moment === "SlotGranted on the wire")
      await this.say({ type: "reclaim", leaseId: a, n: 1 });
    if (moment === "SlotGranted on the wire") {
      await this.say({ type: "complete", leaseId: b, patch: null });
      this.bIsDone = true;
      expect(this.host.all("granted")).toHaveLength(1);
    }
    return { a, b: this.bIsDone ? "" : b };
  }

  async breakStream(): Promise<void> {
    this.host.connection.ended(false);
    await this.time.settle();
  }

  async restart(): Promise<void> {
    await this.store.close();
    await this.time.advance(1_000);
    [this.store, this.scheduler] = this.#open();
  }

  /** The host goes on with what the books say about `a`, and does everything that it is given, to the end. */
  async finish(a: string): Promise<void> {
    const verdict = this.host.welcome?.verdicts.find((v) => v.leaseId === a);
    if (verdict?.state === "ENDING") await this.say({ type: "stopped", leaseId: a });
    if (verdict?.state === "HELD" && verdict.outcome === null) await this.defer(a);
    const done = new Set<string>();
    let resumed = verdict?.state === "HELD" && verdict.outcome !== null;
    if (verdict?.state === "DEFERRED" || (verdict?.state === "HELD" && !resumed)) {
      await this.say({ type: "reclaim", leaseId: a, n: 1 });
    }
    for (let progress = true; progress; ) {
      progress = false;
      resumed ||= this.host.all("granted").some((g) => g.leaseId === a);
      const listed = this.host.welcome?.verdicts.filter((v) => v.leaseId !== a && v.state === "HELD") ?? [];
      const doable = [...listed, ...this.host.leases].map(({ leaseId }) => leaseId);
      if (resumed) doable.push(a);
      for (const leaseId of doable) {
        if (done.has(leaseId)) continue;
        done.add(leaseId);
        progress = true;
        await this.say({ type: "complete", leaseId, patch: null });
      }
    }
  }

  async facts() {
    const view = await this.store.readRun("default", this.runId);
    const { chunks } = await this.store.events({ namespace: "default", runId: this.runId, after: 0, limit: 1_000 });
    const events = chunks.flatMap((c) => c.events);
    return {
      status: view?.run.status,
      recoveries: view?.tasks.map((t) => t.recovery),
      resumed: events.filter((e) => e.type === "TASK_RESUMED").length,
      slots: events.reduce((held, e) => held + (e.slotDelta ?? 0), 0),
      held: this.store.listSessions("default").map((v) => v.held),
    };
  }
}

describe("P8: a deferral outlives a broken stream", () => {
  let race: Race;

  beforeEach(() => {
    race = new Race();
  });

  afterEach(async () => {
    expect(await race.store.check()).toEqual([]);
    await race.store.close();
    rmSync(race.folder, { recursive: true });
    expect(errors).toEqual([]);
  });

  describe.each(EVENTS)("and %s", (event) => {
    it.each(MOMENTS)("%s", async (moment) => {
      const { a, b } = await race.bring(moment);
      await race.breakStream();
      const held = [{ leaseId: a, state: LISTED[moment], deferral: 1 }];
      if (b !== "") held.push({ leaseId: b, state: "HELD", deferral: 0 });

      switch (event) {
        case "nothing":
          await race.connect({ held });
          break;
        case "a cancellation": {
          const cancelled = race.scheduler.controlRun({
            namespace: "default",
            runId: race.runId,
            control: { type: "cancel", reason: "" },
          });
          await Promise.all([cancelled, race.time.settle()]);
          await race.connect({ held });
          break;
        }
        case "a smaller offer": {
          await race.connect({ held, slots: 0 });
          // Nothing is granted until fewer are held than offered, and the reclaim keeps its place.
          if (b !== "") await race.say({ type: "complete", leaseId: b, patch: null });
          expect(race.host.all("granted")).toEqual([]);
          race.host.connection.receive([{ seq: ++race.seq, type: "set_slots", slots: 1 }]);
          await race.time.settle();
          break;
        }
        case "a drain": {
          const session = race.store.listSessions("default")[0]?.session.id ?? "";
          await race.scheduler.drainHost(session, 60_000, "a new version");
          await race.connect({ held });
          expect(race.host.all("drain")).toHaveLength(1);
          break;
        }
        case "a restart":
          await race.restart();
          await race.connect({ held });
          break;
        case "the loss of the host":
          await race.time.advance(TTL_MS);
          race.resumeToken = "";
          await race.connect({ held, instanceId: "instance-2" });
          expect(race.host.welcome?.verdicts.map((v) => v.state)).toEqual(held.map(() => "REVOKED"));
          break;
      }
      const verdict = { leaseId: a, ...VERDICT[moment] };
      const fenced = { leaseId: a, state: "ENDING", cancelReason: "RUN_CANCELLED" };
      if (event === "a cancellation") expect(race.host.welcome?.verdicts[0]).toMatchObject(fenced);
      else if (event !== "the loss of the host") expect(race.host.welcome?.verdicts[0]).toMatchObject(verdict);
      await race.finish(a);
      if (event === "a cancellation" && b !== "") await race.say({ type: "stopped", leaseId: b });
      if (event === "a drain" && moment === "DeferUntil not sent") {
        // A host that drains gets no `b`: another one does.
        await race.connect({ hostId: "other", instanceId: "instance-2", resumeToken: "" });
        await race.finish("");
      }

      const facts = await race.facts();
      expect(facts).toMatchObject({ status: event === "a cancellation" ? "CANCELLED" : "SUCCEEDED", slots: 0 });
      expect(facts.held.every((n) => n === 0)).toBe(true);
      // Only the loss of the host makes code run again, and a deferral is resumed once.
      const isLost = event === "the loss of the host";
      expect(facts.recoveries).toEqual([isLost ? 1 : 0, isLost && b !== "" ? 1 : 0]);
      const wasGranted = moment === "SlotGranted on the wire";
      expect(facts.resumed).toBe(wasGranted || !(isLost || event === "a cancellation") ? 1 : 0);
    });
  });
});
