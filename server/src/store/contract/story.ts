/** A history with something of everything, for tests of what reads logs. */
import type { AuditBooks } from "../../audit/audit-log.js";
import type { RunBooks } from "../../core/audit/run-account.js";
import { openStore } from "../open-store.js";
import type { EventChunk } from "../store.js";
import { testOptions, World } from "./world.js";

type RunName = "retried" | "handled" | "again" | "waits" | "second" | "lost" | "cancelled" | "live";

export interface Story {
  readonly log: readonly EventChunk[];
  readonly books: AuditBooks;
  readonly runs: Readonly<Record<RunName, string>>;
}

/** Retries, losses, declines, reclaims, a fenced lease, a retried run, one that goes on. */
export async function tellStory(): Promise<Story> {
  const options = testOptions();
  const world = new World(openStore("memory:", options, ""), options);
  const { store, clock } = world;
  await world.register("w", { a: { retry: { attempts: 2, delayMs: 50 } }, b: ["a"] });
  await world.register("x", {
    a: [],
    fallback: { after: ["a"], rule: { kind: "failed", task: "a" } },
    rest: { after: ["a"] },
  });
  await world.register("v", { a: [] });
  const implementations = ["w", "x", "v"].map((workflow) => ({ workflow, version: null, tasks: null }));
  const first = await world.host("first", { slots: 2, implementations });
  const granted = async () => {
    clock.move(7);
    return world.grant();
  };
  const next = async () => {
    const [lease] = (await granted()).leases;
    if (lease === undefined) throw new Error("no lease");
    return lease;
  };

  // A retry, then success.
  const retried = await world.start("w");
  await world.fail(await next(), { transient: true });
  clock.move(1_000);
  await store.fireDue(10);
  await world.complete(await next());
  await world.complete(await next());

  // A failure that is handled, and one that fails the run, which is retried.
  const handled = await world.start("x");
  await world.fail(await next());
  await world.complete(await next());
  const again = await world.start("v");
  await world.fail(await next());
  await world.control(again, { type: "retry", requestId: "" });
  await world.complete(await next());

  // Two reclaims wait, and get their slots in their order.
  const [waits, second] = [await world.start("v"), await world.start("v")];
  const held = (await granted()).leases;
  const [one, two] = [held.find((l) => l.run.id === waits), held.find((l) => l.run.id === second)];
  if (one === undefined || two === undefined) throw new Error("no leases");
  clock.move(4);
  await world.defer(one);
  await world.defer(two);
  await world.start("v");
  await world.start("v");
  const fill = (await granted()).leases;
  await world.reclaim(one);
  clock.move(5);
  await world.reclaim(two);
  for (const lease of fill) {
    clock.move(5);
    await world.complete(lease);
    await granted();
  }
  clock.move(5);
  await world.complete(one);
  await world.complete(two);

  // A host declines, another one is lost.
  const lost = await world.start("v");
  await world.decline(await next());
  await world.host("other", { slots: 1, implementations });
  await next();
  clock.move(5_000);
  store.touchSessions([[first.session.id, 0]]);
  clock.move(5_000);
  await store.expireSessions(10);
  await world.host("third", { slots: 1, implementations });
  await world.complete(await next());

  const cancelled = await world.start("v");
  const fenced = await next();
  await world.cancel(cancelled);
  clock.move(3);
  await world.stopped(fenced);

  const live = await world.start("w");
  await next();

  const { chunks } = await store.events({ namespace: "default", runId: null, after: 0, limit: 10_000 });
  const runs = new Map<string, RunBooks>();
  for (const { runId } of chunks) {
    const { run, tasks } = await world.view(runId);
    const books = tasks.map(({ task, state, attempt, recovery, fence, lease }) => {
      return [task, { state, attempt, recovery, fence, leaseId: lease?.id ?? "" }] as const;
    });
    runs.set(runId, { status: run.status, eventSeq: run.eventSeq, tasks: new Map(books) });
  }
  const sessions = new Set(store.listSessions("default").map(({ session }) => session.id));
  return {
    log: chunks,
    books: {
      run: (id) => runs.get(id) ?? null,
      sessions: () => sessions,
      runsWithoutLog: () => [],
      rowsWithoutRun: () => 0,
      purgedRuns: () => 0,
    },
    runs: { retried, handled, again, waits, second, lost, cancelled, live },
  };
}
