/** Every command of `cloaca` that talks to a scheduler, for people and for programs. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliWorld, startCloaca } from "../support/cli.js";

interface RunJson {
  readonly runId: string;
  readonly status: string;
  readonly labels: Record<string, string>;
  readonly priority: number;
  readonly deadlineAt: string | null;
  readonly context: Record<string, unknown>;
}

interface ShowJson {
  readonly run: RunJson;
  readonly tasks: readonly { readonly task: string; readonly state: string; readonly failure: object | null }[];
}

let world: CliWorld;

beforeAll(async () => {
  world = await CliWorld.start();
});

afterAll(() => world.stop());

describe("cloaca run", () => {
  it("starts a run with all that was said, and proposes what to do next", async () => {
    const text = await world.out("run", "greet", "--label", "team=data", "--context", "name=world");
    expect(text).toMatch(
      /^● greet {2}r\w{21} {2}started {2}version [0-9a-f]{20}\n {2}cloaca watch r\w{21} {3}follow it/,
    );
    const more = ["--priority=-3", "--timeout-ms", "600000", "--request-id", "once", "-l", "a=b", "-l", "c=d"];
    const first = await world.json<Record<string, unknown>>("run", "greet", ...more);
    expect(Object.keys(first)).toEqual(["runId", "workflow", "workflowVersion", "existing"]);
    expect(await world.json("run", "greet", ...more)).toEqual({ ...first, existing: true });
    const { run } = await world.json<ShowJson>("show", String(first["runId"]));
    expect(run).toMatchObject({ priority: -3, labels: { a: "b", c: "d" } });
  });

  it("with --wait prints how it ended: the exit code says whether it succeeded", async () => {
    const text = await world.out("run", "greet", "-c", "name=world", "--wait");
    expect(text).toMatch(/✓ greet {2}r\w{21} {2}succeeded/);
    expect(text).toMatch(/\nshout {2}✓ succeeded {2}worker/);
    expect(text).toMatch(/█ holds a slot/);
    expect(text).toMatch(/greeting {2}"HELLO, WORLD!"/);
    const failed = await world.refused("run", "broken", "--wait");
    expect(failed.code).toBe(1);
    expect(failed.stdout).toMatch(/✗ load failed\n {4}TypeError: the column is missing\n {4}at .*cli-host\.mjs/);
    expect(failed.stdout).toMatch(/cloaca retry r\w{21} /);
  });

  it("takes its context from a file, the standard input, or the command line", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cloaca-cli-"));
    const file = join(folder, "input.json");
    writeFileSync(file, JSON.stringify({ name: "file", list: [1, { deep: null }] }));
    const ended = await world.json<{ run: RunJson }>("run", "greet", "--input", file, "-c", "n=3", "--wait");
    expect(ended.run.context).toEqual({ name: "file", list: [1, { deep: null }], n: 3, greeting: "HELLO, FILE!" });
    rmSync(folder, { recursive: true });
  });
});

describe("cloaca runs", () => {
  it("lists them newest first, by page, workflow and status", async () => {
    const ids = [];
    for (const n of [1, 2, 3]) ids.unshift(await world.start("greet", "--wait", "--label", `n=${n}`));
    const text = await world.out("runs", "--workflow", "greet", "--limit", "2");
    const lines = text.split("\n");
    expect(lines[0]).toMatch(/^RUN +STATUS +WORKFLOW +AGE +TOOK/);
    expect(lines.slice(1, 3).map((line) => line.split(" ")[0])).toEqual(ids.slice(0, 2));
    const [next = ""] = lines.filter((line) => line.includes("the next page"));
    const [, args = ""] = /^ {2}cloaca (.*?) {3}/.exec(next) ?? [];
    expect((await world.out(...args.split(" "))).split("\n")[1]).toMatch(new RegExp(`^${ids[2]} `));
    const page = await world.json<{ runs: RunJson[]; nextPageToken: string }>("runs", "--limit", "1");
    expect(Object.keys(page)).toEqual(["runs", "nextPageToken"]);
    expect(page).toMatchObject({ runs: [{ runId: ids[0], status: "SUCCEEDED" }], nextPageToken: expect.any(String) });
    expect(await world.json("runs", "--status", "paused,cancelled")).toEqual({ runs: [], nextPageToken: "" });
    expect(await world.out("runs", "--status", "paused")).toMatch(/no run is like that\n {2}cloaca runs /);
  });

  it("knows a run by the beginning of its id, and the newest as last", async () => {
    const runId = await world.start("greet", "--wait");
    expect((await world.json<ShowJson>("show", "last")).run.runId).toBe(runId);
    expect((await world.json<ShowJson>("show", runId.slice(0, -3))).run.runId).toBe(runId);
  });
});

describe("run control", () => {
  it("pauses, explains, resumes and cancels a run", async () => {
    await world.out("pause", "--workflow", "held");
    const runId = await world.start("held", "--timeout-ms", "600000");
    expect(await world.out("show", runId)).toMatch(/deadline in \d+m/);
    expect(await world.json("explain", runId)).toMatchObject({
      runId,
      status: "PENDING",
      tasks: [
        { task: "hold", state: "READY", reason: "WORKFLOW_PAUSED" },
        { task: "after", state: "WAITING", reason: "DEPENDENCY", waitingForTasks: ["hold"] },
      ],
      leftOut: 0,
    });
    expect(await world.out("explain", runId, "hold")).toMatch(/workflow paused[\s\S]*cloaca resume --workflow held/);
    expect(await world.out("workflows")).toMatch(/\nheld +[0-9a-f]{20} +● current +2 +(now|\S+ ago) +‖ paused/);
    expect(await world.json("pause", runId, "--reason", "lunch")).toEqual({
      runId,
      workflow: "held",
      status: "PAUSED",
    });
    expect(await world.out("resume", "--workflow", "held")).toMatch(/^● workflow held {2}goes on\n/);
    expect(await world.out("explain", runId)).toMatch(/run paused[\s\S]*lunch/);
    expect(await world.out("resume", runId)).toMatch(/cloaca watch r/);
    // It is deferred once its host says so.
    await followed(runId, /task deferred/);
    expect(await world.out("show", runId)).toMatch(/hold +◌ deferred +worker.*to be told/);
    expect(await world.out("hosts")).toMatch(/\nworker {2}● connected {2}□□ 0\/2 +1 /);
    expect(await world.out("cancel", runId, "--reason", "enough")).toMatch(/^⊘ held {2}r\w+ {2}cancelled\n/);
    expect((await world.json<ShowJson>("show", runId)).run).toMatchObject({ status: "CANCELLED", reason: "enough" });
  });

  it("retries a failed run from where it failed", async () => {
    const failed = await world.refused("run", "broken", "--wait", "--json");
    expect(failed.code).toBe(1);
    const { runId } = JSON.parse(failed.stdout) as RunJson;
    await world.tell("mend");
    expect(await world.json("retry", runId)).toEqual({
      runId,
      workflow: "broken",
      status: "RUNNING",
      resetTasks: ["load", "report"],
    });
    expect(await world.out("watch", runId)).toMatch(/run retried[\s\S]*run succeeded\n$/);
  });
});

describe("cloaca watch", () => {
  it("appends a line for each event of a run, to its end, and ends with its exit code", async () => {
    const runId = await world.start("greet");
    const lines = (await world.out("watch", runId)).trimEnd().split("\n");
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}run started$/);
    expect(lines.at(-1)).toMatch(/ run succeeded$/);
    const events = (await world.out("watch", runId, "--json")).trimEnd().split("\n");
    expect(events.map((line) => (JSON.parse(line) as { eventSeq: number }).eventSeq)).toEqual(
      events.map((_, at) => at + 1),
    );
  });

  it("follows all runs from now on", async () => {
    const watch = startCloaca(["watch", "--workflow", "greet", "--json"], world.env);
    // It may have begun after the first of them: runs are started until it has seen one to its end.
    let isSeen = false;
    const seen = watch.says(/"workflow":"greet".*"type":"RUN_SUCCEEDED"/).then(() => {
      isSeen = true;
    });
    while (!isSeen) await world.start("greet", "--wait");
    await seen;
    watch.signal("SIGINT");
    expect((await watch.ended).code).toBe(130);
  });

  it("says that it waits when no such workflow is registered", async () => {
    const watch = startCloaca(["watch", "--workflow", "greeet"], world.env);
    await watch.warns(/no workflow "greeet" is registered yet; did you mean greet\? Waiting for its runs/);
    watch.signal("SIGINT");
    expect((await watch.ended).code).toBe(130);
  });
});

describe("cloaca", () => {
  it("alone says how the scheduler is, and proposes three commands", async () => {
    const text = await world.out();
    expect(text).toMatch(/^● scheduler at 127\.0\.0\.1:\d+ {3}namespace default\n/);
    expect(text).toMatch(/\n {2}runs .*\d+ succeeded/);
    expect(text).toMatch(/\n {2}hosts +1 alive\n {2}slots +\d of 2 held/);
    expect(text.match(/^ {2}cloaca /gm)).toHaveLength(3);
    const status = await world.json<Record<string, unknown>>("status");
    expect(Object.keys(status)).toEqual([
      "address",
      "namespace",
      "runs",
      "countedToTheEnd",
      "newest",
      "tasks",
      "runsLeftOut",
      "hosts",
      "workflows",
      "next",
    ]);
    expect(status).toMatchObject({ workflows: 3, countedToTheEnd: true, hosts: [{ hostId: "worker", slots: 2 }] });
    expect(status["next"]).toHaveLength(3);
  });

  it("promotes a version by its beginning, and lets the newest be current again", async () => {
    const { workflows } = await world.json<{ workflows: { name: string; version: string }[] }>("workflows");
    const { version = "" } = workflows.find(({ name }) => name === "greet") ?? {};
    expect(await world.out("promote", "greet", version.slice(0, 6))).toMatch(`● greet  ${version}  promoted\n`);
    expect(await world.json("promote", "greet", "--newest")).toMatchObject({
      workflow: { name: "greet", version, current: true, promoted: false, paused: false },
    });
  });

  it("drains a host", async () => {
    const { hosts } = await world.json<{ hosts: object[] }>("hosts");
    expect(hosts).toMatchObject([{ hostId: "worker", connected: true, draining: false, slots: 2, leases: [] }]);
    const { host } = await world.json<{ host: object }>("drain", "worker", "--grace-ms", "1000", "--reason", "deploy");
    expect(host).toMatchObject({ hostId: "worker", draining: true });
  });
});

/** Follows a run until a line says this. */
async function followed(runId: string, pattern: RegExp): Promise<void> {
  const watch = startCloaca(["watch", runId], world.env);
  await watch.says(pattern);
  watch.signal("SIGINT");
  await watch.ended;
}
