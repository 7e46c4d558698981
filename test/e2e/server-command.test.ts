/** `cloaca server`: what it refuses, with which words and exit code, and how it ends. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HostService, LeaseState, RunService, RunStatus, WorkflowService } from "@cloaca/protocol";
import { VERSION } from "@cloaca/server";
import { status } from "@grpc/grpc-js";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SchedulerProcess } from "../support/scheduler-process.js";
import { stalledWatcher } from "../support/stalled-watcher.js";
import { Wire } from "../support/wire.js";

const ONE = { definitions: [{ name: "one", tasks: [{ id: "a" }] }], implementations: [{ workflow: "one" }] };

let folder: string;
const running: SchedulerProcess[] = [];
const wires: Wire[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cloaca-command-"));
});

afterEach(async () => {
  for (const wire of wires.splice(0)) wire.close();
  for (const scheduler of running.splice(0)) await scheduler.end("SIGKILL");
  rmSync(folder, { recursive: true });
});

async function start(store: string): Promise<{ scheduler: SchedulerProcess; wire: Wire }> {
  const scheduler = await SchedulerProcess.start(store);
  running.push(scheduler);
  const wire = new Wire(scheduler.address);
  wires.push(wire);
  return { scheduler, wire };
}

/** It ends with the exit code, a message for people, and nothing for programmers. */
async function expectRefused(
  args: readonly string[],
  words: readonly (string | RegExp)[],
  env: Readonly<Record<string, string>> = {},
  exitCode = 1,
): Promise<void> {
  const { code, stdout, stderr } = await SchedulerProcess.run(["server", ...args], env);
  for (const word of words) expect(stderr).toMatch(word);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr).toMatch(/\n {2}cloaca server --help {3}/);
  expect([code, stdout]).toEqual([exitCode, ""]);
}

