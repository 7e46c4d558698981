/** P5: a task that ends the process of whoever executes it is stopped at the limit, and its failure tells whom it has killed. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Client, type RunEventInfo, RunFailedError } from "cloaca";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cloaca } from "../support/cli.js";
import { SchedulerProcess } from "../support/scheduler-process.js";
import { nextEvent, readLog } from "../support/use-scheduler.js";

const HOST = fileURLToPath(new URL("../hosts/poison-host.mjs", import.meta.url));
/** Of the losses in the order in which they come. */
const isLoss = ({ type, task, failure }: RunEventInfo): boolean =>
  task === "poison" && (type === "TASK_LOST" || failure?.code === "HOST_LOST");

describe("a task that kills its host", () => {
  let scheduler: SchedulerProcess;
  let client: Client;
  const hosts = new Map<string, ChildProcess>();

  beforeAll(async () => {
    scheduler = await SchedulerProcess.start("memory:", "--check-books", "--session-ttl-ms", "1000");
    client = new Client({ url: `grpc://${scheduler.address}` });
  });

  afterAll(async () => {
    client.close();
    for (const host of hosts.values()) host.kill("SIGKILL");
    expect((await scheduler.end("SIGTERM")).code).toBe(0);
    expect(scheduler.logs.filter(({ event }) => event === "books_wrong" || event === "turn_failed")).toEqual([]);
  });

  async function startHost(name: string): Promise<void> {
    const host = fork(HOST, [scheduler.address, name], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    hosts.set(name, host);
    expect((await once(host, "message"))[0]).toBe("ready");
  }

  const show = (...args: readonly string[]) => cloaca(args, { CLOACA_ADDRESS: scheduler.address });

  it("fails with HOST_LOST at the third one, with the hosts, sessions and times; the fourth host lives", async () => {
    for (const name of ["h1", "h2", "h3"]) await startHost(name);
    const exits = [...hosts.values()].map((host) => once(host, "exit"));
    const before = Date.now();
    const { runId } = await client.start("poisoned");

    // While it goes on, `explain` says what to suspect.
    await nextEvent(client, runId, isLoss);
    const [{ message } = { message: "" }] = (await client.explain(runId, ["poison"])).tasks;
    expect(message).toMatch(/its hosts were lost \([12] of 3 while it ran; the last .* ago\): "h\d"/);

    const error: unknown = await client.result(runId).catch((thrown: unknown) => thrown);
    await startHost("h4");
    if (!(error instanceof RunFailedError)) throw error;
    for (const [code] of await Promise.all(exits)) expect(code).toBe(1);

    const log = await readLog(client, runId);
    const leased = log.filter(({ type, task }) => type === "TASK_LEASED" && task === "poison");
    const lost = log.filter(isLoss);
    expect([leased.length, lost.length]).toEqual([3, 3]);

    const [task, after] = await client.tasks(runId);
    expect(task).toMatchObject({ state: "FAILED", attempt: 1, recovery: 2, fence: 3 });
    expect(after).toMatchObject({ state: "SKIPPED" });
    const losses = task?.failure?.hostLosses ?? [];
    expect(task?.hostLosses).toEqual(losses);
    expect(error.tasks[0]?.failure?.hostLosses).toEqual(losses);
    expect(lost.at(-1)?.failure?.hostLosses).toEqual(losses);
    expect(losses).toEqual(
      lost.map(({ at, hostId, leaseId }) => ({
        hostId,
        leaseId,
        at,
        sessionId: expect.stringMatching(/^s\w+$/),
        attempt: 1,
        slotHeld: true,
        reason: "its session expired",
      })),
    );
    expect(new Set(losses.map(({ hostId }) => hostId))).toEqual(new Set(["h1", "h2", "h3"]));
    expect(new Set(losses.map(({ sessionId }) => sessionId)).size).toBe(3);
    for (const { at } of losses) {
      expect(at.getTime()).toBeGreaterThan(before);
      expect(at.getTime()).toBeLessThanOrEqual(Date.now());
    }
    expect(error.message).toMatch(
      /task "poison": HOST_LOST: 3 hosts were lost while they executed it: "h\d", "h\d", "h\d"/,
    );

    const page = await show("show", runId);
    expect(page.stdout).toContain("HOST_LOST: 3 hosts were lost while they executed it");
    for (const { hostId, sessionId } of losses) {
      expect(page.stdout).toMatch(new RegExp(`${hostId} +${sessionId} +it ran +1 +its session expired`));
    }
    const json = JSON.parse((await show("show", runId, "--json")).stdout) as { tasks: { hostLosses: unknown }[] };
    expect(json.tasks[0]?.hostLosses).toEqual(JSON.parse(JSON.stringify(losses)));
    const why = await show("explain", runId, "poison", "--json");
    expect(JSON.parse(why.stdout)).toMatchObject({
      tasks: [
        {
          reason: "ENDED",
          hosts: losses.map(({ hostId }) => hostId),
          message: expect.stringContaining("3 hosts were lost"),
        },
      ],
    });

    // Others do not suffer from it.
    const { run } = await client.execute("healthy");
    expect(run.status).toBe("SUCCEEDED");
    expect(hosts.get("h4")?.exitCode).toBeNull();
  });
});
