/** P4: nothing is said of a turn before it is on disk, and nothing at all once nobody knows what is there. */
import { beforeEach, describe, expect, it } from "vitest";
import { testOptions, World } from "../contract/world.js";
import { MemoryJournal } from "../memory/memory-journal.js";
import type { EventBatch } from "../store.js";
import { LiveStore } from "./live-store.js";

/** A journal whose disk takes its time: each sync ends when the test says so. */
class SlowDisk extends MemoryJournal {
  readonly syncs: { readonly done: () => void; readonly failed: (error: Error) => void }[] = [];
  isSlow = false;
  closed = false;

  override sync(): Promise<void> | null {
    if (!this.isSlow) return null;
    return new Promise<void>((done, failed) => void this.syncs.push({ done, failed }));
  }

  override close(): void {
    this.closed = true;
  }
}

describe("a commit on its way to the disk", () => {
  let disk: SlowDisk;
  let world: World;
  const told: EventBatch[] = [];

  beforeEach(async () => {
    told.length = 0;
    disk = new SlowDisk();
    const options = testOptions();
    world = new World(new LiveStore(disk, options), options);
    await world.register("w", { a: [] });
    world.store.subscribe((batch) => told.push(batch));
    disk.isSlow = true;
  });

  it("is not told before it is there, neither to who asked nor to who watches nor to who reads", async () => {
    const order: string[] = [];
    world.store.subscribe(() => order.push("told"));
    const started = world.start("w").then((runId) => {
      order.push("started");
      return runId;
    });
    await turns();
    expect(disk.syncs).toHaveLength(1);
    const query = { namespace: "default", workflow: "", statuses: [], pageSize: 9, pageToken: "" };
    const read = world.store.listRuns(query).then(({ items }) => {
      order.push("read");
      return items;
    });
    await turns();
    expect(order).toEqual([]);
    disk.syncs[0]?.done();
    expect(await read).toMatchObject([{ id: await started }]);
    // First who watches: what is read besides has been told.
    expect(order[0]).toBe("told");
    expect(order).toHaveLength(3);
  });

  it("is waited for by a read in the very tick in which it begins", async () => {
    const started = world.start("w");
    const query = { namespace: "default", workflow: "", statuses: [], pageSize: 9, pageToken: "" };
    let isRead = false;
    const read = world.store.listRuns(query).then(({ items }) => {
      isRead = true;
      return items;
    });
    await turns();
    expect([disk.syncs.length, isRead]).toEqual([1, false]);
    disk.syncs[0]?.done();
    expect(await read).toMatchObject([{ id: await started }]);
  });

  it("does not hold up the next commit, and both are told in their order", async () => {
    const order: number[] = [];
    const first = world.start("w").then(() => order.push(1));
    await turns();
    const second = world.start("w").then(() => order.push(2));
    await turns();
    expect(disk.syncs).toHaveLength(2);
    disk.syncs[1]?.done();
    await turns();
    expect(order).toEqual([]);
    disk.syncs[0]?.done();
    await Promise.all([first, second]);
    expect(order).toEqual([1, 2]);
    expect(told.map(({ to }) => to)).toEqual([1, 2]);
  });

  it("is waited for when the store is closed", async () => {
    const started = world.start("w");
    await turns();
    const closed = world.store.close();
    await turns();
    expect(disk.closed).toBe(false);
    disk.syncs[0]?.done();
    await Promise.all([started, closed]);
    expect(disk.closed).toBe(true);
  });

  it("when the disk does not take it, nothing is told, and nothing is done or said any more", async () => {
    const unavailable = { code: "STORE_UNAVAILABLE", message: expect.stringContaining("start it anew") };
    const [first, second] = [world.start("w"), turns().then(() => world.start("w"))];
    const refused = Promise.all([first, second].map((start) => expect(start).rejects.toMatchObject(unavailable)));
    await turns();
    await turns();
    expect(disk.syncs).toHaveLength(2);
    disk.syncs[0]?.failed(new Error("EIO: i/o error, fdatasync"));
    disk.syncs[1]?.done();
    await refused;
    expect((await world.store.lost).message).toContain("EIO");
    await expect(world.start("w")).rejects.toMatchObject(unavailable);
    await expect(world.store.readRun("default", "run1")).rejects.toMatchObject(unavailable);
    expect(told).toEqual([]);
    expect(disk.syncs).toHaveLength(2);
    await expect(world.store.close()).rejects.toMatchObject(unavailable);
    expect(disk.closed).toBe(true);
  });
});

/** What could follow has followed. */
function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