/** The command line is wrong, or the environment. */
const expectUsage = (
  args: readonly string[],
  words: readonly (string | RegExp)[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> => expectRefused(args, words, env, 2);

describe("cloaca server refuses", () => {
  it.each<[string, string[], RegExp[]]>([
    ["an unknown flag, with the nearest one", ["--adress", "x"], [/unknown option '--adress'/, /--address/]],
    ["an address without a port", ["--address", "localhost"], [/--address/, /Expected host:port/]],
    ["a port that is none", ["--address", "127.0.0.1:70000"], [/Expected host:port/]],
    ["a store that it does not have", ["--store", "postgres://db"], [/--store/, /memory: or sqlite:\/\//]],
    ["a store without a path", ["--store", "sqlite://"], [/memory: or sqlite:\/\//]],
    ["a log level that is none", ["--log-level", "loud"], [/Allowed choices are fatal, error, warn, info/]],
    ["a log format that is none", ["--log-format", "xml"], [/Allowed choices are auto, json, pretty/]],
    ["a TTL that is no number", ["--session-ttl-ms", "1e9"], [/whole number from 1000 to 3600000/]],
    ["a TTL below the least", ["--session-ttl-ms", "999"], [/whole number from 1000 to 3600000/]],
    [
      "limits that do not fit together",
      ["--max-patch-bytes", "4194304"],
      [/--max-message-bytes 4194304 must be more than/],
    ],
    ["an origin with a path", ["--allow-origin", "https://page.example/"], [/--allow-origin/, /without a path; or \*/]],
    ["a duration without a unit", ["--keep-runs-for", "30"], [/--keep-runs-for/, /and a unit \(ms, s, m, h or d\)/]],
    ["a duration that is too short", ["--keep-runs-for", "10ms"], [/at least 1s/]],
    ["a count below none", ["--keep-runs", "-1"], [/--keep-runs/, /whole number from 0 to/]],
    ["an argument too many", ["now"], [/too many arguments/]],
  ])("%s", async (_name, args, words) => expectUsage(args, words));

  it("what a flag refuses also in the environment, and names the variable", () =>
    expectUsage([], [/CLOACA_STORE/, /memory: or sqlite:\/\//], { CLOACA_STORE: "runs.db" }));

  it("how long runs are kept, from the environment, too", async () => {
    await expectUsage([], [/CLOACA_KEEP_RUNS_FOR/, /for example 30d/], { CLOACA_KEEP_RUNS_FOR: "a month" });
    await expectUsage([], [/CLOACA_KEEP_RUNS/, /whole number/], { CLOACA_KEEP_RUNS: "all" });
  });

  it("a switch that is neither on nor off", () =>
    expectUsage([], [/--check-books/, /'maybe' from env 'CLOACA_CHECK_BOOKS'/, /true, on, 0, false or off/], {
      CLOACA_CHECK_BOOKS: "maybe",
    }));

  it("an address that another process listens on; that one goes on", async () => {
    const { scheduler, wire } = await start("memory:");
    await expectRefused(
      ["--address", scheduler.address, "--store", "memory:"],
      [/ADDRESS_IN_USE/, new RegExp(scheduler.address), /name another/],
    );
    expect((await wire.call(RunService.method.listRuns, {})).runs).toEqual([]);
  });

  it("an address that something else listens on", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const bound = other.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : 0;
    await expectRefused(["--address", `127.0.0.1:${port}`, "--store", "memory:"], [/ADDRESS_IN_USE/]);
    await new Promise((resolve) => other.close(resolve));
  });

  it("an address that is not this machine's", () =>
    expectRefused(
      ["--address", "192.0.2.1:7233", "--store", "memory:"],
      [/REQUEST_INVALID: cannot listen on 192\.0\.2\.1/],
    ));

  it("a store that another scheduler has open, and names its process; that one goes on", async () => {
    const store = `sqlite://${join(folder, "runs.db")}`;
    const { scheduler, wire } = await start(store);
    await expectRefused(
      ["--address", "127.0.0.1:0", "--store", store],
      [/STORE_IN_USE/, new RegExp(`pid ${scheduler.pid}\\b`), /runs\.db/],
    );
    expect((await wire.call(RunService.method.listRuns, {})).runs).toEqual([]);
    // It has freed it when it has ended.
    expect((await scheduler.end("SIGTERM")).code).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(["runs.db", "runs.db.lock"]);
    await start(store);
  });

  it.each<[string, (file: string) => void, RegExp[]]>([
    [
      "a file that is not a database",
      (file) => writeFileSync(file, "hello ".repeat(500)),
      [/STORE_NOT_A_DATABASE/, /not a SQLite/],
    ],
    [
      "another program's database",
      (file) => database(file, (db) => db.exec("CREATE TABLE recipes (name TEXT)")),
      [/STORE_NOT_A_DATABASE/, /another program/],
    ],
    [
      "a store of a newer version",
      (file) =>
        database(file, (db) => {
          db.pragma("application_id = 0x636c6f61");
          db.pragma("user_version = 99");
        }),
      [/STORE_NEWER/, /version 99/],
    ],
    ["a folder", (file) => mkdirSync(file), [/STORE_NOT_A_DATABASE/, /not a file/]],
  ])("%s", async (_name, make, words) => {
    const file = join(folder, "runs.db");
    make(file);
    await expectRefused(["--address", "127.0.0.1:0", "--store", `sqlite://${file}`], [...words, /runs\.db/]);
  });

  it("a file in a folder that is not there", () =>
    expectRefused(
      ["--address", "127.0.0.1:0", "--store", `sqlite://${join(folder, "no", "runs.db")}`],
      [/STORE_UNAVAILABLE/, /does not exist; create it first/],
    ));
});

function database(file: string, write: (db: Database.Database) => void): void {
  const db = new Database(file);
  write(db);
  db.close();
}

describe("cloaca", () => {
  it("without a command says how to start a scheduler, where none answers", async () => {
    const { code, stderr } = await SchedulerProcess.run([], { CLOACA_ADDRESS: "127.0.0.1:1" });
    expect(code).toBe(4);
    expect(stderr).toMatch(/no scheduler answers at 127\.0\.0\.1:1 .*\n {2}cloaca server /);
  });

  it("refuses a command that it does not have", async () => {
    const { code, stderr } = await SchedulerProcess.run(["sever"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/unknown command 'sever'; did you mean server\?/);
  });

  it("says its version", async () => {
    const { code, stdout } = await SchedulerProcess.run(["--version"]);
    expect([code, stdout]).toEqual([0, VERSION]);
  });

  it("server --help names every setting with its variable and default", async () => {
    const { code, stdout } = await SchedulerProcess.run(["server", "--help"]);
    expect(code).toBe(0);
    for (const name of [
      "ADDRESS",
      "STORE",
      "LOG_LEVEL",
      "LOG_FORMAT",
      "SESSION_TTL_MS",
      "MAX_MESSAGE_BYTES",
      "ALLOW_ORIGIN",
    ]) {
      expect(stdout).toContain(`CLOACA_${name}`);
    }
    expect(stdout).toMatch(/127\.0\.0\.1:7233/);
  });
});

/** A session by Exchange, as the next poll names it. */
async function exchangeSession(wire: Wire) {
  const value = { protocolMin: 1, protocolMax: 1, hostId: "me", instanceId: "me-by-hand" };
  const hello = { events: [{ event: { case: "hello" as const, value } }] };
  const { events, responseId } = await wire.call(HostService.method.exchange, hello);
  const welcome = events[0]?.event;
  if (welcome?.case !== "welcome") throw new Error("no welcome");
  const { sessionId, resumeToken } = welcome.value;
  return { sessionId, resumeToken, ackResponseId: responseId, waitMs: 60_000 };
}

describe.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  it("ends in order: hosts are told when to come again, their leases stay, and the exit code is 0", async () => {
    const store = `sqlite://${join(folder, "runs.db")}`;
    const { scheduler, wire } = await start(store);
    const host = wire.host();
    const welcome = await host.hello(ONE);
    const { runId } = await wire.call(RunService.method.startRun, { run: { workflow: "one" } });
    const lease = await host.next("lease");
    const ending = scheduler.end(signal);
    const drain = await host.next("drain");
    expect(drain).toMatchObject({ reconnect: true, reconnectAfterMs: expect.any(Number) });
    expect((await host.ended).code).toBe(status.OK);
    expect(await ending).toMatchObject({ code: 0, signal: null, stderr: "" });
    expect(scheduler.logs.at(-1)?.event).toBe("server_stopped");

    const { wire: after } = await start(store);
    const again = after.host();
    const { resumed, verdicts } = await again.hello({
      ...ONE,
      resumeToken: welcome.resumeToken,
      heldLeases: [{ leaseId: lease.leaseId, state: LeaseState.HELD }],
    });
    expect([resumed, verdicts[0]?.state]).toEqual([true, LeaseState.HELD]);
    again.say({ case: "complete", value: { leaseId: lease.leaseId } });
    const { run } = await after.call(RunService.method.getRun, { runId, waitMs: 10_000 });
    expect(run?.status).toBe(RunStatus.SUCCEEDED);
  });

  it("does not wait for watchers, waiting calls and connections that never said hello", async () => {
    const { scheduler, wire } = await start("memory:");
    const host = wire.host();
    await host.hello(ONE);
    const silent = wire.host();
    const { runId } = await wire.call(RunService.method.startRun, { run: { workflow: "one" } });
    const waiting = wire.call(RunService.method.getRun, { runId, waitMs: 60_000 });
    const polling = wire.call(HostService.method.exchange, await exchangeSession(wire));
    const watching = wire.stream(RunService.method.watchRuns, {});
    const responses = watching[Symbol.asyncIterator]();
    // The first one says that it watches.
    await responses.next();
    const watched = responses.next().catch((error: unknown) => error);
    expect((await scheduler.end(signal)).code).toBe(0);
    expect((await silent.ended).code).not.toBe(status.OK);
    // They are answered, not cut: those who wait for a run get it as it is, who watches is told to come again.
    expect((await waiting).run?.runId).toBe(runId);
    expect((await polling).events.map(({ event }) => event.case)).toEqual(["drain"]);
    expect(await watched).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining("shuts down") });
  });
});

describe("SIGTERM while a watcher reads nothing", () => {
  it.each(["stream", "socket"] as const)("cuts one that does not read its %s", async (what) => {
    const { scheduler, wire } = await start("memory:");
    const close = await stalledWatcher(scheduler.address, what);
    const tasks = Array.from({ length: 100 }, (_, n) => ({ id: `t${n}` }));
    await wire.call(WorkflowService.method.registerWorkflow, { definition: { name: "wide", tasks } });
    // More events than any buffer between the two holds.
    for (let n = 0; n < 5; n++) {
      await wire.call(RunService.method.startRuns, {
        runs: Array.from({ length: 1_000 }, () => ({ workflow: "wide" })),
      });
    }
    expect(await scheduler.end("SIGTERM")).toMatchObject({ code: 0, signal: null, stderr: "" });
    close();
  });
});

describe("a disk that does not take a commit", () => {
  it("ends the scheduler, which has promised nothing of it; the next one goes on from what is there", async () => {
    const store = `sqlite://${join(folder, "runs.db")}`;
    const { scheduler, wire } = await start(store);
    const definition = { name: "one", tasks: [{ id: "a" }] };
    await wire.call(WorkflowService.method.registerWorkflow, { definition });
    const { runId } = await wire.call(RunService.method.startRun, { run: { workflow: "one" } });
    expect((await scheduler.end("SIGTERM")).code).toBe(0);

    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(FAILING_SYNC)}` };
    const failing = await SchedulerProcess.startWith(store, [], env);
    running.push(failing);
    const other = new Wire(failing.address);
    wires.push(other);
    const started = other.call(RunService.method.startRun, { run: { workflow: "one" } });
    await expect(started).rejects.toMatchObject({ code: status.UNAVAILABLE });
    expect(await failing.ended).toMatchObject({ code: 1, stderr: "" });
    const lost = failing.logs.find(({ event }) => event === "store_lost");
    expect(lost?.["error"]).toMatch(/EIO.*start it anew/);

    const next = await start(store);
    expect((await next.wire.call(RunService.method.getRun, { runId })).run?.runId).toBe(runId);
  });
});

/** Breaks fdatasync, as a disk that is about to die does. */
const FAILING_SYNC = `
  import fs from "node:fs";
  import { syncBuiltinESMExports } from "node:module";
  fs.fdatasyncSync = () => { throw new Error("EIO: i/o error, fdatasync"); };
  syncBuiltinESMExports();
`;
