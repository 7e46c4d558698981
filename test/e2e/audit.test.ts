/** `cloaca audit`, of a scheduler that runs and of a store's file. */
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { Client, Host, workflow } from "cloaca";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { backToVersion4 } from "../../server/src/store/contract/older-files.js";
import { cloaca } from "../support/cli.js";
import { SchedulerProcess } from "../support/scheduler-process.js";
import { newSignal } from "../support/signal.js";

interface Report {
  readonly ok: boolean;
  readonly runs: number;
  readonly events: number;
  readonly leases: number;
  readonly liveRuns: number;
  readonly heldSlots: number;
  readonly unknownSlots: number;
  readonly breachCount: number;
  readonly breaches: readonly { kind: string; runId: string; eventSeq: number; found: string; right: string }[];
}

describe("cloaca audit", () => {
  let folder: string;
  let file: string;
  let scheduler: SchedulerProcess;
  let client: Client;
  const closing: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-audit-"));
    file = join(folder, "runs.db");
    scheduler = await SchedulerProcess.start(`sqlite://${file}`, "--check-books");
    client = new Client({ url: `grpc://${scheduler.address}` });
  });

  afterEach(async () => {
    client.close();
    for (const close of closing.splice(0).reverse()) await close();
    await scheduler.end("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  /** Runs of all kinds, one of which goes on and holds a slot, and one that is deferred. */
  async function load(): Promise<{ goOn: () => void }> {
    const [told, isHeld, waits] = [newSignal(), newSignal(), newSignal()];
    const failed = new Set<unknown>();
    const pair = workflow<{ n: number }>("pair", ({ task }) => {
      const a = task({ id: "a", retryAttempts: 1, retryDelayMs: 1 }, async (context, handle) => {
        const n = context.get("n");
        if (Number(n) % 3 === 0 && !failed.has(n)) {
          failed.add(n);
          throw new Error("again");
        }
        await handle.deferUntil(() => true, { pollIntervalMs: 5 });
        return { a: 1 };
      });
      task({ id: "b", dependencies: [a] }, () => ({ b: 1 }));
    });
    const broken = workflow("broken", ({ task }) => {
      const a = task({ id: "a" }, () => {
        throw new Error("no");
      });
      task({ id: "rest", dependencies: [a] }, () => {});
    });
    const held = workflow("held", ({ task }) => {
      task({ id: "hold" }, async () => {
        isHeld.tell();
        await told.told;
      });
    });
    const waiting = workflow("waiting", ({ task }) => {
      task({ id: "wait" }, async (_context, handle) => {
        await handle.deferUntil(
          () => {
            waits.tell();
            return told.isTold;
          },
          { pollIntervalMs: 5 },
        );
      });
    });
    const url = `grpc://${scheduler.address}`;
    for (const hostId of ["one", "two"]) {
      const host = new Host({ url, hostId, slots: 3 }).register(pair).register(broken).register(held).register(waiting);
      const served = host.run();
      await host.ready();
      closing.push(async () => {
        await host.drain(0);
        await served;
      });
    }
    const started = await client.startMany(
      pair,
      Array.from({ length: 60 }, (_, n) => ({ n })),
    );
    const ended = await client.start(broken);
    for (const run of started)
      if (!(run instanceof Error)) expect((await client.wait(run.runId)).status).toBe("SUCCEEDED");
    await client.wait(ended.runId);
    await client.retry(ended.runId);
    await client.wait(ended.runId);
    await client.start(held);
    await client.start(waiting);
    await Promise.all([isHeld.told, waits.told]);
    return { goOn: () => told.tell() };
  }

  const audit = async (...args: readonly string[]): Promise<{ code: number | null; report: Report; text: string }> => {
    const env = { CLOACA_ADDRESS: scheduler.address };
    const { code, stdout, stderr } = await cloaca(["audit", "--json", ...args], env);
    expect(stderr).toBe("");
    const { stdout: text } = await cloaca(["audit", ...args], env);
    return { code, report: JSON.parse(stdout) as Report, text };
  };

  const RIGHT = { ok: true, runs: 63, liveRuns: 2, heldSlots: 1, unknownSlots: 0, breachCount: 0, breaches: [] };

  it("finds the books right: of the scheduler over the wire, of its file meanwhile, of a copy", async () => {
    const { goOn } = await load();
    const wire = await audit();
    expect([wire.code, wire.report]).toEqual([0, expect.objectContaining(RIGHT)]);
    expect(wire.report.leases).toBeGreaterThan(120);
    expect(wire.text).toMatch(
      /✓ the books are right .*\n {2}63 runs · [\d,]+ events · .* 2 runs go on and hold 1 slot/,
    );

    const live = await audit("--store", `sqlite://${file}`);
    expect([live.code, live.report]).toEqual([0, { ...wire.report, source: file, purgedRuns: 0 }]);

    const copy = join(folder, "copy.db");
    const db = new Database(file, { readonly: true });
    await db.backup(copy);
    db.close();
    const before = { names: readdirSync(folder).sort(), bytes: readFileSync(copy), changed: statSync(copy).mtimeMs };
    chmodSync(copy, 0o444);
    const ofCopy = await audit("--store", `sqlite:${copy}`);
    expect([ofCopy.code, ofCopy.report]).toEqual([0, { ...wire.report, source: copy, purgedRuns: 0 }]);
    // Nothing is changed, and nothing is left beside it.
    expect(readdirSync(folder).sort()).toEqual(before.names);
    expect(readFileSync(copy)).toEqual(before.bytes);
    expect(statSync(copy).mtimeMs).toBe(before.changed);

    // Nor is the scheduler in the way, or disturbed.
    goOn();
    expect((await client.list({ statuses: ["RUNNING"] })).runs.length).toBeLessThanOrEqual(2);
    expect(scheduler.logs.filter(({ event }) => event === "books_wrong" || event === "turn_failed")).toEqual([]);
  });

  it("finds what somebody has changed in a file, with exit code 1, and says what would be right", async () => {
    const { goOn } = await load();
    goOn();
    for (const { runId } of (await client.list({ pageSize: 1_000 })).runs) await client.wait(runId);
    for (const close of closing.splice(0).reverse()) await close();
    expect((await scheduler.end("SIGTERM")).code).toBe(0);
    const forged = join(folder, "forged.db");
    // Texts are read as well as bytes, and can be forged.
    backToVersion4(file);
    const forge = async (...statements: readonly string[]): Promise<Report["breaches"]> => {
      copyFileSync(file, forged);
      const db = new Database(forged);
      for (const statement of statements) expect(db.prepare(statement).run().changes, statement).toBeGreaterThan(0);
      db.close();
      const { code, report, text } = await audit("--store", `sqlite://${forged}`);
      expect([code, report.ok]).toEqual([1, false]);
      expect(report.breachCount).toBeGreaterThanOrEqual(report.breaches.length);
      for (const { kind } of report.breaches.slice(0, 3)) expect(text).toContain(`✗ ${kind}`);
      return report.breaches;
    };
    const one = "(SELECT min(position) FROM events WHERE data LIKE '%TASK_SUCCEEDED%')";
    expect(
      await forge(`UPDATE events SET data = replace(data, '"slotDelta":-1', '"slotDelta":0') WHERE position = ${one}`),
    ).toContainEqual(
      expect.objectContaining({
        kind: "LEASE_SLOTS",
        runId: expect.stringMatching(/^r\w+/),
        eventSeq: expect.any(Number),
        found: expect.stringMatching(/changes held slots by 0/),
        right: expect.stringMatching(/^-1/),
      }),
    );
    expect(await forge(`DELETE FROM events WHERE position = ${one}`)).toContainEqual(
      expect.objectContaining({ kind: "EVENT_SEQ", right: expect.stringMatching(/missing/) }),
    );
    const someRun = "(SELECT max(number) FROM runs WHERE status = 'SUCCEEDED')";
    expect(await forge(`UPDATE runs SET status = 'FAILED' WHERE number = ${someRun}`)).toEqual([
      expect.objectContaining({ kind: "BOOKS", found: "status FAILED in the store", right: "SUCCEEDED by the log" }),
    ]);
    expect(await forge(`DELETE FROM events WHERE run = ${someRun}`)).toEqual([
      expect.objectContaining({ kind: "BOOKS", found: "the run has no log" }),
    ]);
    expect(await forge(`DELETE FROM runs WHERE number = ${someRun}`)).toEqual([
      expect.objectContaining({ kind: "BOOKS", found: expect.stringMatching(/rows of the log are of runs/) }),
    ]);
    expect(await forge("UPDATE events SET data = replace(data, '\"slots\":3', '\"slots\":1')")).toContainEqual(
      expect.objectContaining({ kind: "SESSION_SLOTS", right: expect.stringMatching(/at most 1/) }),
    );
  });

  it("refuses what is no store, without a trace of it", async () => {
    const refuse = async (store: string): Promise<[number | null, string]> => {
      const { code, stderr, stdout } = await cloaca(["audit", "--store", store]);
      expect(stdout).toBe("");
      return [code, stderr];
    };
    expect(await refuse(`sqlite://${join(folder, "none.db")}`)).toEqual([
      3,
      expect.stringMatching(/STORE_NOT_A_DATABASE: .*no such file/),
    ]);
    expect(await refuse("memory:")).toEqual([2, expect.stringMatching(/Expected sqlite:\/\/<path>/)]);
    const other = join(folder, "other.db");
    const db = new Database(other);
    db.exec("CREATE TABLE recipes (name TEXT)");
    db.close();
    expect(await refuse(`sqlite://${other}`)).toEqual([3, expect.stringMatching(/no store of a scheduler/)]);
    const newer = new Database(file.replace("runs", "newer"));
    newer.pragma("application_id = 0x636c6f61");
    newer.pragma("user_version = 99");
    newer.close();
    expect(await refuse(`sqlite://${newer.name}`)).toEqual([3, expect.stringMatching(/STORE_NEWER: .*version 99/)]);
    const both = await cloaca(["audit", "--store", `sqlite://${file}`, "--address", scheduler.address]);
    expect([both.code, both.stderr]).toEqual([2, expect.stringMatching(/a store's file or a scheduler, not both/)]);
    const nobody = await cloaca(["audit"], { CLOACA_ADDRESS: "127.0.0.1:1" });
    expect([nobody.code, nobody.stderr]).toEqual([4, expect.stringMatching(/no scheduler answers/)]);
  });
});
