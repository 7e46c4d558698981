/** P5: hosts that are killed, and hosts that stand still for less or for longer than their TTL. */
import { setTimeout as delay } from "node:timers/promises";
import { type Client, RunFailedError } from "cloaca";
import { describe, expect, it } from "vitest";
import type { FaultHost } from "../support/fault-host.js";
import { type FaultWorld, inWorld } from "../support/fault-world.js";
import { figure } from "../support/figures.js";
import { inForm } from "../support/form.js";
import { logFacts } from "../support/log-facts.js";

const TTL_MS = 2_000;
const HELD = 10;

/** `victim` holds ten slots and has ten deferrals, and `other` is there too. */
async function held(
  world: FaultWorld,
): Promise<{ client: Client; victim: FaultHost; other: FaultHost; runs: string[] }> {
  const victim = await world.host("victim", HELD);
  const client = world.client();
  // Deferred first: then their slots are free for those that stay.
  const runs = await world.runs(client, "park", HELD);
  await victim.until("executes", ({ task }) => task === "park", HELD);
  runs.push(...(await world.runs(client, "hold", HELD)));
  await victim.until("executes", ({ task }) => task === "hold", HELD);
  return { client, victim, other: await world.host("other", 100), runs };
}

/** How often the tasks of runs were leased. */
async function leases(client: Client, runs: readonly string[]): Promise<number[][]> {
  const { taskRuns } = await logFacts(client);
  return runs.map((runId) => taskRuns.get(`${runId}.0`)?.leased ?? []);
}

describe("a host that is killed under load", () => {
  it("has its tasks executed elsewhere within its TTL and a second", () =>
    inWorld({ ttlMs: TTL_MS }, async (world) => {
      const { client, victim, other, runs } = await held(world);
      const load = await world.runs(client, "load", inForm(100, 1_000));
      await other.until("executes", ({ task }) => task === "last");
      const killedAt = performance.now();
      await victim.end("SIGKILL");
      const { at } = await other.until("executes", ({ task }) => task === "hold" || task === "park", 2 * HELD);
      const tookMs = at - killedAt;
      figure("from a host's SIGKILL until all of its tasks run elsewhere", tookMs, `ms, with a TTL of ${TTL_MS} ms`);
      expect(tookMs).toBeLessThanOrEqual(TTL_MS + 1_000);
      // Not before either: until then it might have come back.
      expect(tookMs).toBeGreaterThan(TTL_MS / 2);
      other.release();
      for (const runId of [...runs, ...load]) expect((await client.wait(runId)).status).toBe("SUCCEEDED");
      expect(await leases(client, runs)).toEqual(runs.map(() => [1, 2]));
      expect(await leases(client, load)).toEqual(load.map(() => [1]));
      expect(world.store).toMatchObject({ duplicates: 0, refused: 0 });
    }));
});

describe("a host that stands still", () => {
  it("for less than its TTL keeps everything; nothing is executed again", () =>
    inWorld({ ttlMs: TTL_MS }, async (world) => {
      const { client, victim, other, runs } = await held(world);
      victim.signal("SIGSTOP");
      await delay(TTL_MS / 2);
      victim.signal("SIGCONT");
      victim.release();
      for (const runId of runs) expect((await client.wait(runId)).status).toBe("SUCCEEDED");
      expect(await leases(client, runs)).toEqual(runs.map(() => [1]));
      expect(victim.executed).toHaveLength(2 * HELD);
      expect(other.executed).toEqual([]);
    }));

  it("for longer loses everything, once: what it does afterwards counts nowhere", () =>
    inWorld({ ttlMs: TTL_MS }, async (world) => {
      const { client, victim, other, runs } = await held(world);
      victim.signal("SIGSTOP");
      await other.until("executes", undefined, 2 * HELD);
      other.release();
      for (const runId of runs) expect((await client.wait(runId)).status).toBe("SUCCEEDED");

      // Its tasks go on at once, before it can know that they are not its own any more.
      victim.release();
      victim.signal("SIGCONT");
      await victim.until("log", ({ event, fields }) => event === "host_connected" && fields["resumed"] === false);
      await victim.until("writes", undefined, HELD);
      const again = await world.runs(client, "load", 5);
      for (const runId of [...runs, ...again]) expect((await client.wait(runId)).status).toBe("SUCCEEDED");

      const { taskRuns } = await logFacts(client);
      for (const runId of runs) {
        const facts = { leased: [1, 2], succeeded: [2], lostWith: ["victim"] };
        expect(taskRuns.get(`${runId}.0`)).toMatchObject(facts);
        expect(world.store.standing(`${runId}.0`)).toBe(2);
      }
      // The slot holders have all written too late; a deferral can be told in time.
      expect(world.store.refused).toBeGreaterThanOrEqual(HELD);
      expect(world.store.duplicates).toBe(0);
      expect(await leases(client, again)).toEqual(again.map(() => [1]));
    }));
});

describe("task code that computes for longer than the TTL", () => {
  it("keeps its lease, also when the scheduler is killed meanwhile", () =>
    inWorld({ ttlMs: TTL_MS }, async (world) => {
      const host = await world.host("computing", 1);
      const [runId = ""] = await world.runs(world.client(), "compute", 1, { ms: inForm(3, 5) * TTL_MS });
      await host.until("executes");
      await delay(TTL_MS);
      await world.scheduler.end("SIGKILL");
      const second = await world.restart();
      // The keep-alive thread speaks for it: its own stream comes back when the computation is over.
      await second.log("session_opened");
      const client = world.client();
      const result = await client.result(runId).catch((error: unknown) => error);
      if (result instanceof RunFailedError) throw result;
      expect(await client.tasks(runId)).toMatchObject([{ attempt: 1, recovery: 0, fence: 1 }]);
      expect(host.executed).toEqual([`${runId}.0.1`]);
      expect(second.logs.map(({ event }) => event)).not.toContain("session_expired");
    }));
});
