/**
 * A commit that fails takes its whole turn back: the store says what it said before, the file says the same, and what comes
 * after goes on as if the turn had never been tried.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { LeaseGrant } from "../../core/grants.js";
import { compileGraph } from "../../core/graph.js";
import { type FailingJournal, failing } from "../../testing/failing-journal.js";
import { dump } from "../contract/reopening-store.js";
import { definition, type TestOptions, TTL_MS, testOptions, World } from "../contract/world.js";
import { MemoryJournal } from "../memory/memory-journal.js";
import { openStore } from "../open-store.js";
import { openDatabase } from "../sqlite/open-database.js";
import { SqliteJournal } from "../sqlite/sqlite-journal.js";
import type { Journal } from "./journal.js";
import { LiveStore } from "./live-store.js";

interface Scene {
  readonly world: World;
  readonly options: TestOptions;
  readonly leases: Readonly<Record<string, LeaseGrant>>;
  readonly runs: Readonly<Record<string, string>>;
}

const HOST = "h";
const ONLY_VERSION = compileGraph(definition("x", { only: [] })).version;
const TASKS = { held: { timeoutMs: 500 }, next: ["held"] };

/** A store with something of everything in it. */
async function scene(journal: Journal, options: TestOptions): Promise<Scene> {
  const world = new World(new LiveStore(journal, options), options);
  const leases: Record<string, LeaseGrant> = {};
  const runs: Record<string, string> = {};
  const begin = async (name: string, workflow = "w", slots = 9): Promise<void> => {
    world.clock.move(1);
    runs[name] = await world.start(workflow);
    if (slots === 0) return;
    leases[name] = await world.lease();
  };
  await world.register("w", TASKS);
  await world.register("x", { only: [] });
  const implementations = ["w", "x"].map((workflow) => ({ workflow, version: null, tasks: null }));
  const { session } = await world.host(HOST, { slots: 9, implementations, ttlMs: TTL_MS });
  await world.host("idle", { implementations: [] });
  for (const name of ["done", "failed", "held", "fenced", "deferred", "waiting", "early", "late"])
    await begin(name, "w");
  await world.complete(get(leases, "done"), { n: "1" });
  await world.fail(get(leases, "failed"));
  await world.cancel(get(runs, "fenced"));
  await world.defer(get(leases, "deferred"), 700);
  for (const name of ["waiting", "early", "late"]) await world.defer(get(leases, name));
  for (const name of ["early", "late"]) {
    world.clock.move(1);
    await world.reclaim(get(leases, name));
  }
  await world.store.updateSessions([{ sessionId: session.id, slots: 2 }]);
  for (const name of ["ready1", "ready2", "ready3"]) await begin(name, "x", 0);
  return { world, options, leases, runs };
}

function get<T>(of: Readonly<Record<string, T>>, name: string): T {
  const value = of[name];
  if (value === undefined) throw new Error(`there is no ${name}`);
  return value;
}

/** Everything that was begun is brought to its end, and everything that is said on the way is kept. */
async function playOut({ world }: Scene): Promise<unknown[]> {
  const said: unknown[] = [];
  const sessions = [...world.store.listSessions("default")].sort((a, b) => (a.session.id < b.session.id ? -1 : 1));
  for (const { session, leases } of sessions) {
    await world.store.updateSessions([{ sessionId: session.id, slots: 1 }]);
    for (const { leaseId, state, ending } of [...leases].sort((a, b) => (a.leaseId < b.leaseId ? -1 : 1))) {
      const lease = { sessionId: session.id, leaseId } as LeaseGrant;
      if (ending) said.push(await world.stopped(lease));
      else if (state === "LEASED") said.push(await world.complete(lease));
      else if (state === "DEFERRED") said.push(await world.reclaim(lease));
    }
  }
  for (let rounds = 0; rounds < 50; rounds++) {
    world.clock.move(1);
    const { leases, resumed } = await world.grant();
    said.push(
      leases.map((l) => [l.leaseId, l.sessionId, l.input]),
      resumed.map((r) => r.leaseId),
    );
    if (leases.length + resumed.length === 0) break;
    for (const lease of [...leases, ...resumed]) said.push(await world.complete(lease as LeaseGrant));
  }
  said.push(await dump(world.store));
  return said;
}

