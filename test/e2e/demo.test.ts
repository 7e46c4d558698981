import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@cloaca/sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isAlive, type Program, runProgram } from "../support/program.js";

const DEMO = "examples/dist/demo/main.js";

describe("npm run demo, in a pipe", () => {
  let folder: string;
  let demo: Program;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-demo-test-"));
  });

  function start(...args: readonly string[]): void {
    demo = runProgram(DEMO, args, { TMPDIR: folder });
  }

  afterEach(async () => {
    demo.signal("SIGTERM");
    await demo.ended;
    rmSync(folder, { recursive: true, force: true });
  });

  /** The ids of its processes, once all are there. */
  async function processes(): Promise<Record<string, number>> {
    const found = ["scheduler", "host-a", "host-b"].map(async (name) => {
      const [, pid] = await demo.says(new RegExp(`${name} .*process (\\d+)\n`));
      return [name, Number(pid)] as const;
    });
    return Object.fromEntries(await Promise.all(found));
  }

  function expectNothingLeft(pids: Readonly<Record<string, number>>): void {
    expect(Object.entries(pids).filter(([, pid]) => isAlive(pid))).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  }

  it("ends with a verdict that agrees with what it told, and leaves nothing behind", async () => {
    start();
    const pids = await processes();
    const { code, stdout, stderr } = await demo.ended;
    expect(stderr).toBe("");
    expect(stdout).not.toContain("\x1b");
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    const verdict = /^demo ok: 6 tasks, 1 deferral, slot reused by ([1-9]) tasks?, \d+\.\ds$/.exec(lines.at(-1) ?? "");
    expect(verdict, lines.at(-1)).not.toBeNull();

    // Its own lines, read by somebody who does not share its code.
    const told = lines.flatMap((line) => {
      const match = /^ *[\d.]+s {2}\S (\w+) +(\w+) +(host-[ab])/.exec(line);
      return match === null ? [] : [{ task: match[1], state: match[2], host: match[3] }];
    });
    const succeeded = told.filter(({ state }) => state === "succeeded").map(({ task }) => task);
    expect(succeeded.toSorted()).toEqual([
      "ask_new_york",
      "dry_spell",
      "rain_by_month",
      "read_seattle",
      "wet_days",
      "write_report",
    ]);
    expect(succeeded.at(-1)).toBe("write_report");
    const deferred = told.findIndex(({ state }) => state === "deferred");
    const resumed = told.findIndex(
      ({ task, state }, at) => at > deferred && task === "ask_new_york" && state === "running",
    );
    const { host } = told[deferred] ?? {};
    const reused = told.slice(deferred, resumed).filter((line) => line.state === "running" && line.host === host);
    expect(reused.length).toBe(Number(verdict?.[1]));

    // Time with a slot and time without differ in the time line, of one task alone.
    expect(lines.filter((line) => /█+░+╌+█+/.test(line))).toEqual([expect.stringContaining("ask_new_york")]);
    expect(lines.filter((line) => /^ {4}\w+ .*█/.test(line))).toHaveLength(6);
    // Facts of the data set.
    expect(stdout).toMatch(/rain, a year +1,107 mm +1,045 mm/);
    expect(stdout).toContain("in all more in Seattle");
    expect(lines.filter((line) => line.startsWith("  ✓ "))).toHaveLength(6);
    expectNothingLeft(pids);
  });

  it("ends in order on Ctrl-C, in mid-deferral", async () => {
    start();
    const pids = await processes();
    await demo.says(/deferred/);
    demo.signal("SIGINT");
    // npm passes on what the terminal has sent already.
    demo.signal("SIGINT");
    const { code, stdout, stderr } = await demo.ended;
    expect(stderr).toBe("");
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("demo stopped: Ctrl-C");
    expect(code).toBe(130);
    expectNothingLeft(pids);
  });

  it("with --keep, leaves everything running until Ctrl-C", async () => {
    start("--keep");
    const pids = await processes();
    const [, address = ""] = await demo.says(/still running, until Ctrl-C:\s+look inside: grpcurl -plaintext (\S+)/);
    const client = new Client({ url: address });
    const { runs } = await client.list();
    expect(runs).toMatchObject([{ workflow: "rain", status: "SUCCEEDED" }]);
    client.close();
    demo.signal("SIGINT");
    const { code, stdout } = await demo.ended;
    expect(stdout).toMatch(/\ndemo ok: .*\n$/);
    expect(code).toBe(0);
    expectNothingLeft(pids);
  });

  it.each(["host-b", "scheduler"])("says so when %s dies, and fails", async (name) => {
    start();
    const pids = await processes();
    await demo.says(/deferred/);
    process.kill(pids[name] ?? 0, "SIGKILL");
    const { code, stdout } = await demo.ended;
    expect(stdout.trimEnd().split("\n").at(-1)).toBe(`demo FAILED: ${name} ended unexpectedly, by SIGKILL`);
    expect(code).toBe(1);
    expectNothingLeft(pids);
  });
});

it("refuses an option that it does not have", async () => {
  const { code, stderr } = await runProgram(DEMO, ["--kepe"]).ended;
  expect(stderr).toContain("usage: npm run demo [-- --keep]");
  expect(code).toBe(2);
});
