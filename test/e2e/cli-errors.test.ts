/** How `cloaca` ends when it cannot do what it was asked: exit codes, words, and a command to run next. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, workflow } from "@cloaca/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLOACA, CliWorld, cloaca, startCloaca } from "../support/cli.js";
import { SchedulerProcess } from "../support/scheduler-process.js";

interface ErrorJson {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly exitCode: number;
    readonly next: readonly { readonly what: string; readonly command: string }[];
  };
}

let world: CliWorld;

beforeAll(async () => {
  world = await CliWorld.start();
});

afterAll(() => world.stop());

/** The last line of an error proposes a command; nothing is on the standard output. */
function expectError(
  ended: { code: number | null; stdout: string; stderr: string },
  code: number,
  words: RegExp,
): void {
  expect(ended.stderr).toMatch(words);
  expect(ended.stderr).not.toMatch(/^\s+at /m);
  expect(ended.stderr.trimEnd().split("\n").at(-1)).toMatch(/^ {2}cloaca .+ {3}\S/);
  expect([ended.code, ended.stdout]).toEqual([code, ""]);
}

describe("a wrong command line is exit code 2", () => {
  it.each<[string, string[], RegExp]>([
    [
      "a command that is not there",
      ["watsh"],
      /unknown command 'watsh'; did you mean watch\?[\s\S]*cloaca watch --help/,
    ],
    [
      "a command with two letters in each other's place",
      ["shwo"],
      /USAGE: unknown command 'shwo'; did you mean show\?/,
    ],
    [
      "help for a command that is not there",
      ["help", "explian"],
      /USAGE: unknown command 'explian'; did you mean explain\?/,
    ],
    [
      "a namespace that is none",
      ["runs", "--namespace", "a b"],
      /USAGE: option '--namespace <name>'[\s\S]*Expected a letter/,
    ],
    [
      "a flag that is not there",
      ["runs", "--stauts", "failed"],
      /unknown option '--stauts'[\s\S]*--status[\s\S]*cloaca runs --help/,
    ],
    ["a missing argument", ["show"], /error: USAGE: missing required argument 'run'[\s\S]*cloaca show --help/],
    ["an argument too many", ["hosts", "all"], /too many arguments[\s\S]*cloaca hosts --help/],
    ["an address that is none", ["runs", "--address", "localhost"], /Expected host:port, for example localhost:7233/],
    ["a status that is none", ["runs", "--status", "done"], /Expected some of pending, running, paused/],
    ["a limit that is none", ["runs", "--limit", "0"], /whole number from 1 to 10000/],
    ["a run and a workflow at once", ["pause", "last", "--workflow", "greet"], /either a run or --workflow/],
    ["neither of them", ["resume"], /either a run or --workflow/],
    ["no version to promote", ["promote", "greet"], /name a version, or --newest/],
    ["a context without a value", ["run", "greet", "--context", "name"], /Expected key=value/],
    [
      "an input that is no object",
      ["run", "greet", "--json-context", "[1]"],
      /--json-context is a list; write an object/,
    ],
    ["a file that is not there", ["run", "greet", "--input", "none.json"], /--input: ENOENT/],
  ])("%s", async (_name, args, words) => {
    expectError(await cloaca(args, { CLOACA_ADDRESS: "127.0.0.1:1" }), 2, words);
  });

  it("a wrong address in the environment, which is named", async () => {
    expectError(
      await cloaca(["runs"], { CLOACA_ADDRESS: "nowhere" }),
      2,
      /CLOACA_ADDRESS is "nowhere"\. Expected host:port/,
    );
  });

  it("as JSON for programs", async () => {
    const { code, stderr, stdout } = await cloaca(["runs", "--json", "--limit", "x"]);
    const { error } = JSON.parse(stderr) as ErrorJson;
    expect(error).toMatchObject({ code: "USAGE", exitCode: 2, next: [{ command: "cloaca runs --help" }] });
    expect([code, stdout]).toEqual([2, ""]);
  });

  it("as JSON also where the environment is wrong", async () => {
    const { code, stderr } = await cloaca(["runs", "--json"], { CLOACA_NAMESPACE: "a b" });
    const { error } = JSON.parse(stderr) as ErrorJson;
    expect(error).toMatchObject({
      code: "USAGE",
      exitCode: 2,
      message: expect.stringMatching(/^CLOACA_NAMESPACE is "a b"\./),
    });
    expect(code).toBe(2);
  });
});