/** Operations of one turn: they are called together. */
const TURNS: Readonly<Record<string, (scene: Scene) => readonly Promise<unknown>[]>> = {
  "a completion": ({ world, leases }) => [world.complete(get(leases, "held"), { n: "2" })],
  "a failure": ({ world, leases }) => [world.fail(get(leases, "held"))],
  "a deferral": ({ world, leases }) => [world.defer(get(leases, "held"), 50)],
  "a reclaim": ({ world, leases }) => [world.reclaim(get(leases, "waiting"))],
  "a checkpoint and a decline": ({ world, leases }) => {
    const { sessionId, leaseId } = get(leases, "held");
    const patch = { set: { half: "1" }, removed: [] };
    return [world.say(sessionId, { type: "checkpoint", leaseId, patch }), world.decline(get(leases, "held"))];
  },
  "a purge, beside a run that is taken up": ({ world, runs }) => [
    world.control(get(runs, "failed"), { type: "retry", requestId: "" }),
    world.store.purge({ forMs: 0, newest: 0 }, 1_000),
  ],
  "the end of a fenced lease": ({ world, leases }) => [world.stopped(get(leases, "fenced"))],
  "a cancellation": ({ world, runs }) => [world.cancel(get(runs, "early")), world.cancel(get(runs, "held"))],
  grants: ({ world }) => [world.store.updateSessions([{ sessionId: sessionOf(world, HOST), slots: 9 }]), world.grant()],
  "the grant of the oldest reclaim": ({ world, leases }) => [
    world.complete(get(leases, "held")),
    world.grant({ limit: 1 }),
  ],
  "the lease of the oldest ready task": ({ world, leases, runs }) => [
    world.cancel(get(runs, "early")),
    world.cancel(get(runs, "late")),
    world.complete(get(leases, "held")),
    world.stopped(get(leases, "fenced")),
    world.grant({ limit: 1 }),
  ],
  deadlines: ({ world }) => {
    world.clock.move(800);
    return [world.store.fireDue(10)];
  },
  "an expiry": ({ world }) => {
    world.clock.move(TTL_MS);
    return [world.store.expireSessions(10)];
  },
  "a pause of a run, and of a workflow": ({ world, runs }) => [
    world.control(get(runs, "ready1"), { type: "pause", reason: "a deploy" }),
    world.store.updateWorkflows([{ namespace: "default", workflow: "x", paused: true }]),
  ],
  "the end of a session": ({ world }) => [world.store.endSessions([sessionOf(world, HOST)], "gone")],
  "a takeover": ({ world }) => {
    world.clock.move(10);
    return [world.host(HOST, { instanceId: "another", takeoverAfterTtl: 5 / TTL_MS })];
  },
  "a resumed session with other implementations": ({ world }) => {
    const { session } = view(world, HOST);
    return [world.host(HOST, { ...session.spec, implementations: [], resumeToken: session.resumeToken })];
  },
  "a new session that drains at once": ({ world }) => {
    const opened = world.host("new");
    return [opened, world.store.updateSessions([{ sessionId: sessionOf(world, "new"), draining: true }])];
  },
  "a new session that ends at once": ({ world }) => {
    const opened = world.host("new");
    return [opened, world.store.endSessions([sessionOf(world, "new")], "gone")];
  },
  "what a host did not list": ({ world }) => [world.store.pendingFor(sessionOf(world, HOST), new Set())],
  "a registration and starts": ({ world }) => [
    world.store.registerWorkflows([
      { namespace: "default", graph: compileGraph(definition("w", { other: [] })) },
      { namespace: "default", graph: compileGraph(definition("fresh", { a: [] })) },
    ]),
    world.start("w", { requestId: "q" }),
    world.start("fresh"),
  ],
  "a promotion": ({ world }) => [
    world.store.registerWorkflows([{ namespace: "default", graph: compileGraph(definition("x", { newer: [] })) }]),
    world.store.updateWorkflows([{ namespace: "default", workflow: "x", promote: ONLY_VERSION }]),
    world.start("x"),
  ],
  "a failure, and the retry of its run": ({ world, leases, runs }) => [
    world.fail(get(leases, "held")),
    world.control(get(runs, "held"), { type: "retry", requestId: "again" }),
  ],
  "the retry of a run that had ended": ({ world, runs }) => [
    world.control(get(runs, "failed"), { type: "retry", requestId: "later" }),
  ],
  "a start, its lease and its end": ({ world, leases }) => [
    world.complete(get(leases, "held")),
    world.start("x", { priority: 9 }),
    world.grant(),
    world.cancel(`run${world.store.stats().liveRuns}`),
  ],
};

function view(world: World, hostId: string) {
  const found = world.store.listSessions("default").find((s) => s.session.spec.hostId === hostId);
  if (found === undefined) throw new Error(`there is no host ${hostId}`);
  return found;
}

function sessionOf(world: World, hostId: string): string {
  return view(world, hostId).session.id;
}

