/** The conformance kit as a process: the TypeScript host passes it, and so does the scheduler. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runProgram } from "../support/program.js";
import { useScheduler } from "../support/use-scheduler.js";

const KIT = "conformance/bin/cloaca-conformance.js";
const HOST = "node examples/dist/ts/conformance-host.js";
const directory = mkdtempSync(join(tmpdir(), "cloaca-kit-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const kit = (...args: string[]) => runProgram(KIT, args).ended;

describe("the conformance kit", () => {
  const scheduler = useScheduler();

  it("passes the host of the TypeScript SDK at every level", { timeout: 300_000 }, async () => {
    const { code, stdout, stderr } = await kit("--host", HOST, "--patience", "20000");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/\n\d\d passed, 0 failed\n$/);
    expect(code).toBe(0);
  });

  it("passes this scheduler", { timeout: 120_000 }, async () => {
    const { code, stdout } = await kit("--scheduler", scheduler.address, "--patience", "20000");
    expect(stdout).toMatch(/\n\d\d passed, 0 failed\n$/);
    expect(code).toBe(0);
  });

  it("says what a program did that ended, writes JUnit, and heeds the list of known failures", async () => {
    const [file, list] = [join(directory, "junit.xml"), join(directory, "known")];
    writeFileSync(list, "echo # not written yet\n");
    const args = ["--host", "broken=echo out of order && exit 3", "--only", "echo", "--only", "edit", "--junit", file];
    const { code, stdout } = await kit(...args, "--known-failing", list);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^known {2}basic {5}echo .*\n.*the program ended with 3 while it owed the host's Hello\n +out of order/m,
    );
    expect(stdout).toMatch(/^FAILED basic {5}edit /m);
    expect(stdout).toMatch(/\n0 passed, 1 failed, 1 known to fail\n$/);
    expect(readFileSync(file, "utf8")).toContain('<testsuite name="broken" tests="2" failures="1" skipped="1">');
  });

  it("refuses what it cannot do", async () => {
    const none = await kit();
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("--host")]);
    const unknown = await kit("--host", HOST, "--only", "ecko");
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("there is no case ecko")]);
  });

  it("lists its cases by level", async () => {
    const { code, stdout } = await kit("--list", "--level", "basic");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^basic {5}echo +P4\.1 P4\.2 /m);
    expect(stdout).not.toMatch(/^(deferral|resume|drain) /m);
  });
});
