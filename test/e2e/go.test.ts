/**
 * The host in Go: its own tests, and what only processes of its own can show: the conformance kit, a scheduler that is killed in
 * the middle, and a host that is told to go.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RunService, RunStatus } from "@cloaca/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { goForHost, goProgram } from "../../scripts/go.mjs";
import { ChildProgram } from "../support/child-program.js";
import { drainsOnSigterm, outlivesItsScheduler } from "../support/restart-host.js";
import { SchedulerProcess } from "../support/scheduler-process.js";
import { Wire } from "../support/wire.js";

const FOLDER = fileURLToPath(new URL("../../examples/go", import.meta.url));
const found = goForHost();
/** Compiling takes its time, and so do the tests of the Go side, on a busy machine above all. */
const PATIENCE_MS = 300_000;

const go = (...args: string[]) => new ChildProgram("go", args, { cwd: FOLDER }).ended;

describe.skipIf("missing" in found)("the host in Go", () => {
  let [conformanceHost, restartHost] = ["", ""];

  beforeAll(() => {
    const built = (["conformance-host", "restart-host"] as const).map((name) => goProgram(name));
    for (const program of built) if ("missing" in program) throw new Error(program.missing);
    [conformanceHost = "", restartHost = ""] = built.map((program) => ("path" in program ? program.path : ""));
  }, PATIENCE_MS);

  it("passes its own tests", { timeout: PATIENCE_MS }, async () => {
    const { code, output } = await go("test", "-count=1", "./...");
    expect(code, output).toBe(0);
    expect(output).toMatch(/^ok\s+example\.com\/cloaca\s/m);
    expect(output).not.toMatch(/FAIL|SKIP/);
  });

  it("is formatted and vetted, and its go.mod is tidy", { timeout: PATIENCE_MS }, async () => {
    expect(await new ChildProgram("gofmt", ["-l", "."], { cwd: FOLDER }).ended).toEqual({ code: 0, output: "" });
    expect(await go("vet", "./...")).toEqual({ code: 0, output: "" });
    const { code, output } = await go("mod", "tidy", "-diff");
    expect(code, output).toBe(0);
  });

  it("has a README that shows a program which compiles", () => {
    const [readme, program] = ["README.md", "cmd/etl-host/main.go"].map((file) =>
      readFileSync(join(FOLDER, file), "utf8"),
    );
    expect(readme).toContain(`\`\`\`go\n${program}\`\`\``);
  });

  it("passes the conformance kit, all levels", { timeout: PATIENCE_MS }, async () => {
    const kit = fileURLToPath(new URL("../../conformance/bin/cloaca-conformance.js", import.meta.url));
    const args = [kit, "--host", conformanceHost, "--level", "drain", "--patience", "20000"];
    const { code, output } = await new ChildProgram(process.execPath, args).ended;
    expect(code, output).toBe(0);
    expect(output).toMatch(/\d\d passed, 0 failed/);
  });

  it("executes a workflow of a live scheduler", { timeout: PATIENCE_MS }, async () => {
    const scheduler = await SchedulerProcess.start("memory:", "--check-books");
    const wire = new Wire(scheduler.address);
    const env = { CLOACA_ADDRESS: scheduler.address, CLOACA_HOST_ID: "go" };
    const host = new ChildProgram(conformanceHost, [], { env });
    try {
      await scheduler.log("session_opened");
      // All its tasks, side by side: nothing of them depends on another. `fail_final` fails the run.
      const input = { value: '{"n":9007199254740993}', set: '{"a":1}', bytes: "3", file: `"${conformanceHost}"` };
      const { runId } = await wire.call(RunService.method.startRun, {
        run: { workflow: "conformance", context: { ...input, files: `["${conformanceHost}"]`, poll_ms: "5" } },
      });
      const { run } = await wire.call(RunService.method.getRun, { runId, waitMs: 60_000 });
      expect(run?.status).toBe(RunStatus.FAILED);
      const { taskRuns } = await wire.call(RunService.method.listTaskRuns, { runId });
      const failures = taskRuns.flatMap(({ task, failure }) =>
        failure === undefined ? [] : [[task, failure.code, failure.message, failure.type]],
      );
      const failed = ["TASK_FAILED", "failed", "*errors.errorString"];
      expect(failures.sort()).toEqual([
        ["fail", ...failed],
        ["fail_final", ...failed],
        ["fail_transient", ...failed],
      ]);
      expect(run?.context).toMatchObject({
        echoed: input.value,
        a: "1",
        large: '"xxx"',
        waited: "true",
        done: "true",
        outcomes: '["MET"]',
      });
    } finally {
      host.child.kill("SIGTERM");
      expect((await host.ended).code).toBe(0);
      wire.close();
      await scheduler.end("SIGTERM");
    }
    expect(scheduler.logs.filter(({ event }) => event === "turn_failed" || event === "books_wrong")).toEqual([]);
  });

  it(
    "P6: outlives the scheduler: one task running, one deferred, no code is executed twice",
    {
      timeout: PATIENCE_MS,
    },
    () => outlivesItsScheduler((address, gate) => new ChildProgram(restartHost, [address, gate])),
  );

  it(
    "P12: SIGTERM drains: what runs is finished, what is deferred is handed back, and the process ends with 0",
    {
      timeout: PATIENCE_MS,
    },
    () => drainsOnSigterm((address, gate) => new ChildProgram(restartHost, [address, gate])),
  );
});