async function expectUnavailable(turn: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(turn);
  for (const result of results) {
    expect(result).toMatchObject({ status: "rejected", reason: { code: "STORE_UNAVAILABLE" } });
  }
}

describe.each(["memory", "sqlite"] as const)("a failed commit on %s", (kind) => {
  async function inPlace(test: (make: (options: TestOptions) => FailingJournal) => Promise<void>) {
    const folder = mkdtempSync(join(tmpdir(), "cloaca-failed-"));
    let count = 0;
    const journals: Journal[] = [];
    try {
      await test((options) => {
        const journal =
          kind === "memory" ? new MemoryJournal() : sqliteJournal(join(folder, `${++count}.db`), options).journal;
        journals.push(journal);
        return failing(journal);
      });
    } finally {
      for (const journal of journals) journal.close();
      rmSync(folder, { recursive: true });
    }
  }

  it.each(Object.entries(TURNS))("takes back %s; later turns go on as if it had not been tried", (_name, turn) =>
    inPlace(async (make) => {
      const options = testOptions();
      const journal = make(options);
      const tried = await scene(journal, options);
      const before = await dump(tried.world.store);
      const count = options.ids.count;
      const batches: unknown[] = [];
      tried.world.store.subscribe((batch) => batches.push(batch));
      journal.fails = true;
      await expectUnavailable(turn(tried));
      expect(await dump(tried.world.store)).toEqual(before);
      expect(batches).toEqual([]);
      journal.fails = false;
      options.ids.count = count;

      const controlOptions = testOptions();
      const control = await scene(make(controlOptions), controlOptions);
      // The clock stands where the failed turn has moved it.
      control.world.clock.move(tried.world.clock.now() - control.world.clock.now());
      tried.world.effects.length = 0;
      control.world.effects.length = 0;
      expect(await playOut(tried)).toEqual(await playOut(control));
      expect(tried.world.effects).toEqual(control.world.effects);
    }),
  );

  it.each(Object.entries(TURNS))("does %s in the next turn just as if it had succeeded at once", (_name, turn) =>
    inPlace(async (make) => {
      const options = testOptions();
      const journal = make(options);
      const tried = await scene(journal, options);
      const { count } = options.ids;
      const at = options.clock.now();
      journal.fails = true;
      await expectUnavailable(turn(tried));
      journal.fails = false;
      options.ids.count = count;
      options.clock.move(at - options.clock.now());
      tried.world.effects.length = 0;
      const controlOptions = testOptions();
      const control = await scene(make(controlOptions), controlOptions);
      control.world.effects.length = 0;
      expect(await Promise.all(turn(tried))).toEqual(await Promise.all(turn(control)));
      expect(await playOut(tried)).toEqual(await playOut(control));
      expect(tried.world.effects).toEqual(control.world.effects);
    }),
  );
});

function sqliteJournal(file: string, options: TestOptions): { journal: SqliteJournal; db: Database.Database } {
  const { db, release } = openDatabase(file, "");
  // The machine does not fail here: no commit needs to wait for its disk.
  db.pragma("synchronous = OFF");
  return { journal: new SqliteJournal(db, release, options.clock), db };
}

describe("a disk that is full", () => {
  it("takes the turn back, in memory and in the file; with room again, later turns work", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cloaca-full-"));
    try {
      const file = join(folder, "runs.db");
      const options = testOptions();
      const { journal, db } = sqliteJournal(file, options);
      const { world, leases, runs } = await scene(journal, options);
      const before = await dump(world.store);
      const pages = Number(db.pragma("page_count", { simple: true }));
      db.pragma(`max_page_count = ${pages}`);
      const big = { big: JSON.stringify("x".repeat(900)) };
      const turn = [
        world.complete(get(leases, "held"), { n: "2" }),
        ...Array.from({ length: 40 }, () => world.start("w", { context: big })),
        world.grant(),
      ];
      const results = await Promise.allSettled(turn);
      for (const result of results) {
        expect(result).toMatchObject({ status: "rejected", reason: { code: "STORE_UNAVAILABLE" } });
        expect(String(result.status === "rejected" && result.reason)).toContain("full");
      }
      expect(await dump(world.store)).toEqual(before);
      db.pragma("max_page_count = 100000");
      expect((await world.complete(get(leases, "held"), { n: "3" })).result).toBe("APPLIED");
      const after = await dump(world.store);
      await world.store.close();
      const fresh = openStore(`sqlite://${file}`, options, "");
      expect(await dump(fresh)).toEqual(after);
      expect((await fresh.readRun("default", get(runs, "held")))?.tasks[0]?.patch).toEqual({
        set: { n: "3" },
        removed: [],
      });
      await fresh.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
