/** Clocks that somebody sets: a scheduler counts monotonic time while it runs, and its time never runs backwards over a restart. */
import { setTimeout as delay } from "node:timers/promises";
import { RunEventType, RunService } from "@cloaca/protocol";
import { describe, expect, it } from "vitest";
import { FaultWorld } from "../support/fault-world.js";
import { Wire, type WireHost } from "../support/wire.js";

const HOUR_MS = 3_600_000;
const TTL_MS = 1_000;
const SHIFTED = new URL("../support/shifted-clock.mjs", import.meta.url).href;

function clockEnv(shiftMs: number, jumpMs = 0): Record<string, string> {
  return { NODE_OPTIONS: `--import ${SHIFTED}`, CLOCK_SHIFT_MS: String(shiftMs), CLOCK_JUMP_MS: String(jumpMs) };
}

/** What waits for a time: a retry, the timeout of an attempt, the longest wait of a deferral, the deadline of a run. */
const WAITS = {
  name: "waits",
  tasks: [
    { id: "retries", retry: { attempts: 2, delayMs: 2_000 } },
    { id: "times_out", timeoutMs: 2_000 },
    { id: "defers" },
  ],
};
const OFFER = { definitions: [WAITS], implementations: [{ workflow: "waits" }], slots: 10, requestedTtlMs: 60_000 };

/** The first attempt has failed, the second task runs, the third is deferred. */
async function waiting(wire: Wire): Promise<{ host: WireHost; runId: string; resumeToken: string }> {
  const host = wire.host();
  const { resumeToken } = await host.hello(OFFER);
  const { runId } = await wire.call(RunService.method.startRun, { run: { workflow: "waits" } });
  const leaseOf = (task: string) => host.next("lease", (lease) => lease.task === task);
  const [retries, , defers] = [await leaseOf("retries"), await leaseOf("times_out"), await leaseOf("defers")];
  host.say({ case: "deferUntil", value: { leaseId: defers.leaseId, deferral: 1, maxWaitMs: 2_000 } });
  await host.next("deferred");
  host.say({ case: "fail", value: { leaseId: retries.leaseId, failure: { code: "X" }, transient: true } });
  await host.next("receipts", ({ upTo }) => upTo === 2n);
  return { host, runId, resumeToken };
}

/** Everything that was due in two seconds comes, and nothing waits for an hour. */
async function expectDue(host: WireHost, wire: Wire, runId: string): Promise<void> {
  await host.next("lease", (lease) => lease.task === "retries" && lease.attempt === 2);
  await host.next("cancel", (cancel) => cancel.leaseId === `${runId}.1.1`);
  await host.next("slotGranted", (granted) => granted.leaseId === `${runId}.2.1`);
  const log: { at: bigint; type: RunEventType }[] = [];
  const events = wire.stream(RunService.method.watchRuns, { runId });
  events.on("error", () => {});
  for await (const response of events) {
    for (const event of response.events) log.push({ at: event.at?.seconds ?? 0n, type: event.type });
    if (log.some(({ type }) => type === RunEventType.TASK_RESUMED)) break;
  }
  events.cancel();
  expect(log.map(({ at }) => at)).toEqual(log.map(({ at }) => at).sort());
}

async function withWorld(
  env: Record<string, string>,
  test: (world: FaultWorld, open: () => Wire) => Promise<void>,
): Promise<void> {
  const world = await FaultWorld.start({ ttlMs: TTL_MS, env });
  const wires: Wire[] = [];
  try {
    await test(world, () => {
      const wire = new Wire(world.address);
      wires.push(wire);
      return wire;
    });
  } finally {
    for (const wire of wires) wire.close();
    await world.close();
  }
}

describe("the clock of the machine is set", () => {
  it.each([
    ["forwards", HOUR_MS],
    ["backwards", -HOUR_MS],
  ])("an hour %s while the scheduler runs: no session expires, and what is due in two seconds comes", (_name, jumpMs) =>
    withWorld(clockEnv(0, jumpMs), async (world, open) => {
      const wire = open();
      const { host, runId } = await waiting(wire);
      world.scheduler.child.kill("SIGUSR2");
      await expectDue(host, wire, runId);
      expect(world.scheduler.logs.map(({ event }) => event)).not.toContain("session_expired");
    }),
  );

  it.each([
    ["forwards", HOUR_MS],
    ["backwards", -HOUR_MS],
  ])("an hour %s while no scheduler runs: no session is lost, and what is due in two seconds comes", (_name, shiftMs) =>
    withWorld({}, async (world, open) => {
      const { runId, resumeToken } = await waiting(open());
      await world.scheduler.end("SIGKILL");
      await world.restart(clockEnv(shiftMs));
      const wire = open();
      const host = wire.host();
      // Nobody comes back at once.
      await delay(TTL_MS / 2);
      const heldLeases = [
        { leaseId: `${runId}.1.1`, state: 1 },
        { leaseId: `${runId}.2.1`, state: 3, deferral: 1 },
      ];
      expect(await host.hello({ ...OFFER, resumeToken, heldLeases })).toMatchObject({ resumed: true });
      await expectDue(host, wire, runId);
    }),
  );
});
