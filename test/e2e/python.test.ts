/**
 * The host in Python: its own tests, the snippets of the reference over the wire, and what only processes of its own can show: a
 * scheduler that is killed in the middle, and a host that is told to go.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { python } from "../../scripts/python.mjs";
import { ChildProgram } from "../support/child-program.js";
import { drainsOnSigterm, outlivesItsScheduler } from "../support/restart-host.js";
import { SchedulerProcess } from "../support/scheduler-process.js";

const FOLDER = fileURLToPath(new URL("../../examples/python", import.meta.url));
const found = python();
const program = "path" in found ? found.path : "";
/** The tests of the Python side take their time, on a busy machine above all. */
const PATIENCE_MS = 120_000;

/** A program of examples/python. */
function python3(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProgram {
  const own = { PYTHONPATH: join(FOLDER, "src"), PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1" };
  return new ChildProgram(program, args, { cwd: FOLDER, env: { ...own, ...env } });
}

describe.skipIf(program === "")("the host in Python", () => {
  it("passes its own tests", { timeout: PATIENCE_MS }, async () => {
    const { code, output } = await python3(["-m", "pytest", "-q", "-p", "no:cacheprovider"]).ended;
    expect(code, output).toBe(0);
    expect(output).toMatch(/\d+ passed/);
    expect(output).not.toMatch(/skipped|failed/);
  });

  it("is formatted and linted", { timeout: PATIENCE_MS }, async () => {
    for (const args of [
      ["format", "--check"],
      ["check", "--no-cache"],
    ]) {
      const { code, output } = await python3(["-m", "ruff", ...args, "."]).ended;
      expect(code, output).toBe(0);
    }
  });

  it("executes the snippets of the reference as they are, with retries, deferrals and cancellations", {
    timeout: PATIENCE_MS,
  }, async () => {
    const scheduler = await SchedulerProcess.start("memory:", "--check-books");
    try {
      const tests = python3(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests_scheduler"], {
        CLOACA_TEST_ADDRESS: scheduler.address,
      });
      const { code, output } = await tests.ended;
      expect(code, output).toBe(0);
      expect(output).toMatch(/\d+ passed/);
      expect(output).not.toMatch(/skipped|failed/);
      expect(scheduler.logs.filter(({ event }) => event === "turn_failed" || event === "books_wrong")).toEqual([]);
    } finally {
      await scheduler.end("SIGTERM");
    }
  });

  it("passes the conformance kit, all levels", { timeout: PATIENCE_MS }, async () => {
    const kit = fileURLToPath(new URL("../../conformance/bin/cloaca-conformance.js", import.meta.url));
    const host = `${program} ${join(FOLDER, "conformance_host.py")}`;
    const args = [kit, "--host", host, "--level", "drain", "--patience", "20000"];
    const { code, output } = await new ChildProgram(process.execPath, args, { cwd: FOLDER }).ended;
    expect(code, output).toBe(0);
    expect(output).toMatch(/\d\d passed, 0 failed/);
  });

  it("has the stubs that are generated from the protocol", { timeout: PATIENCE_MS }, async () => {
    const fresh = mkdtempSync(join(tmpdir(), "cloaca-python-gen-"));
    try {
      const { code, output } = await python3(["tools/gen.py", fresh]).ended;
      expect(code, output).toBe(0);
      const [here, there] = [join(FOLDER, "src/cloaca/v1"), join(fresh, "cloaca/v1")];
      const sources = (folder: string) =>
        readdirSync(folder)
          .filter((name) => /\.pyi?$/.test(name))
          .map((name) => [name, readFileSync(join(folder, name), "utf8")]);
      expect(sources(there).length).toBeGreaterThan(8);
      expect(Object.fromEntries(sources(here)), "run: python examples/python/tools/gen.py").toEqual(
        Object.fromEntries(sources(there)),
      );
    } finally {
      rmSync(fresh, { recursive: true });
    }
  });

  it.each(["sync", "async"])(
    "P6: outlives the scheduler, %s: one task running, one deferred, no code is executed twice",
    { timeout: PATIENCE_MS },
    (kind) =>
      outlivesItsScheduler((address, gate) => python3(["tests_scheduler/restart_host.py", address, gate, kind])),
  );

  it(
    "P12: SIGTERM drains: what runs is finished, what is deferred is handed back, and the process ends with 0",
    {
      timeout: PATIENCE_MS,
    },
    () => drainsOnSigterm((address, gate) => python3(["tests_scheduler/restart_host.py", address, gate, "sync"])),
  );
});
