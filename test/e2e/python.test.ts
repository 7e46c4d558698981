/**
 * The host in Python: its own tests, the snippets of the reference over the wire, and what only processes of its own can show: a
 * scheduler that is killed in the middle, and a host that is told to go.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RunEventType, RunService, RunStatus } from "@cloaca/protocol";
import { describe, expect, it } from "vitest";
import { python } from "../../scripts/python.mjs";
import { SchedulerProcess } from "../support/scheduler-process.js";
import { Wire } from "../support/wire.js";

const FOLDER = fileURLToPath(new URL("../../examples/python", import.meta.url));
const found = python();
const program = "path" in found ? found.path : "";
/** The tests of the Python side take their time, on a busy machine above all. */
const PATIENCE_MS = 120_000;

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** A program of examples/python, whose output can be awaited. */
class PythonProcess {
  readonly ended: Promise<Ended>;
  readonly child;
  #output = "";
  #isOver = false;
  readonly #wake = new Set<() => void>();

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}, executable = program) {
    this.child = spawn(executable, args, {
      cwd: FOLDER,
      env: {
        ...process.env,
        PYTHONPATH: join(FOLDER, "src"),
        PYTHONDONTWRITEBYTECODE: "1",
        PYTHONUNBUFFERED: "1",
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
        for (const wake of this.#wake) wake();
      });
    }
    this.ended = new Promise((resolve, reject) => {
      this.child.on("error", reject);
      this.child.on("close", (code) => {
        this.#isOver = true;
        for (const wake of this.#wake) wake();
        resolve({ code, output: this.#output });
      });
    });
  }

  async says(text: string): Promise<void> {
    while (!this.#output.includes(text)) {
      if (this.#isOver) throw new Error(`never said ${text}, but:\n${this.#output}`);
      await new Promise<void>((resolve) => this.#wake.add(resolve));
      this.#wake.clear();
    }
  }
}

describe.skipIf(program === "")("the host in Python", () => {
  it("passes its own tests", { timeout: PATIENCE_MS }, async () => {
    const { code, output } = await new PythonProcess(["-m", "pytest", "-q", "-p", "no:cacheprovider"]).ended;
    expect(code, output).toBe(0);
    expect(output).toMatch(/\d+ passed/);
    expect(output).not.toMatch(/skipped|failed/);
  });

  it("is formatted and linted", { timeout: PATIENCE_MS }, async () => {
    for (const args of [
      ["format", "--check"],
      ["check", "--no-cache"],
    ]) {
      const { code, output } = await new PythonProcess(["-m", "ruff", ...args, "."]).ended;
      expect(code, output).toBe(0);
    }
  });

  it("executes the snippets of the reference as they are, with retries, deferrals and cancellations", {
    timeout: PATIENCE_MS,
  }, async () => {
    const scheduler = await SchedulerProcess.start("memory:", "--check-books");
    try {
      const tests = new PythonProcess(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests_scheduler"], {
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
    const { code, output } = await new PythonProcess(args, {}, process.execPath).ended;
    expect(code, output).toBe(0);
    expect(output).toMatch(/\d\d passed, 0 failed/);
  });

  it("has the stubs that are generated from the protocol", { timeout: PATIENCE_MS }, async () => {
    const fresh = mkdtempSync(join(tmpdir(), "cloaca-python-gen-"));
    try {
      const { code, output } = await new PythonProcess(["tools/gen.py", fresh]).ended;
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
    {
      timeout: PATIENCE_MS,
    },
    async (kind) => {
      const folder = mkdtempSync(join(tmpdir(), "cloaca-python-restart-"));
      const store = `sqlite://${join(folder, "runs.db")}`;
      const gate = join(folder, "gate");
      const first = await SchedulerProcess.start(store, "--check-books");
      const { address } = first;
      const wire = new Wire(address);
      const host = new PythonProcess(["tests_scheduler/restart_host.py", address, gate, kind]);
      let second: SchedulerProcess | null = null;
      try {
        await first.log("session_opened");
        const { runId } = await wire.call(RunService.method.startRun, { run: { workflow: "pair" } });
        const watching = wire.stream(RunService.method.watchRuns, { runId, types: [RunEventType.TASK_DEFERRED] });
        watching.on("error", () => {});
        for await (const { events } of watching) if (events.length > 0) break;
        await host.says("executes running");
        expect((await first.end("SIGKILL")).signal).toBe("SIGKILL");

        second = await SchedulerProcess.start(store, "--check-books", "--address", address);
        expect(await second.log("session_opened")).toMatchObject({ resumed: true, generation: 2 });
        writeFileSync(gate, "");
        const after = new Wire(address);
        const { run } = await after.call(RunService.method.getRun, { runId, waitMs: 30_000 });
        expect(run).toMatchObject({
          status: RunStatus.SUCCEEDED,
          context: { running: "1", waiting: '"before and after"', last: "1" },
        });
        const { taskRuns } = await after.call(RunService.method.listTaskRuns, { runId });
        expect(taskRuns.map(({ attempt, recovery, fence }) => [attempt, recovery, fence])).toEqual([
          [1, 0, 1n],
          [1, 0, 1n],
          [1, 0, 1n],
        ]);
        after.close();
        host.child.kill("SIGTERM");
        const { code, output } = await host.ended;
        expect(code, output).toBe(0);
        expect(output.match(/executes \w+/g)?.sort()).toEqual([
          "executes last",
          "executes running",
          "executes waiting",
        ]);
      } finally {
        host.child.kill("SIGKILL");
        await host.ended;
        wire.close();
        await first.end("SIGKILL");
        await second?.end("SIGKILL");
        rmSync(folder, { recursive: true });
      }
    },
  );

  it("P12: SIGTERM drains: what runs is finished, what is deferred is handed back, and the process ends with 0", {
    timeout: PATIENCE_MS,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "cloaca-python-drain-"));
    const gate = join(folder, "gate");
    const scheduler = await SchedulerProcess.start("memory:", "--check-books");
    const wire = new Wire(scheduler.address);
    const hosts: PythonProcess[] = [];
    const startHost = () => {
      const host = new PythonProcess(["tests_scheduler/restart_host.py", scheduler.address, gate, "sync"]);
      hosts.push(host);
      return host;
    };
    try {
      const host = startHost();
      await scheduler.log("session_opened");
      const { runId } = await wire.call(RunService.method.startRun, { run: { workflow: "pair" } });
      const seen = async (type: RunEventType) => {
        const watching = wire.stream(RunService.method.watchRuns, { runId, types: [type] });
        watching.on("error", () => {});
        for await (const { events } of watching) if (events.length > 0) break;
        watching.cancel();
      };
      await seen(RunEventType.TASK_DEFERRED);
      await host.says("executes running");
      host.child.kill("SIGTERM");
      await seen(RunEventType.TASK_DECLINED);
      writeFileSync(gate, "");
      const { code, output } = await host.ended;
      expect(code, output).toBe(0);
      const { taskRuns } = await wire.call(RunService.method.listTaskRuns, { runId });
      const [running] = taskRuns;
      expect(running).toMatchObject({ task: "running", attempt: 1, recovery: 0, fence: 1n });
      startHost();
      const { run } = await wire.call(RunService.method.getRun, { runId, waitMs: 30_000 });
      expect(run).toMatchObject({ status: RunStatus.SUCCEEDED, context: { running: "1", last: "1" } });
    } finally {
      for (const host of hosts) {
        host.child.kill("SIGKILL");
        await host.ended;
      }
      wire.close();
      await scheduler.end("SIGTERM");
      rmSync(folder, { recursive: true });
    }
  });
});