describe("what the scheduler refuses is exit code 3", () => {
  it.each<[string, string[], RegExp]>([
    [
      "a run that is not there",
      ["show", "nothing-like-it"],
      /RUN_NOT_FOUND: no run's id is, or begins with, "nothing-like-it"[\s\S]*cloaca runs/,
    ],
    ["a workflow that is not there", ["run", "great"], /WORKFLOW_NOT_FOUND[\s\S]*cloaca workflows/],
    [
      "a host that is not there",
      ["drain", "workers"],
      /HOST_NOT_FOUND[\s\S]*did you mean "worker"\?[\s\S]*cloaca hosts/,
    ],
    ["a version that is not there", ["promote", "greet", "zz"], /WORKFLOW_VERSION_NOT_FOUND[\s\S]*cloaca workflows/],
    ["a page that is not there", ["runs", "--page", "??"], /PAGE_TOKEN_INVALID[\s\S]*cloaca runs/],
    [
      "a namespace's run in another one",
      ["show", "last", "--namespace", "other"],
      /there is no run yet[\s\S]*cloaca workflows --namespace other/,
    ],
  ])("%s", async (_name, args, words) => expectError(await world.refused(...args), 3, words));

  it("a task that is not there; the run that was meant is named", async () => {
    const runId = await world.start("greet");
    expectError(
      await world.refused("explain", "last", "nope"),
      3,
      new RegExp(`TASK_NOT_FOUND: [^\n]*"nope"\n {2}cloaca show ${runId} `),
    );
  });

  it("an id with a slip of the hand; the nearest one is named", async () => {
    const runId = await world.start("greet", "--wait");
    const slip = `${runId.slice(0, -2)}__`;
    expectError(
      await world.refused("watch", slip),
      3,
      new RegExp(`did you mean ${runId}\\?[\\s\\S]*cloaca show ${runId}`),
    );
  });

  it("a beginning that several ids share; they are named", async () => {
    const ids = [await world.start("greet"), await world.start("greet")];
    const ended = await world.refused("cancel", "r");
    expectError(ended, 3, /RUN_AMBIGUOUS: \d+ runs begin with "r"/);
    for (const id of ids) expect(ended.stderr).toContain(id);
  });

  it("to control what is over", async () => {
    const runId = await world.start("greet", "--wait");
    expectError(await world.refused("cancel", runId), 3, /RUN_OVER: run r\w+ of greet had ended before: succeeded/);
    expectError(await world.refused("retry", runId), 3, /RUN_NOT_FAILED/);
    expectError(await world.refused("pause", runId), 3, /RUN_OVER/);
    const { code, stderr } = await world.refused("explain", runId, "helo", "--json");
    expect(code).toBe(3);
    const { error } = JSON.parse(stderr) as ErrorJson;
    expect(error).toMatchObject({ code: "TASK_NOT_FOUND", exitCode: 3, message: expect.stringContaining('"hello"') });
  });
});

describe("no scheduler is exit code 4", () => {
  it.each([[[]], [["runs"]], [["run", "greet"]], [["watch"]], [["hosts"]]])("for %j", async (args) => {
    const ended = await cloaca(args, { CLOACA_ADDRESS: "127.0.0.1:1" });
    expectError(
      ended,
      4,
      /CONNECTION_FAILED: no scheduler answers at 127\.0\.0\.1:1 \(connection refused\)\n {2}cloaca server /,
    );
  });
});

