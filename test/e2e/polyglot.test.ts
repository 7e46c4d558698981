/** `npm run demo:polyglot`: one workflow in three languages, also when any one of its hosts is killed in the middle. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { goProgram } from "../../scripts/go.mjs";
import { python } from "../../scripts/python.mjs";
import { isAlive, type Program, runProgram } from "../support/program.js";

const DEMO = "examples/dist/polyglot/main.js";
const LANGUAGES = ["typescript", "python", "go"] as const;
const PATIENCE_MS = 120_000;
const found = [python(), goProgram("polyglot-host")];

describe.skipIf(found.some((one) => "missing" in one))("npm run demo:polyglot, in a pipe", () => {
  let folder: string;
  let demo: Program;

  beforeAll(() => {
    // Whatever is to be installed or built is there: nothing of it is the demo's own time.
    expect(found).toEqual([{ path: expect.any(String) }, { path: expect.any(String) }]);
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-polyglot-test-"));
  });

  afterEach(async () => {
    demo.signal("SIGTERM");
    await demo.ended;
    rmSync(folder, { recursive: true, force: true });
  });

  function start(...args: readonly string[]): void {
    demo = runProgram(DEMO, args, { TMPDIR: folder });
  }

  /** The ids of its processes, once all are there. */
  async function processes(): Promise<number[]> {
    const ids = ["scheduler", ...LANGUAGES].map(async (name) => {
      const [, pid] = await demo.says(new RegExp(`${name} .*process (\\d+)\n`));
      return Number(pid);
    });
    return Promise.all(ids);
  }

  function expectNothingLeft(pids: readonly number[]): void {
    expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  }

  /** What its lines told, read by somebody who does not share its code. */
  function told(stdout: string): string[] {
    return stdout.split("\n").flatMap((line) => {
      const match = /^ *[\d.]+s {2}\S (\w+) +(\w+) +(typescript|python|go) /.exec(`${line} `);
      return match === null ? [] : [`${match[1]} ${match[2]} ${match[3]}`];
    });
  }

  const FETCH = ["fetch running typescript", "fetch succeeded typescript"];
  const DEFER = ["transform running python", "transform deferred python"];
  const RESUME = ["transform reclaiming python", "transform running python", "transform succeeded python"];
  const LOAD = ["load running go", "load succeeded go"];

  const stories = [
    { kill: null, story: [...FETCH, ...DEFER, ...RESUME, ...LOAD] },
    {
      kill: "typescript",
      story: ["fetch running typescript", "fetch ready typescript", ...FETCH, ...DEFER, ...RESUME, ...LOAD],
    },
    { kill: "python", story: [...FETCH, ...DEFER, "transform ready python", ...DEFER, ...RESUME, ...LOAD] },
    { kill: "go", story: [...FETCH, ...DEFER, ...RESUME, "load running go", "load ready go", ...LOAD] },
  ] as const;

  it.each(stories)(
    "finishes, and tells what happened, when the host killed is $kill",
    {
      timeout: PATIENCE_MS,
    },
    async ({ kill, story }) => {
      start(...(kill === null ? [] : ["--kill", kill]));
      const pids = await processes();
      const { code, stdout, stderr } = await demo.ended;
      expect(stderr).toBe("");
      expect(stdout).not.toContain("\x1b");
      const lines = stdout.trimEnd().split("\n");
      const killed = kill === null ? "" : `, ${kill} killed in the middle`;
      expect(lines.at(-1)).toMatch(new RegExp(`^demo ok: 3 tasks in 3 languages${killed}, \\d+\\.\\ds$`));
      expect(code).toBe(0);
      expect(told(stdout)).toEqual(story);
      expect(lines.filter((line) => line.startsWith("  ✓ ") && !line.includes(" is back, "))).toHaveLength(6);
      const back = lines.filter((line) => line.startsWith(`  ✓ the host in ${kill} is back, process `));
      expect(back).toHaveLength(kill === null ? 0 : 1);
      // Facts of the data sets.
      expect(stdout).toMatch(/1960s .* 320\.3 .*−0\.03\n/);
      expect(stdout).toContain("From the 1960s to the 2010s: +79.9 ppm and +0.84 °C.");
      expectNothingLeft([...pids, ...back.map((line) => Number(/\d+$/.exec(line)?.[0]))]);
    },
  );

  it("ends in order on Ctrl-C, in mid-deferral", { timeout: PATIENCE_MS }, async () => {
    start();
    const pids = await processes();
    await demo.says(/deferred/);
    demo.signal("SIGINT");
    const { code, stdout, stderr } = await demo.ended;
    expect(stderr).toBe("");
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("demo stopped: Ctrl-C");
    expect(code).toBe(130);
    expectNothingLeft(pids);
  });

  it("leaves no host behind when it is killed itself", { timeout: PATIENCE_MS }, async () => {
    start();
    const [scheduler, ...hosts] = await processes();
    try {
      await demo.says(/succeeded/);
      demo.signal("SIGKILL");
      await demo.ended;
      // Hosts finish what runs, at the scheduler that is still there, and end.
      await expect.poll(() => hosts.filter((pid) => isAlive(pid)), { timeout: 30_000 }).toEqual([]);
    } finally {
      process.kill(scheduler ?? 0, "SIGKILL");
    }
  });

  it("says so when a host dies that it has not killed, and fails", { timeout: PATIENCE_MS }, async () => {
    start();
    const pids = await processes();
    await demo.says(/deferred/);
    process.kill(pids[3] ?? 0, "SIGKILL");
    const { code, stdout } = await demo.ended;
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("demo FAILED: go ended unexpectedly, by SIGKILL");
    expect(code).toBe(1);
    expectNothingLeft(pids);
  });
});

it.each([["--kill"], ["--kill", "rust"], ["--keep"], ["--kill", "go", "python"]])("refuses %s", async (...args) => {
  const { code, stderr } = await runProgram(DEMO, args).ended;
  expect(stderr).toContain("usage: npm run demo:polyglot [-- --kill typescript|python|go]");
  expect(code).toBe(2);
});
