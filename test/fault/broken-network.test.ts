/** P5, P6: whatever the network does to a connection, the lease survives, or it is recovered once its host's TTL is over. */
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "cloaca";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { FaultHost } from "../support/fault-host.js";
import { FaultProxy } from "../support/fault-proxy.js";
import { FaultWorld } from "../support/fault-world.js";
import { itFully } from "../support/form.js";
import { logFacts } from "../support/log-facts.js";

const TTL_MS = 2_000;
const HELD = 3;

let world: FaultWorld;
let proxy: FaultProxy;
let client: Client;
/** Its only way to the scheduler is the proxy. */
let far: FaultHost;

beforeAll(async () => {
  world = await FaultWorld.start({ ttlMs: TTL_MS });
  proxy = await FaultProxy.start(world.address);
  client = world.client();
  far = await world.host("far", HELD, { address: proxy.address });
});

afterAll(async () => {
  await proxy.stop();
  await world.close();
});

afterEach(() => proxy.heal());

/** Runs whose tasks the host behind the proxy has: some hold a slot, some are deferred. */
async function held(): Promise<string[]> {
  const before = far.executed.length;
  const runs = await world.runs(client, "park", HELD);
  await far.until("executes", undefined, before + HELD);
  runs.push(...(await world.runs(client, "hold", HELD)));
  await far.until("executes", undefined, before + 2 * HELD);
  return runs;
}

/** Everything was executed once. */
async function expectSurvived(runs: readonly string[]): Promise<void> {
  far.release();
  for (const runId of runs) expect((await client.wait(runId)).status).toBe("SUCCEEDED");
  const { taskRuns } = await logFacts(client);
  for (const runId of runs) {
    expect(taskRuns.get(`${runId}.0`)).toEqual({ leased: [1], succeeded: [1], lostWith: [], declined: [] });
    expect(far.executed.filter((leaseId) => leaseId.startsWith(runId))).toHaveLength(1);
  }
}

/** Everything is executed a second time, by a host with a way of its own, whose results alone count. */
async function expectRecovered(runs: readonly string[], breakIt: () => void): Promise<void> {
  const near = await world.host("near", 10);
  const before = far.said.filter(isAnew).length;
  breakIt();
  await near.until("executes", undefined, runs.length);
  near.release();
  for (const runId of runs) expect((await client.wait(runId)).status).toBe("SUCCEEDED");
  await near.end("SIGTERM");
  // It has worked on without contact; when it has contact again it hears that nothing of it counts, and is of use again.
  proxy.heal();
  await far.until(
    "aborted",
    ({ leaseId, reason }) => reason === "REVOKED" && runs.includes(runOf(leaseId)),
    runs.length,
  );
  await far.until("log", isAnew, before + 1);
  far.release();
  const { runId } = await client.start("load");
  expect((await client.wait(runId)).status).toBe("SUCCEEDED");
  const { taskRuns } = await logFacts(client);
  for (const lost of runs) {
    expect(taskRuns.get(`${lost}.0`)).toEqual({ leased: [1, 2], succeeded: [2], lostWith: ["far"], declined: [] });
  }
}

function runOf(leaseId: string): string {
  return leaseId.slice(0, leaseId.indexOf("."));
}

/** A session of its own: the one before was lost. */
function isAnew(said: FaultHost["said"][number]): boolean {
  return said.type === "log" && said.event === "host_connected" && said.fields["resumed"] === false;
}

function isGivenUp(said: FaultHost["said"][number]): boolean {
  return said.type === "log" && said.event === "host_disconnected";
}

/** The next connection has its Welcome. */
async function untilConnected(breakIt: () => void): Promise<void> {
  const before = far.said.filter((said) => said.type === "log" && said.event === "host_connected").length;
  breakIt();
  await far.until("log", ({ event }) => event === "host_connected", before + 1);
}

describe("a connection", () => {
  it("that is reset three times keeps its leases", async () => {
    const runs = await held();
    for (let time = 0; time < 3; time++) await untilConnected(() => proxy.reset());
    await expectSurvived(runs);
  });

  itFully("that is reset, and refused for half of the TTL, keeps them", async () => {
    const runs = await held();
    await untilConnected(() => {
      proxy.refuse();
      proxy.reset();
      setTimeout(() => proxy.heal(), TTL_MS / 2);
    });
    await expectSurvived(runs);
  });

  it("that freezes for half of the TTL keeps them", async () => {
    const runs = await held();
    proxy.freeze("up", "down");
    await delay(TTL_MS / 2);
    proxy.heal();
    await expectSurvived(runs);
  });

  it("that freezes for good loses them to another host", async () => {
    await expectRecovered(await held(), () => proxy.freeze("up", "down"));
  });

  it("whose answers alone freeze is given up by its host, and opened again", async () => {
    const runs = await held();
    await untilConnected(() => {
      proxy.freeze("down");
      // What the host says still arrives: its session lives all the time.
      const given = far.said.filter(isGivenUp).length;
      void far.until("log", isGivenUp, given + 1).then(() => proxy.heal());
    });
    await expectSurvived(runs);
  });

  itFully("that can say nothing any more loses them", async () => {
    await expectRecovered(await held(), () => proxy.freeze("up"));
  });

  it.each(["up", "down"] as const)("whose half %s is closed in order is opened again", async (direction) => {
    const runs = await held();
    await untilConnected(() => proxy.halfClose(direction));
    await expectSurvived(runs);
  });

  itFully("with 400 bytes a second keeps them for two TTLs", async () => {
    const runs = await held();
    proxy.slowTo(400);
    await delay(2 * TTL_MS);
    proxy.heal();
    await expectSurvived(runs);
  });

  it("with four bytes a second cannot say that its host lives", async () => {
    await expectRecovered(await held(), () => proxy.slowTo(4));
  });
});