describe("a process of its own", () => {
  it.each<[string[], number]>([
    [["runs"], 0],
    [["runs", "--limit", "x"], 2],
    [["show", "nothing-like-it"], 3],
    [["runs", "--address", "127.0.0.1:1"], 4],
    [["--help"], 0],
    [["run", "--help"], 0],
  ])("ends %j with %d", async (args, code) => {
    expect((await startCloaca(args, world.env).ended).code).toBe(code);
  });
});

describe("Ctrl-C", () => {
  it("ends watching with 130; the run goes on", async () => {
    const runId = await world.start("held");
    const watch = startCloaca(["watch", runId], world.env);
    await watch.says(/task deferred/);
    watch.signal("SIGINT");
    const { code, stderr } = await watch.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(new RegExp(`INTERRUPTED: stopped watching; run ${runId} goes on\n +cloaca watch ${runId}`));
    const { run } = await world.json<{ run: { status: string } }>("show", runId);
    expect(run.status).toBe("RUNNING");
    // A watch that is told of the cancellation ends with the run's exit code.
    const again = startCloaca(["watch", runId], world.env);
    await again.says(/task deferred/);
    await world.out("cancel", runId);
    const ended = await again.ended;
    expect([ended.code, ended.stderr]).toEqual([1, ""]);
    expect(ended.stdout).toMatch(/run cancelled/);
  });
});

describe("output", () => {
  it("has colours only where they are wanted", async () => {
    const runs = async (args: string[], env: NodeJS.ProcessEnv) =>
      (await cloaca(["runs", ...args], { ...world.env, ...env })).stdout;
    const plain = await runs([], {});
    expect(plain).not.toContain("\x1b");
    expect(await runs([], { FORCE_COLOR: "1" })).toContain("\x1b[32m✓ succeeded\x1b[39m");
    expect(await runs([], { FORCE_COLOR: "1", NO_COLOR: "1" })).not.toContain("\x1b");
    expect(await runs(["--no-color"], { FORCE_COLOR: "1" })).not.toContain("\x1b");
    const narrow = await runs([], { COLUMNS: "60" });
    expect(Math.max(...narrow.split("\n").map((line) => line.length))).toBeLessThanOrEqual(60);
  });

  it("may be closed by whoever reads it", async () => {
    for (const args of [["runs", "--limit", "100"], ["watch", "last"], ["--help"]]) {
      const child = spawn(process.execPath, [fileURLToPath(new URL(`../../${CLOACA}`, import.meta.url)), ...args], {
        env: { ...process.env, ...world.env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      let stderr = "";
      child.stderr.on("data", (chunk: Buffer) => {
        stderr += chunk.toString("utf8");
      });
      const closed = once(child, "close");
      child.stdout.destroy();
      expect([await closed, stderr]).toEqual([[0, null], ""]);
    }
  });
});

it("a watch goes on when the scheduler is there again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cloaca-watch-"));
  const store = `sqlite://${join(folder, "runs.db")}`;
  const first = await SchedulerProcess.start(store);
  const { address } = first;
  const env = { CLOACA_ADDRESS: address };
  let second: SchedulerProcess | null = null;
  try {
    const client = new Client({ url: address });
    await client.register(workflow("one", ({ task }) => void task({ id: "a" }, () => {})));
    const { runId } = await client.start("one", {});
    client.close();
    const watch = startCloaca(["watch", runId], env);
    await watch.says(/task ready/);
    await first.end("SIGKILL");
    second = await SchedulerProcess.start(store, "--address", address);
    expect((await cloaca(["cancel", runId], env)).code).toBe(0);
    const { code, stdout, stderr } = await watch.ended;
    expect([code, stderr]).toEqual([1, "the scheduler is away; trying again\n"]);
    // Nothing comes twice.
    expect(stdout.match(/run started/g)).toHaveLength(1);
    expect(stdout).toMatch(/run cancelled.*\n$/);
  } finally {
    await first.end("SIGKILL");
    await second?.end("SIGKILL");
    rmSync(folder, { recursive: true });
  }
});
