/** Whoever does not read costs nobody's memory, on either side: what is not read is not made. */
import { setTimeout as delay } from "node:timers/promises";
import { create, type Message, toBinary } from "@bufbuild/protobuf";
import { WorkRequestSchema } from "@cloaca/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { residentKib } from "../../bench/src/processes/usage.js";
import { FaultProxy } from "../support/fault-proxy.js";
import { FaultWorld } from "../support/fault-world.js";
import { figure } from "../support/figures.js";
import { inForm } from "../support/form.js";
import { stalledWatcher } from "../support/stalled-watcher.js";
import { Wire, type WireHost } from "../support/wire.js";

/** The heap of a busy process takes that much without anything being kept. */
const SLACK_KIB = 100 * 1024;
/** Long enough that nobody is given up meanwhile. */
const TTL_MS = 60_000;

let world: FaultWorld;

beforeAll(async () => {
  world = await FaultWorld.start({ ttlMs: TTL_MS });
});

afterAll(() => world.close());

/** Runs something, and returns how much the memory of a process has grown meanwhile, at its most. */
async function growthKib(pid: number, act: () => Promise<void>): Promise<number> {
  const before = residentKib(pid);
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, residentKib(pid));
  }, 50);
  try {
    await act();
  } finally {
    clearInterval(timer);
  }
  return Math.max(most, residentKib(pid)) - before;
}

/** Writes messages until the other side takes no more of them for a while; returns how many were taken. */
async function writeUntilStuck(host: WireHost, message: () => Message, most: number): Promise<number> {
  for (let sent = 1; sent <= most; sent++) {
    if (host.stream.write(message())) continue;
    const drained = new Promise((resolve) => host.stream.once("drain", resolve));
    const isDrained = await Promise.race([drained.then(() => true), delay(1_500, false)]);
    if (!isDrained) return sent;
  }
  return Number.POSITIVE_INFINITY;
}

describe("a host that says much and reads nothing", () => {
  it.each<[string, number, (first: number, n: number) => object]>([
    ["heartbeats", 1_000, (_first, n) => ({ event: { case: "heartbeat", value: { nonce: BigInt(n) } } })],
    [
      "results of leases that are not its own",
      500,
      (first, n) => ({ seq: BigInt(first + n + 1), event: { case: "complete", value: { leaseId: "rnobody.0.1" } } }),
    ],
  ])("%s: it is not read any further", async (_name, perMessage, eventOf) => {
    const { pid } = world.scheduler;
    const proxy = await FaultProxy.start(world.address);
    const wire = new Wire(proxy.address);
    const other = new Wire(world.address);
    try {
      const host = wire.host();
      await host.hello({ hostId: `deaf-${perMessage}`, instanceId: "deaf-instance" });
      proxy.freeze("down");
      let first = 0;
      const batch = (): Message => {
        const events = Array.from({ length: perMessage }, (_, n) => eventOf(first, n));
        first += perMessage;
        return create(WorkRequestSchema, { events } as never);
      };
      const bytes = toBinary(WorkRequestSchema, batch() as never).length;
      let taken = 0;
      const grown = await growthKib(pid, async () => {
        taken = await writeUntilStuck(host, batch, inForm(2_000, 10_000));
      });
      figure("taken from a host that reads nothing, until it was not read any further", (taken * bytes) / 1024, "KiB");
      figure("memory that the scheduler took meanwhile, at most", grown / 1024, "MiB");
      expect(taken).toBeLessThan(Number.POSITIVE_INFINITY);
      expect(grown).toBeLessThan(SLACK_KIB);
      // Others are served, and the deaf one too, once it listens.
      await other.host().hello({ hostId: `other-${perMessage}`, instanceId: "other-instance" });
      proxy.heal();
      await host.next(perMessage === 500 ? "receipts" : "heartbeatAck");
    } finally {
      wire.close();
      other.close();
      await proxy.stop();
    }
  });
});

it("a host that does not read its leases: those that wait cost what their runs cost, once", async () => {
  const proxy = await FaultProxy.start(world.address);
  const client = world.client();
  const host = await world.host("stuck", 500, { address: proxy.address });
  try {
    proxy.freeze("down");
    const count = inForm(300, 1_000);
    const input = { length: 10, much: "x".repeat(50_000) };
    const runs: string[] = [];
    const grown = await growthKib(world.scheduler.pid, async () => {
      while (runs.length < count) runs.push(...(await world.runs(client, "echo", 50, input)));
    });
    const sizeKib = (count * 50_000) / 1024;
    figure(
      "memory of the scheduler for leases that are not read",
      grown / 1024,
      `MiB, for ${Math.round(sizeKib / 1024)} MiB`,
    );
    expect(grown).toBeLessThan(3 * sizeKib + SLACK_KIB);
    proxy.heal();
    for (const runId of runs) expect((await client.wait(runId)).status).toBe("SUCCEEDED");
  } finally {
    await host.end();
    await proxy.stop();
  }
});

it("a scheduler that does not read results: its host holds what its slots hold", async () => {
  const proxy = await FaultProxy.start(world.address);
  const client = world.client();
  const slots = 40;
  const host = await world.host("unheard", slots, { address: proxy.address });
  try {
    proxy.freeze("up");
    let runs: string[] = [];
    const grown = await growthKib(host.pid, async () => {
      runs = await world.runs(client, "echo", 3 * slots, { length: 500_000 });
      await host.until("executes", undefined, slots);
      await delay(1_000);
    });
    figure(`memory of a host with ${slots} results of 500 kB that nobody reads`, grown / 1024, "MiB");
    expect(grown).toBeLessThan(3 * slots * 500 + SLACK_KIB);
    expect(host.executed).toHaveLength(slots);
    proxy.heal();
    for (const runId of runs) expect((await client.wait(runId)).status).toBe("SUCCEEDED");
  } finally {
    await host.end();
    await proxy.stop();
  }
});

it("a watcher that does not read: the log waits on disk", async () => {
  const client = world.client();
  const host = await world.host("busy", 200);
  const leaves = [await stalledWatcher(world.address, "socket"), await stalledWatcher(world.address, "stream")];
  try {
    const grown = await growthKib(world.scheduler.pid, async () => {
      for (let round = 0; round < inForm(4, 40); round++) {
        const runs = await world.runs(client, "load", 100);
        for (const runId of runs) await client.wait(runId);
      }
    });
    figure("memory of the scheduler while two watchers read nothing", grown / 1024, "MiB");
    expect(grown).toBeLessThan(SLACK_KIB);
  } finally {
    for (const leave of leaves) leave();
    await host.end();
  }
});
