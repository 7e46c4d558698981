/** P6 at scale: a scheduler is started again, and everybody comes back at once. */
import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Client } from "cloaca";
import { expect, it } from "vitest";
import type { FaultHost } from "../support/fault-host.js";
import { inWorld } from "../support/fault-world.js";
import { figure } from "../support/figures.js";
import { inForm } from "../support/form.js";
import { logFacts } from "../support/log-facts.js";

const program = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url));
const TTL_MS = 15_000;

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

interface Welcomed {
  readonly type: "welcomed";
  readonly resumed: boolean;
  readonly dialledAt: number;
  readonly at: number;
}

/** What the process of many hosts has said. */
class ManyHosts {
  readonly child: ChildProcess;
  readonly welcomed: Welcomed[] = [];
  executed = 0;
  #wake = (): void => {};

  constructor(address: string, hosts: number) {
    const args = [JSON.stringify({ address, hosts })];
    this.child = fork(program("many-hosts.mjs"), args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.child.on("message", (said: Welcomed | { readonly type: "executes" }) => {
      if (said.type === "executes") this.executed++;
      else this.welcomed.push(said);
      this.#wake();
    });
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** All runs end well, each task with its first lease. */
async function expectOneExecutionEach(client: Client, runs: readonly string[]): Promise<void> {
  for (let from = 0; from < runs.length; from += 200) {
    const some = await Promise.all(runs.slice(from, from + 200).map((runId) => client.wait(runId)));
    expect(new Set(some.map(({ status }) => status))).toEqual(new Set(["SUCCEEDED"]));
  }
  const { taskRuns } = await logFacts(client);
  const again = runs.filter((runId) => taskRuns.get(`${runId}.0`)?.leased.length !== 1);
  expect(again).toEqual([]);
}

const HOSTS = inForm(200, 1_000);

it(`${HOSTS} hosts come back spread over their backoff, and keep their leases`, { timeout: 180_000 }, () =>
  inWorld({ ttlMs: TTL_MS }, async (world) => {
    const many = new ManyHosts(world.address, HOSTS);
    try {
      await many.until(() => many.welcomed.length === HOSTS);
      const runs = await world.runs(world.client(), "many", HOSTS);
      await many.until(() => many.executed === HOSTS);
      await world.scheduler.end("SIGKILL");
      await world.restart();
      const startedAt = nowMs();
      await many.until(() => many.welcomed.length === 2 * HOSTS);

      const back = many.welcomed.slice(HOSTS);
      expect(back.filter(({ resumed }) => !resumed)).toEqual([]);
      const dialled = back.map(({ dialledAt }) => dialledAt).sort((a, b) => a - b);
      const at = (part: number): number => dialled[Math.floor(part * (HOSTS - 1))] ?? 0;
      const most = Math.max(...dialled.map((from) => dialled.filter((t) => t >= from && t < from + 100).length));
      figure("hosts that came back after a restart", HOSTS, "hosts");
      figure("their dials: from the 5th to the 95th percentile", at(0.95) - at(0.05), "ms");
      figure("most of them within 100 ms", (100 * most) / HOSTS, "%");
      figure(
        "the last one welcomed after the scheduler listened",
        Math.max(...back.map((b) => b.at)) - startedAt,
        "ms",
      );
      expect(at(0.95) - at(0.05)).toBeGreaterThan(100);
      expect(most).toBeLessThan(0.75 * HOSTS);
      many.child.send("release");
      await expectOneExecutionEach(world.client(), runs);
      expect(many.executed).toBe(HOSTS);
    } finally {
      many.child.kill("SIGKILL");
    }
  }),
);

/** Leases that hold a slot, and as many that are deferred. */
const HELD = inForm(500, 5_000);
const WINDOW_MS = 250;
/** Of what ran before. */
const FULL = 0.8;

it(
  `with ${HELD} leases and ${HELD} deferrals held, a restarted scheduler is at full speed in time`,
  { timeout: 300_000 },
  () =>
    inWorld({ ttlMs: TTL_MS }, async (world) => {
      const holding = await world.host("holding", HELD);
      const client = world.client();
      const runs: string[] = [];
      for (const workflow of ["park", "hold"]) {
        for (let n = 0; n < HELD; n += 500) runs.push(...(await world.runs(client, workflow, 500, { poll: 2_000 })));
        await holding.until("executes", ({ task }) => task === workflow, HELD);
      }
      const flowing = await world.host("flowing", 50);
      const load = fork(program("load-client.mjs"), [JSON.stringify({ address: world.address, window: 100 })], {
        stdio: ["ignore", "inherit", "inherit", "ipc"],
      });
      try {
        await flowing.until("executes", undefined, inForm(500, 5_000));
        await delay(2_000);
        const killedAt = performance.now();
        const before = rate(flowing, killedAt - 2_000, 2_000);
        await world.scheduler.end("SIGKILL");
        const startedAt = performance.now();
        await world.restart();
        const listensAt = performance.now();
        const fullAt = await fullSpeed(flowing, listensAt, FULL * before);
        const welcome = await holding.until("log", ({ event }) => event === "host_connected", 2);
        expect(welcome.fields["resumed"]).toBe(true);
        figure(`tasks a second before, with ${HELD} leases and ${HELD} deferrals held`, before, "tasks/s");
        figure("from the start of the scheduler's process until it listens", listensAt - startedAt, "ms");
        figure("from then until the host with all of them has its Welcome", welcome.at - listensAt, "ms");
        figure(`from when it listens until ${100 * FULL} % of that speed`, fullAt - listensAt, "ms");
        // Not from the start of the process: how long it takes until it listens is told above.
        expect(fullAt - listensAt).toBeLessThanOrEqual(inForm(10_000, 2_000));
        // Slots that get free are not to be filled with the load.
        load.kill("SIGKILL");
        holding.release();
        await expectOneExecutionEach(world.client(), runs);
        const own = holding.said.filter((s) => s.type === "executes" && (s.task === "hold" || s.task === "park"));
        expect(own).toHaveLength(2 * HELD);
      } finally {
        load.kill("SIGKILL");
      }
    }),
);

/** Executions a second that began in a time. */
function rate({ said }: FaultHost, from: number, lengthMs: number): number {
  const begun = said.filter((s) => s.type === "executes" && s.at >= from && s.at < from + lengthMs);
  return (begun.length * 1_000) / lengthMs;
}

/** When the host begins as many tasks a second as wanted, for a quarter of a second. */
async function fullSpeed(host: FaultHost, from: number, wanted: number): Promise<number> {
  for (let at = from; at < from + 30_000; at += WINDOW_MS / 5) {
    await delay(Math.max(0, at + WINDOW_MS - performance.now()));
    if (rate(host, at, WINDOW_MS) >= wanted) return at;
  }
  throw new Error(`no ${wanted} tasks a second within 30 s`);
}
