/** Lists and their pages, the event log and its cursors, what a commit tells, and the books. */
import { expect, it } from "vitest";
import type { RunStatus } from "../../core/model.js";
import type { EventBatch } from "../store.js";
import type { TheWorld } from "./store-contract.js";
import type { World } from "./world.js";

async function allRuns(
  world: World,
  pageSize: number,
  more: { workflow?: string; statuses?: RunStatus[] } = {},
): Promise<string[][]> {
  const pages: string[][] = [];
  for (let pageToken = ""; ; ) {
    const query = { namespace: "default", workflow: "", statuses: [], pageSize, pageToken, ...more };
    const { items, nextPageToken } = await world.store.listRuns(query);
    pages.push(items.map((run) => run.id));
    if (nextPageToken === "") return pages;
    pageToken = nextPageToken;
  }
}

export function logContract(theWorld: TheWorld): void {
  it("lists runs newest first, in pages that do not shift when runs are added", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const runs: string[] = [];
    for (let i = 0; i < 5; i++) runs.unshift(await world.start("w"));
    expect(await allRuns(world, 2)).toEqual([runs.slice(0, 2), runs.slice(2, 4), runs.slice(4)]);
    expect(await allRuns(world, 5)).toEqual([runs]);
    const query = { namespace: "default", workflow: "", statuses: [], pageSize: 2, pageToken: "" };
    const first = await world.store.listRuns(query);
    await world.start("w");
    const second = await world.store.listRuns({ ...query, pageToken: first.nextPageToken });
    expect(second.items.map((r) => r.id)).toEqual(runs.slice(2, 4));
  });

  it("lists runs by workflow, by status and by namespace, as they are now", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.register("x", { a: [] });
    await world.register("w", { a: [] }, "other");
    await world.host("h", { slots: 9 });
    const done = await world.start("w");
    await world.complete(await world.lease());
    const running = await world.start("w");
    await world.lease();
    const pending = await world.start("x");
    await world.start("w", { namespace: "other" });
    const list = async (more: object) => {
      const query = { namespace: "default", workflow: "", statuses: [], pageSize: 10, pageToken: "", ...more };
      return (await world.store.listRuns(query)).items.map((r) => r.id);
    };
    expect(await list({})).toEqual([pending, running, done]);
    expect(await list({ workflow: "w" })).toEqual([running, done]);
    expect(await list({ statuses: ["RUNNING"] })).toEqual([running]);
    expect(await list({ statuses: ["PENDING", "SUCCEEDED"] })).toEqual([pending, done]);
    expect(await list({ statuses: ["FAILED"] })).toEqual([]);
    expect(await list({ workflow: "w", statuses: ["PENDING"] })).toEqual([]);
    const listed = await world.store.listRuns({
      namespace: "default",
      workflow: "",
      statuses: [],
      pageSize: 10,
      pageToken: "",
    });
    const read = await Promise.all(listed.items.map(async ({ id }) => (await world.view(id)).run));
    expect(listed.items).toEqual(read);
  });

  it("lists runs that go on and runs that have ended in one order, page by page", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h", { slots: 9 });
    const all: string[] = [];
    for (let i = 0; i < 3; i++) {
      all.unshift(await world.start("w"));
      await world.complete(await world.lease());
      all.unshift(await world.start("w"));
      await world.lease();
    }
    const running = all.filter((_, index) => index % 2 === 0);
    expect(await allRuns(world, 2, { statuses: ["RUNNING"] })).toEqual([running.slice(0, 2), running.slice(2)]);
    const both = { statuses: ["SUCCEEDED" as const, "RUNNING" as const] };
    expect(await allRuns(world, 4, both)).toEqual([all.slice(0, 4), all.slice(4)]);
    expect(await allRuns(world, 6, both)).toEqual([all]);
  });

  it("lists the newest of many runs that go on", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const all: string[] = [];
    for (let i = 0; i < 25; i++) all.unshift(await world.start("w"));
    const pages = await allRuns(world, 3, { statuses: ["PENDING"] });
    expect(pages.flat()).toEqual(all);
    expect(pages.map((page) => page.length)).toEqual([3, 3, 3, 3, 3, 3, 3, 3, 1]);
  });

  it("lists a run that was taken up again in its old place, among those that go on", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    await world.host("h", { slots: 9 });
    const failed = await world.start("w");
    await world.fail(await world.lease());
    const running = await world.start("w");
    await world.lease();
    expect(await allRuns(world, 9, { statuses: ["RUNNING"] })).toEqual([[running]]);
    await world.control(failed, { type: "retry", requestId: "" });
    expect(await allRuns(world, 9, { statuses: ["RUNNING"] })).toEqual([[running, failed]]);
    expect(await allRuns(world, 9, { statuses: ["FAILED"] })).toEqual([[]]);
  });

  it("lists workflows by name, newest version first, in pages", async () => {
    const world = theWorld();
    const old = await world.register("b", { a: [] });
    const current = await world.register("b", { c: [] });
    const other = await world.register("a", { a: [] });
    const first = await world.store.listWorkflows("default", 2, "");
    const second = await world.store.listWorkflows("default", 2, first.nextPageToken);
    expect([...first.items, ...second.items].map((w) => [w.graph.version, w.current])).toEqual([
      [other, true],
      [current, true],
      [old, false],
    ]);
    expect(second.nextPageToken).toBe("");
    expect((await world.store.listWorkflows("other", 2, "")).items).toEqual([]);
  });

  it("refuses a page token that no list gave", async () => {
    const { store } = theWorld();
    const query = { namespace: "default", workflow: "", statuses: [], pageSize: 2, pageToken: "x" };
    await expect(store.listRuns(query)).rejects.toMatchObject({ code: "PAGE_TOKEN_INVALID" });
    await expect(store.listWorkflows("default", 2, "-1")).rejects.toMatchObject({ code: "PAGE_TOKEN_INVALID" });
  });

  it("reads the log in commit order from any position, page by page: none is missed and none comes twice", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: ["a"] });
    await world.register("w", { a: [] }, "other");
    await world.host("h", { slots: 9 });
    const runs = [await world.start("w"), await world.start("w", { namespace: "other" }), await world.start("w")];
    for (let step = 0; step < 2; step++) {
      for (const lease of (await world.grant()).leases) await world.complete(lease);
    }
    const whole = await world.store.events({ namespace: "default", runId: null, after: 0, limit: 1_000 });
    expect(whole.more).toBe(false);
    expect(new Set(whole.chunks.map((c) => c.runId))).toEqual(new Set([runs[0], runs[2]]));
    expect(whole.chunks.map((c) => c.position)).toEqual([...whole.chunks.map((c) => c.position)].sort((a, b) => a - b));
    for (const limit of [1, 2, 3]) {
      const read = [];
      let pages = 0;
      for (let after = 0, more = true; more; pages++) {
        const page = await world.store.events({ namespace: "default", runId: null, after, limit });
        expect(page.chunks.length).toBeLessThanOrEqual(limit);
        read.push(...page.chunks);
        after = page.position;
        more = page.more;
      }
      expect(read.map((c) => [c.position, c.events])).toEqual(whole.chunks.map((c) => [c.position, c.events]));
      expect(pages).toBeGreaterThan(1);
    }
    const ofOne = await world.store.events({ namespace: "default", runId: runs[2] ?? "", after: 0, limit: 1_000 });
    expect(ofOne.chunks.flatMap((c) => c.events.map((e) => [c.runId, e.seq]))).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((seq) => [runs[2], seq]),
    );
    const rest = await world.store.events({
      namespace: "default",
      runId: runs[2] ?? "",
      after: ofOne.chunks[1]?.position ?? 0,
      limit: 1_000,
    });
    expect(rest.chunks).toEqual(ofOne.chunks.slice(2));
    const end = await world.store.events({ namespace: "default", runId: null, after: whole.position, limit: 10 });
    expect(end).toEqual({ chunks: [], position: whole.position, more: false });
    expect(await world.store.events({ namespace: "other", runId: runs[0] ?? "", after: 0, limit: 10 })).toMatchObject({
      chunks: [],
    });
  });

  it("events carry who, what, when, and the change of held slots", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const { session } = await world.host("h");
    const runId = await world.start("w");
    world.clock.move(5);
    const lease = await world.lease();
    await world.defer(lease);
    await world.reclaim(lease);
    await world.grant();
    await world.fail(lease);
    const line = { leaseId: lease.leaseId, hostId: "h", sessionId: session.id, task: 0, attempt: 1 };
    const at = world.clock.now();
    expect(await world.events(runId)).toEqual([
      { seq: 1, at: at - 5, type: "RUN_STARTED" },
      { seq: 2, at: at - 5, type: "TASK_READY", task: 0 },
      { seq: 3, at, type: "TASK_LEASED", ...line, slotDelta: 1, slots: 1 },
      { seq: 4, at, type: "TASK_DEFERRED", ...line, slotDelta: -1, deferral: 1, reason: "rain" },
      { seq: 5, at, type: "TASK_RECLAIMING", ...line, deferral: 1, reason: "MET" },
      { seq: 6, at, type: "TASK_RESUMED", ...line, slotDelta: 1, slots: 1, deferral: 1 },
      expect.objectContaining({ seq: 7, type: "TASK_FAILED", ...line, slotDelta: -1 }),
      { seq: 8, at, type: "RUN_FAILED", reason: 'task "a" failed: no rain' },
    ]);
  });

  it("tells listeners what each commit appended, without a gap, until they leave", async () => {
    const world = theWorld();
    await world.register("w", { a: [] });
    const batches: EventBatch[] = [];
    const leave = world.store.subscribe((batch) => batches.push(batch));
    const [first] = await Promise.all([world.start("w"), world.start("w")]);
    await world.cancel(first);
    leave();
    await world.start("w");
    expect(batches.map((b) => [b.from, b.to, b.chunks.length])).toEqual([
      [0, 2, 2],
      [2, 3, 1],
    ]);
    const { chunks } = await world.store.events({ namespace: "default", runId: null, after: 0, limit: 3 });
    expect(batches.flatMap((b) => b.chunks.map((c) => [c.position, c.runId, c.events]))).toEqual(
      chunks.map((c) => [c.position, c.runId, c.events]),
    );
    expect(world.store.stats().position).toBe(4);
  });

  it("counts what is live and what waits", async () => {
    const world = theWorld();
    await world.register("w", { a: [], b: [] });
    const { session } = await world.host("h");
    const runId = await world.start("w");
    expect(world.store.stats()).toMatchObject({ liveRuns: 1, sessions: 1, waiting: 2 });
    const lease = await world.lease();
    expect(world.store.stats().waiting).toBe(1);
    await world.cancel(runId);
    // Its lease is not stopped: the run has ended and still matters.
    expect(world.store.stats()).toMatchObject({ liveRuns: 1, waiting: 0 });
    await world.stopped(lease);
    await world.store.endSessions([session.id], "gone");
    expect(world.store.stats()).toMatchObject({ liveRuns: 0, sessions: 0, waiting: 0 });
  });
}
