/** Finished runs are purged beside the work, and a scheduler that is killed meanwhile brings it to its end. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunService, WorkflowService } from "@cloaca/protocol";
import Database from "better-sqlite3";
import { Client, RemoteError } from "cloaca";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cloaca } from "../support/cli.js";
import { type LogLine, SchedulerProcess } from "../support/scheduler-process.js";
import { Wire } from "../support/wire.js";

const OFFER = { definitions: [{ name: "small", tasks: [{ id: "only" }] }], implementations: [{ workflow: "small" }] };

describe("a scheduler that keeps some runs", () => {
  let folder: string;
  let file: string;
  const closing: (() => unknown)[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-purge-"));
    file = join(folder, "runs.db");
  });

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    rmSync(folder, { recursive: true });
  });

  async function open(...flags: readonly string[]) {
    const scheduler = await SchedulerProcess.start(`sqlite://${file}`, "--check-books", ...flags);
    closing.push(() => scheduler.end("SIGKILL"));
    const client = new Client({ url: `grpc://${scheduler.address}` });
    closing.push(() => client.close());
    return { scheduler, client };
  }

  /** A host with one slot: runs end in the order in which they began. Returns the token with which it comes back. */
  async function serve({ address }: SchedulerProcess, resumeToken = ""): Promise<string> {
    const wire = new Wire(address);
    closing.push(() => wire.close());
    const host = wire.host();
    const welcome = await host.hello({ ...OFFER, resumeToken });
    const work = async (): Promise<never> => {
      for (;;) {
        const { leaseId } = await host.next("lease");
        // Large enough for a row of its own.
        host.say({ case: "complete", value: { leaseId, patch: { set: { much: JSON.stringify("x".repeat(5_000)) } } } });
      }
    };
    // It ends with its stream.
    work().catch(() => {});
    return welcome.resumeToken;
  }

  async function start(client: Client, count: number): Promise<string[]> {
    const started = await client.startMany(
      "small",
      Array.from({ length: count }, (_, n) => ({ n })),
    );
    return started.map((run) => {
      if (run instanceof Error) throw run;
      return run.runId;
    });
  }

  const listed = async (client: Client): Promise<string[]> =>
    (await client.list({ pageSize: 1_000 })).runs.map(({ runId }) => runId);

  /** Asks again and again until the run is gone. */
  async function gone(client: Client, runId: string): Promise<RemoteError> {
    for (;;) {
      try {
        await client.get(runId);
      } catch (error) {
        if (error instanceof RemoteError && error.code === "RUN_NOT_FOUND") return error;
        throw error;
      }
    }
  }

  function inFile(sql: string): number {
    const db = new Database(file, { readonly: true });
    try {
      return Number(db.prepare(sql).pluck().get());
    } finally {
      db.close();
    }
  }

  function expectNoTrouble(logs: readonly LogLine[]): void {
    expect(logs.filter(({ event }) => /books_wrong|failed/.test(event))).toEqual([]);
  }

  async function expectRight(...where: readonly string[]): Promise<{ runs: number; purgedRuns: number | null }> {
    const { code, stdout, stderr } = await cloaca(["audit", "--json", ...where]);
    expect([code, stderr]).toEqual([0, ""]);
    return JSON.parse(stdout) as { runs: number; purgedRuns: number | null };
  }

  it("killed while it removes a long run: what is left goes after the restart, although all is kept from then on", {
    timeout: 60_000,
  }, async () => {
    const purging = await open("--keep-runs", "3");
    const wire = new Wire(purging.scheduler.address);
    closing.push(() => wire.close());
    const definition = { name: "long", tasks: [{ id: "nobody_has_code_for_it" }] };
    await wire.call(WorkflowService.method.registerWorkflow, { definition });
    const { runId } = await wire.call(RunService.method.startRun, { run: { workflow: "long" } });
    for (let n = 0; n < 1_000; n++) {
      await purging.client.pause(runId);
      await purging.client.resume(runId);
    }
    await purging.client.cancel(runId);
    await serve(purging.scheduler);
    const runs = await start(purging.client, 3);
    await gone(purging.client, runId);
    await purging.scheduler.end("SIGKILL");
    // Out of sight, and not yet removed: an audit that looks at the file does not mind.
    const rows = (): number => inFile("SELECT count(*) FROM events WHERE run = 1");
    expect(inFile("SELECT count(*) FROM unswept")).toBe(1);
    expect(rows()).toBeGreaterThan(100);
    await expectRight("--store", `sqlite://${file}`);

    const after = await open();
    while (inFile("SELECT count(*) FROM unswept") > 0) await after.client.list();
    expect(rows()).toBe(0);
    expect((await gone(after.client, runId)).message).toMatch(/were purged/);
    expect(await listed(after.client)).toEqual([...runs].reverse());
    for (const { logs } of [purging.scheduler, after.scheduler]) expectNoTrouble(logs);
    expect(await expectRight("--store", `sqlite://${file}`)).toMatchObject({ runs: 3, purgedRuns: 1 });
  });

  it("under load, killed in the middle: the newest are left, and the books are right", {
    timeout: 60_000,
  }, async () => {
    const KEEP = 20;
    const first = await open("--keep-runs", `${KEEP}`);
    const token = await serve(first.scheduler);
    const runs = await start(first.client, 150);
    // Some are purged, some are to be, and others have not begun.
    await gone(first.client, runs[0] ?? "");
    await first.scheduler.end("SIGKILL");
    expect(inFile("SELECT count(*) FROM runs")).toBeGreaterThan(KEEP);

    const { scheduler, client } = await open("--keep-runs", `${KEEP}`);
    // What it held it is sent again.
    await serve(scheduler, token);
    runs.push(...(await start(client, 50)));
    expect((await client.wait(runs.at(-1) ?? "")).status).toBe("SUCCEEDED");
    await scheduler.log("runs_purged", (line) => line["purgedRuns"] === runs.length - KEEP);
    expect(await listed(client)).toEqual(runs.slice(-KEEP).reverse());
    expect(inFile("SELECT count(DISTINCT run) FROM events")).toBe(KEEP);
    expect(inFile("SELECT count(DISTINCT run) FROM task_runs")).toBe(KEEP);
    expect(await expectRight("--store", `sqlite://${file}`)).toMatchObject({
      runs: KEEP,
      purgedRuns: runs.length - KEEP,
    });
    expect(await expectRight("--address", scheduler.address)).toMatchObject({ runs: KEEP, purgedRuns: null });
    expectNoTrouble(scheduler.logs);

    const shown = await cloaca(["show", runs[0] ?? "", "--address", scheduler.address]);
    expect([shown.code, shown.stderr]).toEqual([
      3,
      expect.stringMatching(/RUN_NOT_FOUND: namespace "default" has no run ".*"; it may be .* purged \(180 so far\)/),
    ]);
    const retried = await cloaca(["retry", runs[0] ?? "", "--address", scheduler.address]);
    expect([retried.code, retried.stderr]).toEqual([3, expect.stringMatching(/RUN_NOT_FOUND/)]);
  });

  it("purges by age, and a watch from an old cursor goes on with what is there", { timeout: 60_000 }, async () => {
    const { scheduler, client } = await open("--keep-runs-for", "1s");
    await serve(scheduler);
    const [first = ""] = await start(client, 1);
    await client.wait(first);
    let cursor = "";
    for await (const seen of client.watch({ fromStart: true, untilEnd: true })) cursor = seen.cursor;
    const runs = await start(client, 3);
    for (const run of runs) await client.wait(run);
    await scheduler.log("runs_purged", (line) => line["purgedRuns"] === 4);
    expect(await listed(client)).toEqual([]);
    const [next = ""] = await start(client, 1);
    await client.wait(next);
    for (const from of [cursor, ""]) {
      const seen = new Set<string>();
      for await (const { events } of client.watch({ cursor: from, fromStart: true, untilEnd: true })) {
        for (const { runId } of events) seen.add(runId);
      }
      expect([...seen]).toEqual([next]);
    }
  });
});
