/** `cloaca server --check-books`: the invariants are checked after every turn, when somebody asks for it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunService } from "@cloaca/protocol";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { backToVersion4 } from "../../server/src/store/contract/older-files.js";
import { SchedulerProcess } from "../support/scheduler-process.js";
import { Wire } from "../support/wire.js";

const ONE = { definitions: [{ name: "one", tasks: [{ id: "a" }] }], implementations: [{ workflow: "one" }] };

describe("cloaca server --check-books", () => {
  let folder: string;
  let file: string;
  const running: SchedulerProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-books-"));
    file = join(folder, "runs.db");
  });

  afterEach(async () => {
    for (const scheduler of running.splice(0)) await scheduler.end("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  async function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<SchedulerProcess> {
    const scheduler = await SchedulerProcess.startWith(`sqlite://${file}`, args, env);
    running.push(scheduler);
    return scheduler;
  }

  /** A store whose books are wrong: a lease belongs to a session that nobody has ever had. */
  async function wrongBooks(): Promise<void> {
    const scheduler = await start([]);
    const wire = new Wire(scheduler.address);
    const host = wire.host();
    await host.hello(ONE);
    await wire.call(RunService.method.startRun, { run: { workflow: "one" } });
    await host.next("lease");
    wire.close();
    await scheduler.end("SIGKILL");
    // Texts are read as well, and can be forged.
    backToVersion4(file);
    const db = new Database(file);
    const tasks = db.prepare<[], string>("SELECT tasks FROM events WHERE tasks IS NOT NULL").pluck().get() ?? "";
    const forged = tasks.replace(/"sessionId":"[^"]+"/, '"sessionId":"s-of-nobody"');
    expect(forged).not.toBe(tasks);
    db.prepare("UPDATE events SET tasks = ? WHERE tasks = ?").run(forged, tasks);
    db.close();
  }

  /** The next turn has run when a start is answered. */
  async function oneTurn(scheduler: SchedulerProcess): Promise<void> {
    const wire = new Wire(scheduler.address);
    await wire.call(RunService.method.startRun, { run: { workflow: "one" } });
    wire.close();
  }

  it.each<[string, string[], Record<string, string>]>([
    ["the flag", ["--check-books"], {}],
    ["the variable", [], { CLOACA_CHECK_BOOKS: "on" }],
  ])("tells by %s what is wrong, and goes on", async (_name, args, env) => {
    await wrongBooks();
    const scheduler = await start(args, env);
    await oneTurn(scheduler);
    const { breach } = await scheduler.log("books_wrong");
    expect(breach).toMatch(/belongs to session s-of-nobody, which is not alive/);
    await oneTurn(scheduler);
    expect((await scheduler.end("SIGTERM")).code).toBe(0);
  });

  it.each<[string, Record<string, string>]>([
    ["by default", {}],
    ["when the variable says off", { CLOACA_CHECK_BOOKS: "off" }],
  ])("looks at nothing %s", async (_name, env) => {
    await wrongBooks();
    const scheduler = await start([], env);
    await oneTurn(scheduler);
    expect((await scheduler.end("SIGTERM")).code).toBe(0);
    expect(scheduler.logs.map(({ event }) => event)).not.toContain("books_wrong");
  });
});
