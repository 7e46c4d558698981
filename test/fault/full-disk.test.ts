/** A disk that takes nothing more: nothing is receipted that is not written, nothing is lost, and it goes on when it can. */
import { RemoteError } from "cloaca";
import { describe, expect, it } from "vitest";
import { FaultWorld } from "../support/fault-world.js";
import { logFacts } from "../support/log-facts.js";
import { limitedFiles, type ScarceDisk, smallDisk, whyNoSizeLimit, whyNoSmallDisk } from "../support/scarce-disk.js";
import { SchedulerProcess } from "../support/scheduler-process.js";

const HELD = 5;
const DISKS: readonly [string, string | null, () => ScarceDisk][] = [
  ["a full disk", whyNoSmallDisk(), () => smallDisk(8)],
  ["a limit on the size of its files", whyNoSizeLimit(), limitedFiles],
];

for (const [name, whyNot, makeDisk] of DISKS) {
  describe.skipIf(whyNot !== null)(whyNot === null ? name : `${name} (${whyNot})`, () => {
    it("discards the turn, says so, and goes on once it can", () =>
      onDisk(makeDisk(), async (world, disk) => {
        const { client, host, runs, refused } = await full(world, disk);
        // Reading goes on.
        for (const runId of runs) expect((await client.get(runId)).status).toBe("RUNNING");
        disk.free(world.scheduler.pid);
        await expectWhole(world, client, runs);
        // What was refused had not happened: said again it is a new run.
        const again = await client.start("load", {}, { requestId: refused });
        expect(again.existing).toBe(false);
        expect((await client.wait(again.runId)).status).toBe("SUCCEEDED");
        expect(host.executed).toHaveLength(runs.length + 5);
      }));

    it("loses nothing when the scheduler is killed meanwhile", () =>
      onDisk(makeDisk(), async (world, disk) => {
        const { runs } = await full(world, disk);
        const { pid } = world.scheduler;
        disk.free(pid);
        await world.scheduler.end("SIGKILL");
        await world.restart();
        await expectWhole(world, world.client(), runs);
      }));
  });
}

describe.skipIf(whyNoSmallDisk() !== null)("a store that cannot be written", () => {
  it("refuses to start on a disk that is read-only, and is whole afterwards", () =>
    onDisk(smallDisk(8), async (world, disk) => {
      const host = await world.host("host", HELD);
      const runs = await world.runs(world.client(), "hold", HELD);
      await host.until("executes", undefined, HELD);
      await world.scheduler.end("SIGKILL");
      disk.remount("ro");
      const store = `sqlite://${world.file}`;
      const { code, stderr } = await SchedulerProcess.run(["server", "--address", "127.0.0.1:0", "--store", store]);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/^error: STORE_UNAVAILABLE: store .*runs\.db: /)]);
      disk.remount("rw");
      await world.restart();
      host.release();
      await expectWhole(world, world.client(), runs);
    }));
});

/** The disk is full: the results of `hold` are said, and cannot be taken. */
async function full(world: FaultWorld, disk: ScarceDisk) {
  const { scheduler } = world;
  const host = await world.host("host", HELD);
  const client = world.client();
  const runs = await world.runs(client, "hold", HELD);
  await host.until("executes", undefined, HELD);
  disk.fill(scheduler.pid);
  host.release();
  const { error } = await scheduler.log("store_unavailable");
  expect(error).toMatch(/the store could not commit: .*; nothing of the turn has happened/);
  const refused = "refused-once";
  const start: unknown = await client.start("load", {}, { requestId: refused }).catch((thrown: unknown) => thrown);
  expect(start instanceof RemoteError && start.code).toBe("STORE_UNAVAILABLE");
  return { client, host, runs, refused };
}

/** Each task was executed once, and has its one result. */
async function expectWhole(world: FaultWorld, client: ReturnType<FaultWorld["client"]>, runs: readonly string[]) {
  for (const runId of runs) expect((await client.wait(runId)).status).toBe("SUCCEEDED");
  const { taskRuns } = await logFacts(client);
  for (const runId of runs) expect(taskRuns.get(`${runId}.0`)).toMatchObject({ leased: [1], succeeded: [1] });
  expect(world.store.duplicates).toBe(0);
}

async function onDisk<D extends ScarceDisk>(disk: D, test: (world: FaultWorld, disk: D) => Promise<void>) {
  try {
    const world = await FaultWorld.start({ ttlMs: 10_000, folder: disk.folder });
    try {
      await test(world, disk);
    } finally {
      await world.end();
    }
    await world.audit();
  } finally {
    disk.remove();
  }
}
